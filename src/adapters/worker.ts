/**
 * The thread that measures what a door knows about its strangers; house/door-evidence.ts starts and ends it. Its answer
 * is undefined where there is nothing to be known.
 */
import { answerRequests } from '../base/side-thread.ts';
import { measureEvidence, type ToMeasure } from '../identity/evidence/measure.ts';
import type { DoorEvidence } from '../identity/port.ts';
import { isCohortDamaged } from '../recipes/cohort.ts';
import { cohortAsSeen } from './evidence.ts';

export type EvidenceRequest = Omit<ToMeasure, 'cohort'> & {
  /** The cohort's folder. */
  readonly cohort: string;
  /** How well the door's camera shows people, 0…1; absent where nothing is known. */
  readonly fitness?: number;
};

answerRequests(({ cohort, fitness, ...request }: EvidenceRequest): DoorEvidence | undefined => {
  // Without its strangers the threshold would have one floor less: a door does not become looser by a damaged file.
  if (isCohortDamaged(cohort)) return undefined;
  return measureEvidence({ ...request, cohort: cohortAsSeen(cohort, request.embedder, fitness) });
});
