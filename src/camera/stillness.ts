/**
 * Tells a picture that stands still from a quiet scene. In: a picture about once a second. Out: which share of it has
 * shown anything new lately.
 *
 * A sensor's noise makes every part of a picture a little different each time; a picture that stands still has none,
 * however its clock ticks. A part counts as new when it has not been seen before: an encoder (H.264) shows a still
 * picture in a few forms that come again with each of its key frames. Measured in test/bench/stillness.ts.
 */
import sharp from 'sharp';

/** The samples of a picture, and the side of its parts. Smaller parts of a dark wall have too few forms. */
const [columns, rows, side] = [320, 240, 40];
const tiles = (columns / side) * (rows / side);
const [basis, prime] = [2_166_136_261, 16_777_619];

export interface Stillness {
  /** Takes a picture. Returns the share of its parts with something new in the last `forMs`, 0…1; 1 before that. */
  look(picture: Uint8Array, atMs: number): Promise<number>;
}

export function stillness(forMs: number): Stillness {
  const seen = Array.from({ length: tiles }, () => new Map<number, number>());
  const newAtMs = new Float64Array(tiles).fill(Number.NEGATIVE_INFINITY);
  let sinceMs: number | undefined;
  return {
    look: async (picture, atMs) => {
      const hashes = await tileHashes(picture);
      if (!hashes) return 1;
      sinceMs ??= atMs;
      hashes.forEach((hash, tile) => {
        const of = seen[tile] as Map<number, number>;
        const before = of.get(hash);
        if (before === undefined || atMs - before > 2 * forMs) newAtMs[tile] = atMs;
        of.set(hash, atMs);
        // A scene with noise brings a new form at each look: what is old goes, or the map would grow for ever.
        for (const [old, lastMs] of of) if (atMs - lastMs > 2 * forMs) of.delete(old);
      });
      return atMs - sinceMs < forMs ? 1 : newAtMs.filter((ms) => atMs - ms < forMs).length / tiles;
    },
  };
}

/** One number for each part (FNV-1a of its samples); undefined if sharp cannot read the picture. */
async function tileHashes(picture: Uint8Array): Promise<Uint32Array | undefined> {
  try {
    // Samples, not means: noise of one level would vanish in a mean.
    const samples = await sharp(picture, { failOn: 'none', limitInputPixels: 50_000_000 })
      .flatten()
      .toColourspace('b-w')
      .resize(columns, rows, { fit: 'fill', kernel: 'nearest', fastShrinkOnLoad: false })
      .raw({ depth: 'uchar' })
      .toBuffer();
    const hashes = new Uint32Array(tiles).fill(basis);
    for (let y = 0, i = 0; y < rows; y++) {
      const first = Math.floor(y / side) * (columns / side);
      for (let x = 0; x < columns; x++, i++) {
        const tile = first + Math.floor(x / side);
        hashes[tile] = Math.imul((hashes[tile] as number) ^ (samples[i] as number), prime);
      }
    }
    return hashes;
  } catch {
    return undefined;
  }
}
