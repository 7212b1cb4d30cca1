/** The cells that are trained until they have converged, in the order in which they say most: data only. */
import { paperNetwork } from '../network/network.ts';
import type { Network, Objective } from '../port.ts';
import { convergenceRule } from './convergence.ts';
import type { Cell, DataName, Tuned } from './paper.ts';

/** All cells of one kind of pictures are validated and tested on the same pairs, whatever they are trained on. */
export const mostImages: Readonly<Record<DataName, number>> = { webcam: 50, pins: 100, orl: 10 };

/** What a cell changes of the one that it is compared with. */
type Change = Partial<Pick<Cell, 'rate' | 'augment' | 'hard' | 'objective' | 'network' | 'against'>>;

/**
 * The last two stages of Table I on pins112 (at convergence they are one training), the cells of Table II, and the
 * contrastive cell of 100 pictures with one setting changed. `steps`: where a cell stops that is not flat before.
 */
export function convergedCells(steps: number, tuned: Tuned, network: Network = paperNetwork): Cell[] {
  const rule = { ...convergenceRule, every: Math.min(convergenceRule.every, steps) };
  const objective = (loss: Objective['loss'], margin = 1): Objective => ({ loss, margin, l1: tuned.l1, l2: 0 });
  const cell = (data: DataName, images: number, loss: Objective['loss'], name = '', what = '', change: Change = {}): Cell => ({
    ...{ id: `converged-${data}-${images}-${loss}${name && `-${name}`}`, table: 'converged' },
    ...{ what: what || (loss === 'bce' ? 'binary cross-entropy' : 'contrastive loss'), data, images, network },
    ...{ objective: objective(loss), rate: tuned.rate, augment: tuned.augment, steps, rule },
    ...change,
  });
  const [pins, orl] = [cell('pins', 100, 'contrastive'), cell('orl', 10, 'contrastive')];
  const over = ({ id }: Cell) => ({ against: id });
  const changed = (name: string, what: string, change: Change) =>
    cell('pins', 100, 'contrastive', name, what, { ...change, ...over(pins) });
  return [
    pins,
    orl,
    cell('pins', 25, 'bce', '', '', { against: 'converged-pins-25-contrastive' }),
    cell('orl', 10, 'bce', '', '', over(orl)),
    changed('rate', 'learning rate 1e-4', { rate: 1e-4 }),
    changed('unpenalised', 'no L1 penalty', { objective: { ...objective('contrastive'), l1: 0 } }),
    changed('plain', 'no augmentation', { augment: 0 }),
    changed('hard', 'hard pairs', { hard: { candidates: 4, every: 100, pictures: 512 } }),
    changed('normalised', 'batch normalisation', { network: { ...network, normalised: true } }),
    changed('margin', 'margin 2', { objective: objective('contrastive', 2) }),
    cell('pins', 25, 'contrastive', '', '', over(pins)),
    cell('pins', 50, 'contrastive', '', '', over(pins)),
    cell('orl', 5, 'contrastive', '', '', over(orl)),
  ];
}
