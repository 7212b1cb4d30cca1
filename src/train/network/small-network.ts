/** A network of the paper's kind, small enough for quick tries: a step takes milliseconds, a checkpoint 1 MB. */
import type { Network } from '../port.ts';

const pool = { size: 2, stride: 2 };

/** Sides 36, 18, 16, 8, 6; 92,000 parameters. Not a network of the paper. */
export const smallNetwork: Network = {
  name: 'small',
  side: 40,
  convolutions: [
    { filters: 16, size: 5, pool },
    { filters: 32, size: 3, pool },
    { filters: 32, size: 3 },
  ],
  units: 64,
  distance: 'vector',
};
