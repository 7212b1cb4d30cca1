/** What learns and measures, put together: recipes and comparison with what they need of the other rooms. With `adapters.ts` and `wire.ts` the only importer of adapters. */
import { join } from 'node:path';
import { modelFolder, root } from './adapters.ts';
import { Fault } from './errors.ts';
import { adapted } from './face/embed.ts';
import { openEmbedderNetwork } from './face/manifest.ts';
import type { EmbedderInfo } from './face/port.ts';
import { openFaceStudio } from './face/studio.ts';
import { logitOf } from './identity/siamese.ts';
import { calibrationCurve, fmrPerComparison } from './identity/threshold.ts';
import { adaptRecipe } from './retrain/adapt.ts';
import { comparedOn, openCohort } from './retrain/cohort.ts';
import { compareNetworks } from './retrain/compare.ts';
import type { Cohort, Workshop } from './retrain/port.ts';

export interface WorkshopOptions {
  /** The detector's folder: the door's own. */
  readonly detector?: string;
  /** The cohort's folder: the shipped one. */
  readonly cohort?: string;
}

const shippedCohort = join(root, 'models', 'cohort');

/** Every recipe there is, and the comparison. */
export function workshopOf({ detector = modelFolder('detector'), cohort = shippedCohort }: WorkshopOptions = {}): Workshop {
  return {
    recipes: {
      adapt: adaptRecipe({
        openStudio: (embedder, threads) => openFaceStudio({ detector, embedder, threads }),
        cohort: () => openCohort(cohort),
      }),
    },
    compare: (run) => compareNetworks(run, { fmrPerComparison, logitAt, logitOf, cohortOf: (folder) => cohortFor(folder, cohort) }),
  };
}

/** The logit that an embedder's calibration gives for a rate per comparison. Throws Fault `model-unfit` where it has none. */
function logitAt({ name, calibration }: EmbedderInfo, fmr: number): number {
  if (!calibration)
    throw new Fault(
      'model-unfit',
      `The embedder ${name} has no calibration: networks cannot be compared at a false-match rate without one`,
    );
  return calibrationCurve(calibration).logitAt(fmr).logit;
}

/** Those of the cohort from whom nothing was learned, as the network of a folder sees them: as it is, or through the adapter; undefined where another ONNX file made it. */
function cohortFor(folder: string, shipped: string): Cohort | undefined {
  const { onnxSha256, adapter } = openEmbedderNetwork(folder);
  const cohort = comparedOn(openCohort(shipped));
  if (cohort.embedder !== onnxSha256) return undefined;
  if (!adapter) return cohort;
  return { ...cohort, people: cohort.people.map((own) => own.map((embedding) => adapted(adapter, embedding))) };
}
