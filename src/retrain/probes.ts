/**
 * What a comparison measures on: the frozen pictures and everyone enrolled in; the probes, or why there are too few,
 * out.
 */
import type { CompareRun, LabelledPerson, Sample } from './port.ts';
import { leastMeasured } from './verdict.ts';

export interface ComparedProbe {
  readonly person: LabelledPerson;
  readonly probe: Sample;
  readonly own: readonly Sample[];
}

/** Every frozen picture of somebody enrolled, with the templates that it is compared with: their others. */
export function probesOf({ frozen, enrolled }: Pick<CompareRun, 'frozen' | 'enrolled'>): readonly ComparedProbe[] {
  return frozen.people.flatMap((person) => {
    const all = enrolled.find(({ personId }) => personId === person.personId)?.samples ?? [];
    return person.samples.flatMap((probe) => {
      const own = all.filter(({ id }) => id !== probe.id);
      return own.length > 0 ? [{ person, probe, own }] : [];
    });
  });
}

/** Counted before anything is trained: whether a comparison could measure at all. Undefined where it could. */
export function tooFewProbes(data: Pick<CompareRun, 'frozen' | 'enrolled'>): string | undefined {
  const probes = probesOf(data);
  const people = new Set(probes.map(({ person }) => person.personId)).size;
  const enough = probes.length >= leastMeasured.probes && people >= leastMeasured.people;
  if (enough) return undefined;
  return `nothing was trained, because a new network could not be measured: ${unmeasuredText(probes.length, people)}. Enrol more people, with three or more pictures each`;
}

export const unmeasuredText = (probes: number, people: number): string =>
  `the frozen set has ${probes} ${probes === 1 ? 'picture' : 'pictures'} of ${people} ${people === 1 ? 'person' : 'people'}: at least ${leastMeasured.probes} pictures of ${leastMeasured.people} people are needed to compare`;
