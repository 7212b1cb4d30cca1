/**
 * What an embedder's manifest says beside the network: head, calibration, quality, covered halves. Its fields go in;
 * checked rules come out.
 */

import type { Fields, Json } from '../../base/model/fields.ts';
import { type CoverRule, type CoverRules, eyeNumbers, looks } from '../cover.ts';
import type { DenseLayer, FitnessHead } from '../fitness.ts';
import type { Calibration, EmbedderInfo, Half, Head, MeasuredRates } from '../port.ts';

export function headOf(fields: Fields, dimension: number): Head {
  if (fields.at('head') === undefined) return { kind: 'cosine', scale: 1, bias: 0 };
  const bias = fields.number('head.bias', -1e6, 1e6);
  if (fields.choice('head.kind', ['l1-logistic', 'cosine']) === 'cosine')
    return { kind: 'cosine', scale: fields.number('head.scale', 0, 1e6), bias };
  return { kind: 'l1-logistic', weights: numbersAt(fields, 'head.weights', dimension, 'one for each dimension of the embedding'), bias };
}

/** Numbers that stay finite as 32-bit floats. */
function numbersAt(fields: Fields, path: string, count: number, what: string): number[] {
  const list = fields.at(path);
  const good = Array.isArray(list) && list.length === count && list.every((v) => typeof v === 'number' && Number.isFinite(Math.fround(v)));
  return good ? (list as number[]) : fields.unfit(path, count === 1 ? 'one finite number' : `${count} finite numbers, ${what}`);
}

export function calibrationOf(fields: Fields): Calibration | undefined {
  if (fields.at('calibration') === undefined) return undefined;
  const wild = fields.at('calibration.wild') === undefined ? undefined : ratesOf(fields, 'calibration.wild');
  // Without a strict table beside it, the other is all that there is.
  if (wild && fields.at('calibration.table') === undefined) return wild;
  return { ...ratesOf(fields, 'calibration'), ...(wild && { wild }) };
}

function ratesOf(fields: Fields, path: 'calibration' | 'calibration.wild'): MeasuredRates {
  const table = fields.at(`${path}.table`);
  const row = (r: unknown): boolean => ['fmr', 'logit', 'fnmr'].every((key) => Number.isFinite((r as Json | null)?.[key]));
  if (!Array.isArray(table) || table.length < 3 || !table.every(row))
    fields.unfit(`${path}.table`, 'at least three rows of fmr, logit and fnmr');
  const rows = (table as MeasuredRates['table'][number][]).toSorted((a, b) => b.fmr - a.fmr);
  const rising = rows.every((r, i) => i === 0 || (r.fmr < (rows[i - 1]?.fmr ?? 0) && r.logit > (rows[i - 1]?.logit ?? 0)));
  if (!rising || rows.some((r) => r.fmr <= 0 || r.fmr >= 1))
    fields.unfit(`${path}.table`, 'rows whose logit rises as the false-match rate falls, each rate between 0 and 1');
  return {
    population: fields.text(`${path}.population`, 'unnamed'),
    impostorPairs: fields.number(`${path}.impostorPairs`, 1, 1e15),
    genuinePairs: fields.number(`${path}.genuinePairs`, 1, 1e15),
    table: rows,
  };
}

/** An output with the fitness of a face (0…1), one number a face; or a head on the embedding. */
export type FitnessSource = { readonly name: string } | { readonly head: FitnessHead };

interface QualityFields {
  readonly from: FitnessSource;
  readonly bounds: NonNullable<EmbedderInfo['quality']>;
}

export function qualityOf(fields: Fields, dimension: number): QualityFields | undefined {
  if (fields.at('quality') === undefined) return undefined;
  const bounds = { door: fields.number('quality.door', 0, 1), enrolment: fields.number('quality.enrolment', 0, 1) };
  if (fields.at('quality.head') === undefined) return { from: { name: fields.text('quality.name') }, bounds };
  if (fields.at('quality.name') !== undefined) fields.unfit('quality', 'a name (of an output) or a head, not both');
  return { from: { head: fitnessHeadOf(fields, dimension) }, bounds };
}

/** What a head may take of the time of a frame: some 20 million multiplications take 20 ms. */
const [mostLayers, mostOutputs] = [4, 1024];

function fitnessHeadOf(fields: Fields, dimension: number): FitnessHead {
  const layers = fields.at('quality.head.layers');
  if (!Array.isArray(layers) || layers.length < 1 || layers.length > mostLayers)
    return fields.unfit('quality.head.layers', `1 to ${mostLayers} layers of weights and bias`);
  let inputs = dimension;
  return layers.map((_, place): DenseLayer => {
    const path = `quality.head.layers.${place}`;
    const numbers = (field: string, count: number): Float32Array =>
      Float32Array.from(numbersAt(fields, `${path}.${field}`, count, 'a row of inputs for each output'));
    const bias = fields.at(`${path}.bias`);
    const outputs = place === layers.length - 1 ? 1 : Array.isArray(bias) ? bias.length : 0;
    if (outputs < 1 || outputs > mostOutputs) fields.unfit(`${path}.bias`, `1 to ${mostOutputs} finite numbers`);
    const layer = { weights: numbers('weights', inputs * outputs), bias: numbers('bias', outputs) };
    inputs = outputs;
    return layer;
  });
}

export function coverOf(fields: Fields, dimension: number): CoverRules | undefined {
  if (fields.at('cover') === undefined) return undefined;
  const numbers = (path: string, count: number, what: string): Float32Array => Float32Array.from(numbersAt(fields, path, count, what));
  const rule = (half: Half): CoverRule => {
    const path = `cover.${half}`;
    const weights = numbers(`${path}.weights`, looks * dimension, `${looks} for each dimension of the embedding`);
    const bias = fields.number(`${path}.bias`, -1e6, 1e6);
    if (fields.at(`${path}.eyes`) === undefined) return { weights, bias };
    return { weights, eyes: numbers(`${path}.eyes`, eyeNumbers, 'one for each colour of the small picture of the eyes'), bias };
  };
  return { lower: rule('lower'), upper: rule('upper') };
}
