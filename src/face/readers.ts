/**
 * Several face readers that look like one: for reading many pictures, as many at a time as there are readers. Opening
 * it starts a worker thread for each; disposing of it ends them.
 */
import type { FaceReader } from './port.ts';
import { openFaceReader, type ReaderOptions } from './reader.ts';

export interface ManyReader extends FaceReader {
  /** How many pictures to give it at once: each reader has the next one waiting. */
  readonly atOnce: number;
}

/** `readers`: at least 1. @throws Fault `model-missing`, `model-damaged` or `model-unfit`. */
export async function openFaceReaders(options: ReaderOptions, readers: number): Promise<ManyReader> {
  return readersTogether(await openedAll(Array.from({ length: readers }, () => openFaceReader(options))), 2 * readers);
}

/** These readers as one, which owns them. */
export function readersTogether(readers: readonly FaceReader[], atOnce: number): ManyReader {
  const all = readers.map((reader) => ({ reader, waiting: 0 }));
  const [first] = readers;
  if (!first) throw new RangeError('At least one reader');
  return {
    embedder: first.embedder,
    atOnce,
    read: async (picture, asked) => {
      const least = all.reduce((best, one) => (one.waiting < best.waiting ? one : best));
      least.waiting++;
      try {
        return await least.reader.read(picture, asked);
      } finally {
        least.waiting--;
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map(({ reader }) => reader[Symbol.asyncDispose]()));
    },
  };
}

/** If one cannot be opened, those that can are closed again. */
async function openedAll(opening: readonly Promise<FaceReader>[]): Promise<readonly FaceReader[]> {
  const settled = await Promise.allSettled(opening);
  const opened = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = settled.find((one) => one.status === 'rejected');
  if (!failed) return opened;
  await Promise.all(opened.map((reader) => reader[Symbol.asyncDispose]()));
  throw failed.reason;
}
