/** Made-up embeddings: unit vectors from a seeded random source, alike where a test wants them alike. */
import type { Embedding } from '../../src/face/port.ts';

/** Numbers in 0…1 from a seed, the same each run (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A random unit vector. */
export function unitVector(random: () => number, dimension: number): Embedding {
  return normalised(Float32Array.from({ length: dimension }, () => random() - 0.5));
}

/** A unit vector near `of`: `by` times a random unit vector is added. */
export function near(of: Embedding, by: number, random: () => number): Embedding {
  const other = unitVector(random, of.length);
  return normalised(of.map((value, i) => value + by * (other[i] ?? 0)));
}

function normalised(vector: Embedding): Embedding {
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}
