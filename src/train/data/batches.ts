/**
 * From a part of a dataset to batches for an engine: pairs drawn, pictures read and augmented. Seed and step alone
 * decide them.
 */

import { newRandom, type Random } from '../../base/random.ts';
import type { Batch } from '../port.ts';
import { augment, contactSheet, drawAugmentation, limitsOf } from './augment.ts';
import { drawPairs, type Part, type PicturePair } from './dataset.ts';
import type { Pictures } from './pictures.ts';

export interface BatchOptions {
  readonly part: Part;
  readonly pictures: Pictures;
  /** Side of a picture, pixels. */
  readonly side: number;
  readonly pairs: number;
  /** Strength of the augmentation, 0…1. */
  readonly augment: number;
  readonly seed: number;
}

/**
 * The batch of one step: a run that resumes at step 100 draws the same batches as an uninterrupted one. `chosen`: pairs
 * in place of those drawn by chance.
 */
export async function batchOf(options: BatchOptions, step: number, chosen?: readonly PicturePair[]): Promise<Batch> {
  const random = newRandom(options.seed + step * 2 ** 32);
  const pairs = chosen ?? drawPairs(options.part, options.pairs, random);
  const pictures = await Promise.all(
    [...pairs.map(({ first }) => first), ...pairs.map(({ second }) => second)].map((path) =>
      read(options, path, newRandom(random() * 2 ** 48)),
    ),
  );
  return asBatch(pairs, pictures, options.side);
}

async function read(options: BatchOptions, path: string, random: Random): Promise<Float32Array> {
  const picture = await options.pictures.read(path);
  if (options.augment === 0) return picture;
  return augment(picture, options.side, drawAugmentation(limitsOf(options.augment), options.side, random));
}

function asBatch(pairs: readonly PicturePair[], pictures: readonly Float32Array[], side: number): Batch {
  const size = side * side * 3;
  const all = new Float32Array(pictures.length * size);
  pictures.forEach((picture, index) => {
    all.set(picture, index * size);
  });
  return { pairs: pairs.length, pictures: all, labels: Float32Array.from(pairs, ({ same }) => (same ? 1 : 0)) };
}

/** A contact sheet of the first batch as training sees it: the pictures of a pair are side by side. */
export async function previewSheet(options: BatchOptions, format: 'png' | 'jpeg'): Promise<Buffer> {
  const { pictures, pairs } = await batchOf(options, 0);
  const size = options.side * options.side * 3;
  const picture = (index: number) => pictures.subarray(index * size, (index + 1) * size);
  const rows = Array.from({ length: pairs }, (_, index) => [picture(index), picture(pairs + index)]);
  return contactSheet(rows.flat(), options.side, 8, format);
}
