/** The match of one probe against galleries of 10 to 10,000 templates. */

import { quantile, type Row, time } from '../../src/cli/door/figures.ts';
import { openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import type { EmbedderInfo, Embedding } from '../../src/face/port.ts';
import { gallerySearch } from '../../src/identity/search.ts';
import { logitOf } from '../../src/identity/siamese.ts';

export const embedderInfo = (): EmbedderInfo => openEmbedderNetwork(new URL('../../models/embedder', import.meta.url).pathname).info;

/** Unit vectors drawn from a small seeded generator (mulberry32). */
export function randomEmbeddings(count: number, dimension: number): Embedding[] {
  let state = 1;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return Array.from({ length: count }, () => {
    const vector = Float32Array.from({ length: dimension }, () => random() + random() + random() - 1.5);
    const length = Math.hypot(...vector);
    return vector.map((v) => v / length);
  });
}

export async function benchMatch(): Promise<Row[]> {
  const info = embedderInfo();
  const embeddings = randomEmbeddings(10_001, info.dimension);
  const probe = embeddings.pop() as Embedding;
  const plain = await time(10, 2, () => embeddings.map((e) => logitOf(info.head, e, probe)));
  const rows: Row[] = [];
  for (const count of [10, 100, 1000, 10_000]) {
    const search = gallerySearch(info, 0.99);
    search.load(embeddings.slice(0, count).map((template, i) => ({ id: String(i), templates: [template] })));
    const ms = quantile(await time(500, 100, () => search.match(probe, 16)), 0.5);
    rows.push({
      what: `match against ${count.toLocaleString('en')} templates, p50`,
      value: ms,
      unit: 'ms',
      target: 1,
      ...(count === 10_000 ? { baseline: { what: 'plain formula', value: quantile(plain, 0.5) } } : {}),
    });
  }
  return rows;
}
