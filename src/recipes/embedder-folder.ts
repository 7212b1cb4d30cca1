/**
 * Writes what a recipe learned as an embedder's folder: the manifest of the base with what is new, and the files that
 * it names.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { asFault, Fault, isDiskFull } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import { fileIn, type NetworkPlace, placeName } from '../base/model/place.ts';
import { type Shelf, shelved } from '../base/model/shelf.ts';
import { Compile, Type } from '../base/schema.ts';
import type { Calibration, EmbedderInfo, Embedding, Head } from '../face/port.ts';
import type { RecipeName, RecipeRun } from '../retrain/port.ts';
import type { Projection } from './embeddings.ts';

export interface Adapted {
  readonly projection: Projection;
  readonly keys: readonly Embedding[];
  readonly values: readonly Embedding[];
  /** Head and calibration of the network without the adapter. */
  readonly twin: Pick<EmbedderInfo, 'head' | 'calibration'>;
  readonly head: Head;
  readonly calibration: Calibration;
}

/** Cosine to the nearest key at which an embedding begins to move to the key's value, and at which it is the value. */
const gate = { from: 0.75, to: 0.9 } as const;

type Place = Pick<RecipeRun, 'base' | 'out'>;

/** The fields that are changed here; the others are kept as they are. */
const baseForm = Compile(
  Type.Object({
    file: Type.String(),
    version: Type.String(),
    measured: Type.Optional(Type.Unknown()),
    adapter: Type.Optional(Type.Unknown()),
    calibration: Type.Optional(Type.Unknown()),
  }),
);

/** The fields of the base's manifest that are still valid. Throws Fault `model-unfit`. */
function manifestOf(base: NetworkPlace) {
  const manifest = parseJson(fileIn(base, 'manifest.json') ?? new Uint8Array());
  if (!baseForm.Check(manifest))
    throw new Fault('model-unfit', `manifest.json of ${placeName(base)} is not a manifest: it needs file and version`);
  const { measured: _, adapter: __, ...kept } = manifest;
  return kept;
}

/** The base with another ONNX file and without a calibration, which is not known yet. Throws Fault `disk-full`. */
export function writeTwin({ base, out }: Place, onnx: Uint8Array): void {
  const { calibration: _, ...manifest } = manifestOf(base);
  const stated = {
    ...manifest,
    file: basename(manifest.file),
    sha256: createHash('sha256').update(onnx).digest('hex'),
    bytes: onnx.length,
  };
  writing(out, () => {
    out.put(stated.file, onnx);
    out.put('manifest.json', `${JSON.stringify(stated, null, 1)}\n`);
  });
}

/**
 * What was learned, with the network of `base`; without one, with that on the shelf itself. Throws Faults `disk-full`,
 * `model-unfit`.
 */
export function writeAdapted({ base, out }: Partial<Place> & Pick<Place, 'out'>, adapted: Adapted, recipe: RecipeName): void {
  const from = base ?? shelved(out);
  const kept = manifestOf(from);
  const onnx = base === undefined ? undefined : fileIn(base, kept.file);
  if (base !== undefined && !onnx)
    throw new Fault('model-missing', `The network file ${kept.file} of ${base} is missing: restore the folder`);
  const { projection, keys, values, twin, head, calibration } = adapted;
  const numbers = Float32Array.from([projection.matrix, projection.offset, ...keys, ...values].flatMap((part) => [...part]));
  const bytes = new Uint8Array(numbers.buffer);
  const adapter = { file: 'adapter.f32', sha256: createHash('sha256').update(bytes).digest('hex'), keys: keys.length, gate, twin };
  writing(out, () => {
    if (onnx) out.put(basename(kept.file), onnx);
    out.put(adapter.file, bytes);
    const version = `${kept.version.replace(/\+.*$/, '')}+${recipe}`;
    out.put('manifest.json', `${JSON.stringify({ ...kept, version, file: basename(kept.file), adapter, head, calibration }, null, 1)}\n`);
  });
}

/** Throws Fault `disk-full`, or `training-failed` for any other error of the disk. */
export function writing({ folder }: Shelf, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (isDiskFull(error))
      throw new Fault('disk-full', `The disk is full: what was learned cannot be written to ${folder}. Free space and train again`, error);
    throw asFault(error, 'training-failed', `What was learned cannot be written to ${folder}`);
  }
}
