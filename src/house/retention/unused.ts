/**
 * Who has not used the door for a long time: the journal's entries about somebody go in, what is to be done comes out.
 * First an event tells it, so that somebody can object; the rest follows after the time of notice. Pure.
 */
import type { EventKind } from '../../events.ts';

export interface UnusedRules {
  readonly unusedDays: number;
  readonly noticeDays: number;
}

/** What shows that a person is still wanted here: they came in, or somebody changed something about them. */
export const useKinds: readonly EventKind[] = [
  'access.granted',
  'access.pending',
  'access.challenged',
  'pin.accepted',
  'request.granted',
  'person.enrolled',
  'person.ruled',
  'person.renamed',
  'consent.given',
];

export type UnusedStep = 'tell' | 'act' | undefined;

/**
 * `lastMs`: the last use, or where the journal begins if it knows of none. `toldMs`: the latest `person.unused` after
 * it. `nowMs`: the time that it surely is; the others by the same measure.
 */
export function unusedStep(
  { unusedDays, noticeDays }: UnusedRules,
  { lastMs, toldMs, nowMs }: { readonly lastMs: number; readonly toldMs: number | undefined; readonly nowMs: number },
): UnusedStep {
  if (unusedDays === 0 || nowMs - lastMs < unusedDays * dayMs) return undefined;
  if (toldMs === undefined) return 'tell';
  return nowMs - toldMs >= noticeDays * dayMs ? 'act' : undefined;
}

export const dayMs = 86_400_000;
