/**
 * A folder with the ONNX file of somebody's own embedder and, if there is one, an unfinished manifest go in. Out: what
 * is known of the network, and every way to feed it that the manifest leaves open.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { modelFolder } from '../../adapters/basics.ts';
import { Fault } from '../../base/errors.ts';
import type { NetworkInput } from '../../base/model/folder.ts';
import { requireSelfContained } from '../../base/model/onnx.ts';
import { shapeOfNetwork, type TensorShape } from '../../base/model/session.ts';
import type { EmbedderNetwork } from '../../face/manifest/embedder.ts';

export interface NetworkDraft {
  readonly folder: string;
  readonly name: string;
  /** The manifest as it is, unchecked; empty where there is none. */
  readonly stated: Json;
  /** Name of the ONNX file in the folder. */
  readonly file: string;
  readonly sha256: string;
  readonly bytes: Uint8Array;
  readonly mirror: EmbedderNetwork['output']['mirror'];
  /** At least one; the first one is the most usual. */
  readonly feeds: readonly Feed[];
}

type Json = Readonly<Record<string, unknown>>;

/** One way to feed a network and to read it. */
export interface Feed {
  readonly input: NetworkInput;
  readonly template: EmbedderNetwork['template'];
  /** What was chosen for what the manifest leaves open, for people. */
  readonly words: string;
}

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const within = (json: Json, key: string): Json => (isJson(json[key]) ? json[key] : {});

/** @throws Fault `model-missing`, `model-damaged`, `model-unfit`, `bad-argument`. */
export async function openNetworkDraft(path: string): Promise<NetworkDraft> {
  const folder = resolve(path);
  if (dirname(folder) === dirname(modelFolder('embedder')))
    throw new Fault('bad-argument', `${folder} is a network that facelatch ships: copy the folder to another place and calibrate the copy`);
  const stated = manifestIn(folder);
  const { file, bytes } = onnxIn(folder, stated);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (typeof stated.sha256 === 'string' && stated.sha256.toLowerCase() !== sha256)
    throw new Fault(
      'model-damaged',
      `${join(folder, file)} is not the file that its manifest.json describes: its SHA-256 is ${sha256}, the manifest says ${stated.sha256}. Restore the file, or remove "sha256" from the manifest if you replaced the network on purpose`,
    );
  const name = typeof stated.name === 'string' && stated.name !== '' ? stated.name : basename(file, '.onnx');
  requireSelfContained(bytes, name);
  const mirror = within(stated, 'output').mirror === 'average' ? 'average' : 'none';
  return {
    folder,
    mirror,
    name,
    stated,
    file,
    sha256,
    bytes,
    feeds: feedsOf(stated, await inputOf(bytes, name, stated), join(folder, 'manifest.json')),
  };
}

function manifestIn(folder: string): Json {
  const path = join(folder, 'manifest.json');
  if (!existsSync(path)) return {};
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Fault('model-damaged', `${path} is not JSON: correct it, or remove it (calibrate writes a new one)`, error);
  }
  if (!isJson(json)) throw new Fault('model-unfit', `${path} is not a manifest: correct it, or remove it`);
  if (json.kind !== undefined && json.kind !== 'face-embedder')
    throw new Fault('model-unfit', `${path} is of the kind "${String(json.kind)}": only an embedder (face-embedder) can be calibrated`);
  if (json.adapter !== undefined)
    throw new Fault(
      'model-unfit',
      `${folder} has an adapter, which was learned at a door and calibrated there: calibrate the network that it was made from`,
    );
  return json;
}

function onnxIn(folder: string, { file }: Json): { readonly file: string; readonly bytes: Uint8Array } {
  const isFolder = statSync(folder, { throwIfNoEntry: false })?.isDirectory();
  const names = isFolder ? readdirSync(folder).filter((name) => name.endsWith('.onnx')) : [];
  const name = typeof file === 'string' ? basename(file) : names.length === 1 ? (names[0] as string) : undefined;
  if (name === undefined)
    throw new Fault(
      'model-missing',
      names.length === 0
        ? `There is no .onnx file in ${folder}: --network takes the folder of a network`
        : `${folder} has ${names.length} .onnx files (${names.join(', ')}): leave one, or name it as "file" in its manifest.json`,
    );
  if (!existsSync(join(folder, name)))
    throw new Fault('model-missing', `The network file ${join(folder, name)} named by manifest.json is missing`);
  return { file: name, bytes: readFileSync(join(folder, name)) };
}

type Fixed = Pick<NetworkInput, 'name' | 'layout' | 'width' | 'height'>;

/** The picture's input, from the graph and, where that leaves it open, from the manifest. */
async function inputOf(bytes: Uint8Array, name: string, stated: Json): Promise<Fixed> {
  const { inputs } = await shapeOfNetwork(bytes, name);
  const own = within(stated, 'input');
  const isPicture = ({ shape }: TensorShape) => shape.length === 4 && (shape[1] === 3 || shape[3] === 3);
  const found = typeof own.name === 'string' ? inputs.find((each) => each.name === own.name) : inputs.find(isPicture);
  if (!found || !isPicture(found))
    throw new Fault(
      'model-unfit',
      `The network ${name} has no input for a picture of three colours (it has ${inputs.map((each) => `${each.name}: ${each.shape.join('×')}`).join(', ')})`,
    );
  const layout = found.shape[1] === 3 ? 'NCHW' : 'NHWC';
  const [height, width] = layout === 'NCHW' ? [found.shape[2], found.shape[3]] : [found.shape[1], found.shape[2]];
  const size = (fixed: number | undefined, field: unknown) => fixed || (typeof field === 'number' ? field : usualSide);
  return { name: found.name, layout, width: size(width, own.width), height: size(height, own.height) };
}

/** Of aligned faces, pixels. */
const usualSide = 112;

const scalings: readonly (readonly [words: string, mean: NetworkInput['mean'], std: NetworkInput['std']])[] = [
  ['−1…1', [127.5, 127.5, 127.5], [127.5, 127.5, 127.5]],
  ['0…255', [0, 0, 0], [1, 1, 1]],
  ['0…1', [0, 0, 0], [255, 255, 255]],
  ['the mean and spread of ImageNet', [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]],
];

type Points = EmbedderNetwork['template'];

/** As shares of the picture's side. */
const arcface: Points = [
  [0.34191, 0.46157],
  [0.65653, 0.45983],
  [0.50023, 0.64051],
  [0.37097, 0.82469],
  [0.63152, 0.82325],
];
/** The whole head: as networks expect that were trained on loose crops. */
const wide: Points = arcface.map(([x, y]) => [0.5 + 0.72 * (x - 0.5), 0.5 + 0.72 * (y - 0.56)] as const);
const templates: readonly (readonly [words: string, points: Points])[] = [
  ["ArcFace's framing", arcface],
  ['a wide framing', wide],
];

function feedsOf(stated: Json, fixed: Fixed, path: string): readonly Feed[] {
  const own = within(stated, 'input');
  const channels = own.channels === undefined ? (['RGB', 'BGR'] as const) : ([own.channels] as const);
  const scaled =
    own.mean === undefined && own.std === undefined ? scalings : [['', triple(own.mean, path), triple(own.std, path)] as const];
  const points = within(stated, 'alignment').points;
  const framings = points === undefined ? templates : [['', points as Points] as const];
  return framings.flatMap(([framing, shares]) =>
    scaled.flatMap(([scaling, mean, std]) =>
      channels.map((order): Feed => {
        if (order !== 'RGB' && order !== 'BGR') throw new Fault('model-unfit', `${path}: input.channels must be RGB or BGR`);
        return {
          input: { ...fixed, channels: order, mean, std },
          template:
            framing === '' ? pointsOf(shares, path) : shares.map(([x, y]) => [round(x * fixed.width), round(y * fixed.height)] as const),
          words: [own.channels === undefined ? order : '', scaling, framing].filter(Boolean).join(', '),
        };
      }),
    ),
  );
}

const round = (value: number) => Number(value.toFixed(3));

function triple(value: unknown, path: string): [number, number, number] {
  const list = Array.isArray(value) ? value : [value, value, value];
  if (list.length !== 3 || !list.every((v) => typeof v === 'number' && Number.isFinite(v)))
    throw new Fault('model-unfit', `${path}: input.mean and input.std must both be a number or three numbers, or both be left out`);
  return list as [number, number, number];
}

function pointsOf(points: unknown, path: string): Points {
  const good =
    Array.isArray(points) &&
    points.length === 5 &&
    points.every((p) => Array.isArray(p) && p.length === 2 && p.every((v) => typeof v === 'number' && Number.isFinite(v)));
  if (!good) throw new Fault('model-unfit', `${path}: alignment.points must be 5 pairs of numbers, or be left out`);
  return points as Points;
}

/** The output with the embedding: the one that the manifest names, or the only one that can be it. */
export async function embeddingOutput({ bytes, name, stated }: NetworkDraft): Promise<string> {
  const { outputs } = await shapeOfNetwork(bytes, name);
  const own = within(stated, 'output').name;
  if (typeof own === 'string') return own;
  const few = (size: number | undefined) => size !== undefined && size > 0 && size < 16;
  const likely = outputs.filter(({ shape }) => !few(shape.at(-1)) || shape.length > 2);
  const found = outputs.find(({ name: each }) => each === 'embedding') ?? (likely.length === 1 ? likely[0] : undefined);
  if (found) return found.name;
  throw new Fault(
    'model-unfit',
    `The network ${name} has the outputs ${outputs.map((each) => `${each.name}: ${each.shape.join('×')}`).join(', ')}: say which is the embedding as output.name in its manifest.json`,
  );
}
