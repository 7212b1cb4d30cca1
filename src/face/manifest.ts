/**
 * The folder of a network (manifest.json and an ONNX file) goes in; its checked fields and the verified bytes of the
 * file come out. A user's own detector or embedder needs a folder, never code.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import { requireSelfContained } from '../base/onnx.ts';
import { requireAsShipped } from '../base/shipped.ts';
import { type CoverRule, type CoverRules, eyeNumbers, looks } from './cover.ts';
import type { DenseLayer, FitnessHead } from './fitness.ts';
import type { Calibration, EmbedderInfo, Half, Head, MeasuredRates } from './port.ts';

/** How a picture is fed to a network: (value − mean) / std for each channel, in this layout and colour order. */
export interface NetworkInput {
  readonly name: string;
  readonly layout: 'NCHW' | 'NHWC';
  readonly channels: 'RGB' | 'BGR';
  readonly width: number;
  readonly height: number;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

interface Network {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  /** The verified bytes of the ONNX file: what was checked is what runs. */
  readonly bytes: Uint8Array;
  readonly input: NetworkInput;
}

export const detectorDecoders = ['points', 'yunet'] as const;

export interface DetectorNetwork extends Network {
  readonly decoder: (typeof detectorDecoders)[number];
  /** Names of the outputs of the `points` decoder. */
  readonly outputs: { readonly scores: string; readonly boxes: string; readonly points: string };
  readonly scoreThreshold: number;
  readonly nmsIou: number;
  readonly strides: readonly number[];
  /** Small pictures are enlarged to fill the input, by this factor at most. */
  readonly upscaleAtMost: number;
}

/**
 * The last step on an embedding, learned at a door: z = normalise(matrix·e + offset). If z is near one of the keys
 * (embeddings of the pictures that were learned from), it is moved towards that key's value, which sums up all pictures
 * of the person.
 */
export interface Adapter {
  /** dimension × dimension, row after row. */
  readonly matrix: Float32Array;
  readonly offset: Float32Array;
  /** count × dimension each: unit vectors. */
  readonly keys: Float32Array;
  readonly values: Float32Array;
  /** Cosine to the nearest key from which z is moved, and the cosine at which it becomes the value. */
  readonly gate: readonly [from: number, to: number];
}

export interface EmbedderNetwork extends Network {
  readonly output: {
    readonly name: string;
    readonly dimension: number;
    readonly normalise: 'l2' | 'none';
    readonly mirror: 'average' | 'none';
  };
  /**
   * Where the fitness of a face (0…1) comes from: an output with one number a face, or a head on the embedding. Absent
   * if the manifest has neither.
   */
  readonly quality?: { readonly name: string } | { readonly head: FitnessHead };
  /** How covered halves of a face are told; absent if the manifest does not say. */
  readonly cover?: CoverRules;
  /** Positions of the five landmarks in the aligned face, pixels. */
  readonly template: readonly (readonly [number, number])[];
  /** SHA-256 of the ONNX file alone. */
  readonly onnxSha256: string;
  /**
   * Learned at this door (`facelatch retrain`), if any. `info` then has the SHA-256 of network and adapter together.
   */
  readonly adapter?: Adapter;
  /** Head and calibration without the adapter; those of `info` where there is none. */
  readonly twin: Pick<EmbedderInfo, 'head' | 'calibration'>;
  readonly info: EmbedderInfo;
}

type Json = Record<string, unknown>;

/** Reads the fields of one manifest; every fault names the file and the field. */
function fieldsOf(file: string, json: Json) {
  const unfit = (path: string, want: string): never => {
    throw new Fault('model-unfit', `${file}: ${path} must be ${want}`);
  };
  const at = (path: string): unknown => path.split('.').reduce<unknown>((value, key) => (value as Json | undefined)?.[key], json);
  return {
    at,
    unfit,
    text: (path: string, fallback?: string): string => {
      const value = at(path) ?? fallback;
      return typeof value === 'string' && value !== '' ? value : unfit(path, 'a text');
    },
    number: (path: string, min: number, max: number, fallback?: number): number => {
      const value = at(path) ?? fallback;
      return typeof value === 'number' && value >= min && value <= max ? value : unfit(path, `a number from ${min} to ${max}`);
    },
    choice: <T extends string>(path: string, choices: readonly T[], fallback?: T): T => {
      const value = at(path) ?? fallback;
      return choices.find((choice) => choice === value) ?? unfit(path, `one of ${choices.join(', ')}`);
    },
    triple: (path: string, min: number): [number, number, number] => {
      const value = at(path);
      const list = Array.isArray(value) ? value : [value, value, value];
      const good = list.length === 3 && list.every((v) => typeof v === 'number' && Number.isFinite(v) && v >= min);
      return good
        ? (list as [number, number, number])
        : unfit(path, `a number or three numbers, one for each channel${min > 0 ? ', above 0' : ''}`);
    },
    pairs: (path: string, count: number): [number, number][] => {
      const value = at(path);
      const good =
        Array.isArray(value) &&
        value.length === count &&
        value.every((p) => Array.isArray(p) && p.length === 2 && p.every((v) => typeof v === 'number' && Number.isFinite(v)));
      return good ? (value as [number, number][]) : unfit(path, `${count} pairs of numbers`);
    },
  };
}

type Fields = ReturnType<typeof fieldsOf>;

function openManifest(folder: string, kind: string, setting: string): { fields: Fields; network: Omit<Network, 'input'> } {
  const file = join(folder, 'manifest.json');
  if (!existsSync(file))
    throw new Fault('model-missing', `No network at ${folder}: it has no manifest.json. Set ${setting} to a folder that holds one`);
  const manifest = readFileSync(file);
  let json: Json;
  try {
    json = JSON.parse(manifest.toString('utf8'));
  } catch (error) {
    throw new Fault('model-damaged', `${file} is not JSON: restore it`, error);
  }
  const fields = fieldsOf(file, json);
  if (fields.at('kind') !== kind) fields.unfit('kind', `"${kind}"`);
  const { bytes, sha256 } = checkedFile(fields, folder, '');
  requireAsShipped(folder, { manifest: sha256Of(manifest), file: sha256 });
  const name = fields.text('name');
  requireSelfContained(bytes, name);
  return { fields, network: { folder, name, version: fields.text('version'), sha256, bytes } };
}

const sha256Of = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex');

/** Reads the file that `${path}file` names and compares it with `${path}sha256`. */
function checkedFile(fields: Fields, folder: string, path: '' | 'adapter.'): { bytes: Uint8Array; sha256: string } {
  const file = join(folder, fields.text(`${path}file`));
  const manifest = join(folder, 'manifest.json');
  if (!existsSync(file)) throw new Fault('model-missing', `The network file ${file} named by ${manifest} is missing: restore the folder`);
  const bytes = readFileSync(file);
  const sha256 = sha256Of(bytes);
  const want = fields.text(`${path}sha256`).toLowerCase();
  if (sha256 === want) return { bytes, sha256 };
  throw new Fault(
    'model-damaged',
    `${file} is not the file its manifest describes: its SHA-256 is ${sha256}, the manifest says ${want}. Restore the folder; an altered network must not guard a door`,
  );
}

function inputOf(fields: Fields): NetworkInput {
  return {
    name: fields.text('input.name'),
    layout: fields.choice('input.layout', ['NCHW', 'NHWC'], 'NCHW'),
    channels: fields.choice('input.channels', ['RGB', 'BGR']),
    width: fields.number('input.width', 16, 4096),
    height: fields.number('input.height', 16, 4096),
    mean: fields.triple('input.mean', Number.NEGATIVE_INFINITY),
    std: fields.triple('input.std', Number.MIN_VALUE),
  };
}

/** Opens a detector's folder. Faults: `model-missing`, `model-damaged` (hash), `model-unfit` (a field). */
export function openDetectorNetwork(folder: string): DetectorNetwork {
  const { fields, network } = openManifest(folder, 'face-detector', 'face.detector');
  const strides = fields.at('strides') ?? [8, 16, 32];
  if (!Array.isArray(strides) || strides.length === 0 || !strides.every((s) => Number.isInteger(s) && s > 0))
    fields.unfit('strides', 'a list of whole numbers');
  // The name is the first word; the manifest may explain the values after it.
  const outputName = (path: string, fallback: string) => fields.text(path, fallback).split(' ')[0] ?? fallback;
  return {
    ...network,
    input: inputOf(fields),
    decoder: fields.choice('output.decoder', detectorDecoders),
    outputs: {
      scores: outputName('output.scores', 'scores'),
      boxes: outputName('output.boxes', 'boxes'),
      points: outputName('output.points', 'points'),
    },
    scoreThreshold: fields.number('scoreThreshold', 0, 1),
    nmsIou: fields.number('nmsIou', 0, 1),
    strides: strides as number[],
    upscaleAtMost: fields.number('input.upscaleAtMost', 1, 16, 2),
  };
}

function headOf(fields: Fields, dimension: number): Head {
  if (fields.at('head') === undefined) return { kind: 'cosine', scale: 1, bias: 0 };
  const bias = fields.number('head.bias', -1e6, 1e6);
  if (fields.choice('head.kind', ['l1-logistic', 'cosine']) === 'cosine')
    return { kind: 'cosine', scale: fields.number('head.scale', 0, 1e6), bias };
  const weights = fields.at('head.weights');
  const good = Array.isArray(weights) && weights.length === dimension && weights.every((w) => typeof w === 'number' && Number.isFinite(w));
  if (!good) fields.unfit('head.weights', `${dimension} numbers, one for each dimension of the embedding`);
  return { kind: 'l1-logistic', weights: weights as number[], bias };
}

/** The adapter (float32, little-endian: matrix, offset, keys, values) and the SHA-256 of its file. */
function adapterOf(fields: Fields, folder: string, dimension: number): { adapter: Adapter; sha256: string } | undefined {
  if (fields.at('adapter') === undefined) return undefined;
  const keys = fields.number('adapter.keys', 0, 1e6, 0);
  const gate = [fields.number('adapter.gate.from', -1, 1, 0.75), fields.number('adapter.gate.to', -1, 1, 0.9)] as const;
  if (!(gate[0] < gate[1])) fields.unfit('adapter.gate', 'two cosines, from below to');
  const { bytes, sha256 } = checkedFile(fields, folder, 'adapter.');
  const count = dimension * (dimension + 1 + 2 * keys);
  if (!Number.isInteger(keys) || bytes.length !== 4 * count)
    fields.unfit('adapter.file', `a file of ${4 * count} bytes (float32: matrix, offset, ${keys} keys and values), not of ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const numbers = Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true));
  if (!numbers.every(Number.isFinite)) fields.unfit('adapter.file', 'a file of finite numbers');
  const rows = (from: number, to: number) => numbers.subarray(from * dimension, to * dimension);
  const first = dimension + 1;
  return {
    adapter: {
      matrix: rows(0, dimension),
      offset: rows(dimension, first),
      keys: rows(first, first + keys),
      values: rows(first + keys, first + 2 * keys),
      gate,
    },
    sha256,
  };
}

/** What the manifest said of head and calibration before the adapter was learned; undefined without an adapter. */
function twinOf(fields: Fields, folder: string, dimension: number): EmbedderNetwork['twin'] | undefined {
  const before = fields.at('adapter.twin');
  if (before === undefined) return undefined;
  const own = fieldsOf(`${join(folder, 'manifest.json')}: adapter.twin`, before as Json);
  const calibration = calibrationOf(own);
  return { head: headOf(own, dimension), ...(calibration && { calibration }) };
}

/** One hash for both: a template that was made with one adapter is never compared with another. */
const sha256OfBoth = (network: string, adapter: string, { gate }: Adapter) => sha256Of(`${network} ${adapter} ${gate.join(' ')}`);

function calibrationOf(fields: Fields): Calibration | undefined {
  if (fields.at('calibration') === undefined) return undefined;
  const wild = fields.at('calibration.wild') === undefined ? undefined : ratesOf(fields, 'calibration.wild');
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

interface QualityFields {
  readonly from: NonNullable<EmbedderNetwork['quality']>;
  readonly bounds: NonNullable<EmbedderInfo['quality']>;
}

function qualityOf(fields: Fields, dimension: number): QualityFields | undefined {
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
    const numbers = (field: string, count: number): Float32Array => {
      const list = fields.at(`${path}.${field}`);
      const good =
        Array.isArray(list) && list.length === count && list.every((v) => typeof v === 'number' && Number.isFinite(Math.fround(v)));
      return good ? Float32Array.from(list as number[]) : fields.unfit(`${path}.${field}`, counted(count));
    };
    const bias = fields.at(`${path}.bias`);
    const outputs = place === layers.length - 1 ? 1 : Array.isArray(bias) ? bias.length : 0;
    if (outputs < 1 || outputs > mostOutputs) fields.unfit(`${path}.bias`, `1 to ${mostOutputs} finite numbers`);
    const layer = { weights: numbers('weights', inputs * outputs), bias: numbers('bias', outputs) };
    inputs = outputs;
    return layer;
  });
}

const counted = (count: number) => (count === 1 ? 'one finite number' : `${count} finite numbers, a row of inputs for each output`);

function coverOf(fields: Fields, dimension: number): CoverRules | undefined {
  if (fields.at('cover') === undefined) return undefined;
  const numbers = (path: string, count: number, what: string): Float32Array => {
    const list = fields.at(path);
    const good = Array.isArray(list) && list.length === count && list.every((w) => typeof w === 'number' && Number.isFinite(w));
    return good ? Float32Array.from(list as number[]) : fields.unfit(path, `${count} numbers, ${what}`);
  };
  const rule = (half: Half): CoverRule => {
    const path = `cover.${half}`;
    const weights = numbers(`${path}.weights`, looks * dimension, `${looks} for each dimension of the embedding`);
    const bias = fields.number(`${path}.bias`, -1e6, 1e6);
    if (fields.at(`${path}.eyes`) === undefined) return { weights, bias };
    return { weights, eyes: numbers(`${path}.eyes`, eyeNumbers, 'one for each colour of the small picture of the eyes'), bias };
  };
  return { lower: rule('lower'), upper: rule('upper') };
}

/** Opens an embedder's folder. Faults as for the detector. */
export function openEmbedderNetwork(folder: string): EmbedderNetwork {
  const { fields, network } = openManifest(folder, 'face-embedder', 'face.embedder');
  const dimension = fields.number('output.dimension', 2, 65_536);
  const head = headOf(fields, dimension);
  const calibration = calibrationOf(fields);
  const quality = qualityOf(fields, dimension);
  const cover = coverOf(fields, dimension);
  const input = inputOf(fields);
  const adapted = adapterOf(fields, folder, dimension);
  if (
    fields.number('alignment.width', 1, 4096, input.width) !== input.width ||
    fields.number('alignment.height', 1, 4096, input.height) !== input.height
  ) {
    fields.unfit('alignment', 'of the size of the input');
  }
  return {
    ...network,
    input,
    output: {
      name: fields.text('output.name'),
      dimension,
      normalise: fields.choice('output.normalise', ['l2', 'none'], 'l2'),
      mirror: fields.choice('output.mirror', ['average', 'none'], 'none'),
    },
    ...(quality ? { quality: quality.from } : {}),
    ...(cover ? { cover } : {}),
    template: fields.pairs('alignment.points', 5),
    onnxSha256: network.sha256,
    ...(adapted ? { adapter: adapted.adapter } : {}),
    twin: twinOf(fields, folder, dimension) ?? { head, ...(calibration && { calibration }) },
    info: {
      name: network.name,
      version: network.version,
      sha256: adapted ? sha256OfBoth(network.sha256, adapted.sha256, adapted.adapter) : network.sha256,
      dimension,
      head,
      ...(calibration ? { calibration } : {}),
      ...(quality ? { quality: quality.bounds } : {}),
      ...(cover ? { seesCovers: true } : {}),
    },
  };
}
