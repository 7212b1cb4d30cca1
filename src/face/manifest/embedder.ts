/** The folder of an embedder goes in; its checked fields and bytes come out. An embedder of one's own needs no code. */
import { join } from 'node:path';
import { type Fields, type Json, manifestFields } from '../../base/model/fields.ts';
import { inputOf, type NetworkFolder, type NetworkInput, openManifest } from '../../base/model/folder.ts';
import { type NetworkPlace, placeName } from '../../base/model/place.ts';
import type { CoverRules } from '../cover.ts';
import type { EmbedderInfo } from '../port.ts';
import { type Adapter, adapterOf, sha256OfBoth } from './adapter.ts';
import { calibrationOf, coverOf, type FitnessSource, headOf, qualityOf } from './measures.ts';

export interface EmbedderNetwork extends NetworkFolder {
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
  readonly quality?: FitnessSource;
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

/** What the manifest said of head and calibration before the adapter was learned; undefined without an adapter. */
function twinOf(fields: Fields, folder: string, dimension: number): EmbedderNetwork['twin'] | undefined {
  const before = fields.at('adapter.twin');
  if (before === undefined) return undefined;
  const own = manifestFields(`${join(folder, 'manifest.json')}: adapter.twin`, before as Json);
  const calibration = calibrationOf(own);
  return { head: headOf(own, dimension), ...(calibration && { calibration }) };
}

/** Eyes, nose and corners of the mouth: near the aligned face, and the eyes apart. */
function templateOf(fields: Fields, { width, height }: NetworkInput): EmbedderNetwork['template'] {
  const points = fields.pairs('alignment.points', 5);
  const isNear = ([x, y]: readonly [number, number]) => Math.abs(x - width / 2) <= width && Math.abs(y - height / 2) <= height;
  const [right, left] = points as [[number, number], [number, number]];
  if (!points.every(isNear) || left[0] - right[0] < width / 20)
    fields.unfit('alignment.points', 'right eye, left eye, nose and corners of the mouth, in pixels of the aligned face');
  return points;
}

/** Opens an embedder. Faults as for the detector. */
export function openEmbedderNetwork(place: NetworkPlace): EmbedderNetwork {
  const { fields, network } = openManifest(place, 'face-embedder', 'face.embedder');
  const dimension = fields.number('output.dimension', 2, 65_536);
  const head = headOf(fields, dimension);
  const calibration = calibrationOf(fields);
  const quality = qualityOf(fields, dimension);
  const cover = coverOf(fields, dimension);
  const input = inputOf(fields);
  const adapted = adapterOf(fields, place, dimension);
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
    template: templateOf(fields, input),
    onnxSha256: network.sha256,
    ...(adapted ? { adapter: adapted.adapter } : {}),
    twin: twinOf(fields, placeName(place), dimension) ?? { head, ...(calibration && { calibration }) },
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
