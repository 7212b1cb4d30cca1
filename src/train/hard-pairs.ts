/**
 * Hard pairs: of some candidates the one that the network gets most wrong now. In: a part, an engine, a seed. Out: the
 * pairs of the next steps. Candidates are made of a sample of the pictures, so that each is embedded once.
 */
import { newRandom, shuffled } from '../base/random.ts';
import { drawPairs, type Part, type PicturePair, picturesOf } from './data/dataset.ts';
import type { HardPairs } from './recipe.ts';
import { embedAll, teller, type ValidationInput } from './validation.ts';

/** The pairs of `hard.every` steps from `step` on. Step, seed and the weights of now decide them. */
export async function mineHardPairs(
  measured: ValidationInput,
  hard: HardPairs,
  pairs: number,
  { seed, step }: { readonly seed: number; readonly step: number },
): Promise<PicturePair[][]> {
  const random = newRandom(seed + step * 2 ** 32 + 1);
  const part = sampleOf(measured.part, hard.pictures, random);
  const embeddings = await embedAll(measured, picturesOf(part));
  const tell = await teller(measured);
  const wrong = ({ first, second, same }: PicturePair) => {
    const { lossIfSame, lossIfOther } = tell(embeddings.get(first) as Float32Array, embeddings.get(second) as Float32Array);
    return same ? lossIfSame : lossIfOther;
  };
  return Array.from({ length: hard.every }, () => {
    const candidates = Array.from({ length: hard.candidates }, () =>
      drawPairs(part, pairs, random).map((pair) => ({ pair, loss: wrong(pair) })),
    );
    return Array.from({ length: pairs }, (_, index) => {
      const some = candidates.flatMap((drawn) => drawn[index] ?? []);
      return some.reduce((worst, each) => (each.loss > worst.loss ? each : worst)).pair;
    });
  });
}

/** About `count` pictures of the part: as many of each person, and at least two of one who has two. */
function sampleOf(part: Part, count: number, random: () => number): Part {
  const each = Math.max(2, Math.round(count / part.subjects.length));
  const some = (paths: readonly string[]) => shuffled(paths, random).slice(0, each);
  return {
    ...part,
    subjects: part.subjects.map(({ name, first, second }) => {
      const chosen = some(first);
      return { name, first: chosen, second: first === second ? chosen : some(second) };
    }),
  };
}
