/** Writes what a recipe learned as an embedder's folder: the base's manifest with what is new, and the files it names. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { asFault, Fault } from '../errors.ts';
import type { Calibration, Embedding, Head } from '../face/port.ts';
import type { RecipeRun } from './port.ts';
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

/** Throws Fault `disk-full`. */
export function writeAdapted({ base, out }: Pick<RecipeRun, 'base' | 'out'>, adapted: Adapted): void {
  const manifest = JSON.parse(readFileSync(join(base, 'manifest.json'), 'utf8'));
  const { measured: _, adapter: __, ...kept } = manifest;
  const { projection, keys, values, head, calibration } = adapted;
  const numbers = Float32Array.from([projection.matrix, projection.offset, ...keys, ...values].flatMap((part) => [...part]));
  const bytes = new Uint8Array(numbers.buffer);
  const adapter = { file: 'adapter.f32', sha256: createHash('sha256').update(bytes).digest('hex'), keys: keys.length, gate };
  writing(out, () => {
    mkdirSync(out, { recursive: true });
    copyFileSync(join(base, manifest.file), join(out, basename(manifest.file)));
    writeFileSync(join(out, adapter.file), bytes);
    const version = `${String(manifest.version).replace(/\+.*$/, '')}+adapt`;
    writeFileSync(
      join(out, 'manifest.json'),
      `${JSON.stringify({ ...kept, version, file: basename(manifest.file), adapter, head, calibration }, null, 1)}\n`,
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
