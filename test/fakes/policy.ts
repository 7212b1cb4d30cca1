/** What a door asks of faces, in the tests of its decision. */
import type { Policy } from '../../src/access/state.ts';

/** Three votes of five; nobody is locked out. */
export const facePolicy: Policy = {
  armed: true,
  votes: 3,
  window: 5,
  windowMs: 2000,
  maxFrameAgeMs: 1000,
  absenceMs: 700,
  denyAfterMs: 5000,
  cooldownMs: 8000,
  pulseMs: 3000,
  threshold: { policy: 'target-fmr', logit: 8, fmr: 1e-5, extrapolated: false },
};

/** The same with a lock-out, and time for a PIN or a second person. */
export const guardedPolicy: Policy = {
  ...facePolicy,
  lockOut: { failures: 5, firstMs: 30_000, maxMs: 100_000, attempts: 50 },
  togetherMs: 15_000,
};
