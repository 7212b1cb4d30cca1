/** Writes what a recipe learned as an embedder's folder: the base's manifest with what is new, and the files it names. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { asFault, Fault } from '../base/errors.ts';
import type { Calibration, Embedding, Head } from '../face/port.ts';
import type { RecipeName, RecipeRun } from '../retrain/port.ts';
import type { Projection } from './projection.ts';

export interface Adapted {
  readonly projection: Projection;
  readonly keys: readonly Embedding[];
  readonly values: readonly Embedding[];
  readonly head: Head;
  readonly calibration: Calibration;
}

/** Cosine to the nearest key from which, and at which, a picture stands for its person: other pictures of a person seldom come so near. */
export const gate = { from: 0.75, to: 0.9 } as const;

type Place = Pick<RecipeRun, 'base' | 'out'>;

/** What the base's manifest says that still holds. */
function manifestOf(base: string) {
  const { measured: _, adapter: __, ...kept } = JSON.parse(readFileSync(join(base, 'manifest.json'), 'utf8'));
  return kept;
}

/** The base with another ONNX file and without a calibration: nothing is known of it yet. Throws Fault `disk-full`. */
export function writeTwin({ base, out }: Place, onnx: Uint8Array): void {
  const { calibration: _, ...manifest } = manifestOf(base);
  const stated = {
    ...manifest,
    file: basename(manifest.file),
    sha256: createHash('sha256').update(onnx).digest('hex'),
    bytes: onnx.length,
  };
  writing(out, () => {
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, stated.file), onnx);
    writeFileSync(join(out, 'manifest.json'), `${JSON.stringify(stated, null, 1)}\n`);
  });
}

/** What was learned, upon the network of `base` (which may be `out` itself). Throws Fault `disk-full`. */
export function writeAdapted({ base, out }: Place, adapted: Adapted, recipe: RecipeName): void {
  const kept = manifestOf(base);
  const { projection, keys, values, head, calibration } = adapted;
  const numbers = Float32Array.from([projection.matrix, projection.offset, ...keys, ...values].flatMap((part) => [...part]));
  const bytes = new Uint8Array(numbers.buffer);
  const adapter = { file: 'adapter.f32', sha256: createHash('sha256').update(bytes).digest('hex'), keys: keys.length, gate };
  writing(out, () => {
    mkdirSync(out, { recursive: true });
    if (base !== out) copyFileSync(join(base, kept.file), join(out, basename(kept.file)));
    writeFileSync(join(out, adapter.file), bytes);
    const version = `${String(kept.version).replace(/\+.*$/, '')}+${recipe}`;
    writeFileSync(
      join(out, 'manifest.json'),
      `${JSON.stringify({ ...kept, version, file: basename(kept.file), adapter, head, calibration }, null, 1)}\n`,
    );
  });
}

/** Throws Fault `disk-full`, or `training-failed` for whatever else the disk says. */
export function writing(folder: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
      throw new Fault('disk-full', `The disk is full: what was learned cannot be written to ${folder}. Make room and train again`, error);
    throw asFault(error, 'training-failed', `What was learned cannot be written to ${folder}`);
  }
}
