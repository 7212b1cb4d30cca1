/** What learns and measures, put together: recipes and comparison with what they need of the other rooms. With `adapters.ts` and `wire.ts` the only importer of adapters. */
import { Fault } from './errors.ts';
import type { EmbedderInfo } from './face/port.ts';
import { logitOf } from './identity/siamese.ts';
import { calibrationCurve, fmrPerComparison } from './identity/threshold.ts';
import { compareNetworks } from './retrain/compare.ts';
import type { Workshop } from './retrain/port.ts';

/** The logit that an embedder's calibration gives for a rate per comparison. Throws Fault `model-unfit` where it has none. */
function logitAt({ name, calibration }: EmbedderInfo, fmr: number): number {
  if (!calibration)
    throw new Fault(
      'model-unfit',
      `The embedder ${name} has no calibration: networks cannot be compared at a false-match rate without one`,
    );
  return calibrationCurve(calibration).logitAt(fmr).logit;
}

/** Every recipe there is, and the comparison. */
export function workshopOf(): Workshop {
  return {
    recipes: {},
    compare: (run) => compareNetworks(run, { fmrPerComparison, logitAt, logitOf, cohortOf: () => undefined }),
  };
}
