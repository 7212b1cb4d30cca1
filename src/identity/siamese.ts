/**
 * The Siamese comparison: two embeddings of one twin network go in, a logit and a probability of "same person" come
 * out; for one pair by the plain formula, or for one probe against all templates of a gallery at once.
 */
import { Fault } from '../base/errors.ts';
import type { Embedding, Head } from '../face/port.ts';
import { openKernel } from './simd.ts';

/** The head's logit for two unit vectors of one dimension: the higher, the more alike. */
export function logitOf(head: Head, a: Embedding, b: Embedding): number {
  checkDimension(head, a.length, b.length);
  let sum = 0;
  if (head.kind === 'cosine') {
    for (let i = 0; i < a.length; i++) sum += at(a, i) * at(b, i);
    return head.scale * sum + head.bias;
  }
  for (let i = 0; i < a.length; i++) sum += (head.weights[i] ?? 0) * Math.abs(at(a, i) - at(b, i));
  return head.bias - sum;
}

/** Probability of "same person" for a logit: the logistic function, 0…1. */
export function probabilityOf(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** The logit of a probability (0…1): the inverse of `probabilityOf`; −Infinity at 0, Infinity at 1. */
export function logitOfProbability(probability: number): number {
  return Math.log(probability) - Math.log1p(-probability);
}

/** The templates of a gallery, laid out so that one probe can be searched among them. */
export interface TemplateMatrix {
  /** How many templates it holds. */
  readonly count: number;
  /** Replaces all templates (each of the dimension given when it was made); what was there before is overwritten. */
  load(templates: readonly Embedding[]): void;
  /** Writes one template over that of a row, or behind the last one (`row` is `count`). */
  put(row: number, template: Embedding): void;
  /** Removes the template of a row; the last one moves to its place. */
  drop(row: number): void;
  /**
   * The logit of the probe against each template, in their order, within 1e-4 of `logitOf`. The next call uses the same
   * array again.
   */
  score(probe: Embedding): Float32Array;
}

/**
 * An empty matrix for embeddings of `dimension` numbers under `head`.
 *
 * Σ wᵢ|aᵢ − bᵢ| = Σ |wᵢaᵢ − wᵢbᵢ| where wᵢ ≥ 0. So both sides are multiplied once, when they are laid out, and the loop
 * only subtracts and adds. Dimensions of negative weight lie behind the others; their sum is subtracted.
 */
export function templateMatrix(head: Head, dimension: number): TemplateMatrix {
  checkDimension(head, dimension, dimension);
  const { memory, sums } = openKernel(head.kind === 'cosine' ? 'product' : 'absolute-difference');
  const layout = layoutOf(head, dimension);
  const rowBytes = 4 * layout.width;
  const firstRow = rowBytes; // the probe lies at 0
  let count = 0;
  let memoryView = new Float32Array(memory.buffer);
  let logits = new Float32Array(0);

  const reserve = (rows: number) => {
    const pages = Math.ceil((outAt(rows) + 4 * rows) / 65_536);
    const missing = pages - memory.buffer.byteLength / 65_536;
    if (missing <= 0) return;
    memory.grow(missing);
    memoryView = new Float32Array(memory.buffer);
  };
  const write = (embedding: Embedding, place: number) => {
    for (let i = 0; i < dimension; i++) memoryView[place + at(layout.places, i)] = at(layout.factors, i) * at(embedding, i);
  };
  const outAt = (rows: number) => firstRow + rows * rowBytes;
  const sumOver = (from: number, width: number): Float32Array => {
    if (width === 0 || count === 0) return new Float32Array(0);
    const out = outAt(count);
    sums(4 * from, firstRow + 4 * from, count, 4 * width, rowBytes, out);
    return new Float32Array(memory.buffer, out, count);
  };

  return {
    get count() {
      return count;
    },
    load: (templates) => {
      for (const template of templates) checkDimension(head, dimension, template.length);
      reserve(templates.length);
      memoryView.fill(0);
      count = templates.length;
      templates.forEach((template, index) => {
        write(template, (index + 1) * layout.width);
      });
    },
    put: (row, template) => {
      checkDimension(head, dimension, template.length);
      count = Math.max(count, row + 1);
      reserve(count);
      const place = (row + 1) * layout.width;
      memoryView.fill(0, place, place + layout.width); // the sums of earlier probes lay there
      write(template, place);
    },
    drop: (row) => {
      const last = count * layout.width;
      memoryView.copyWithin((row + 1) * layout.width, last, last + layout.width);
      memoryView.fill(0, last, last + layout.width);
      count--;
    },
    score: (probe) => {
      checkDimension(head, dimension, probe.length);
      write(probe, 0);
      if (logits.length !== count) logits = new Float32Array(count);
      logits.fill(head.bias);
      const scale = head.kind === 'cosine' ? head.scale : -1;
      addScaled(logits, scale, sumOver(0, layout.plus));
      addScaled(logits, -scale, sumOver(layout.plus, layout.width - layout.plus));
      return logits;
    },
  };
}

interface Layout {
  /** Numbers in a row: a multiple of 16, the rest stays 0 and adds nothing. */
  readonly width: number;
  /** How many of them, from the start, are added; the others are subtracted. */
  readonly plus: number;
  /** Where in a row each dimension lies, and what it is multiplied by. */
  readonly places: Int32Array;
  readonly factors: Float32Array;
}

function layoutOf(head: Head, dimension: number): Layout {
  const weights = head.kind === 'cosine' ? new Array<number>(dimension).fill(1) : head.weights;
  const padded = (n: number) => 16 * Math.ceil(n / 16);
  const plus = padded(weights.filter((weight) => weight >= 0).length);
  const places = new Int32Array(dimension);
  let nextPlus = 0;
  let nextMinus = plus;
  weights.forEach((weight, i) => {
    places[i] = weight >= 0 ? nextPlus++ : nextMinus++;
  });
  return { width: plus + padded(nextMinus - plus), plus, places, factors: Float32Array.from(weights, Math.abs) };
}

function addScaled(to: Float32Array, scale: number, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) to[i] = at(to, i) + scale * at(values, i);
}

function checkDimension(head: Head, a: number, b: number): void {
  const wanted = head.kind === 'cosine' ? a : head.weights.length;
  if (a === wanted && b === wanted && a > 0) return;
  throw new Fault(
    'model-unfit',
    `Embeddings of ${a} and ${b} numbers cannot be compared by a head of ${wanted}: use one embedder for both.`,
  );
}

function at(array: Float32Array | Int32Array, index: number): number {
  return array[index] ?? 0;
}
