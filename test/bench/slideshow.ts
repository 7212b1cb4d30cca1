/** A slideshow of strangers before the door, and what telling faces apart costs residents: decisions on the shipped cohort's embeddings, without pictures. */
import { belonging } from '../../src/access/attempt.ts';
import { decide, initialState } from '../../src/access/decide.ts';
import type { Sighting } from '../../src/access/port.ts';
import { begun } from '../../src/access/presentation.ts';
import type { Policy } from '../../src/access/state.ts';
import type { Row } from '../../src/cli/door/figures.ts';
import type { Embedding } from '../../src/face/port.ts';

import { gallerySearch } from '../../src/identity/search.ts';
import { faceComparison, identify, noteOf, thresholdsOf } from '../../src/identity/threshold.ts';
import { openCohort, versions } from '../../src/recipes/cohort.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { randomOf } from '../fakes/embeddings.ts';
import { embedderInfo } from './match.ts';

const pictures = 20_000;
const framesEach = 4;
const frameMs = 66;

export async function benchSlideshow(): Promise<Row[]> {
  const { people } = openCohort(new URL('../../models/cohort', import.meta.url).pathname);
  const info = embedderInfo();
  const { config } = loadConfig({});
  const [residents, strangers] = [people.slice(0, 10), people.slice(10)];
  const search = gallerySearch(info, config.identity.detection);
  search.load(residents.map((own, i) => ({ id: `r${i}`, templates: [own[0]!, own[versions]!] })));
  const threshold = thresholdsOf(config.identity, info)(search.count);
  const faces = faceComparison(info);
  const policy: Policy = { ...config.access, ...faces, pulseMs: 3000, threshold: noteOf(threshold) };
  const sightingOf = (face: Embedding, atMs: number): Sighting => {
    const matches = search.match(face, 16);
    const found = identify(matches, threshold, config.identity.ambiguityMargin);
    const best = matches[0]!;
    const finding =
      found.kind === 'person'
        ? ({ kind: 'person', personId: found.match.personId } as const)
        : { kind: found.kind === 'nobody' ? ('unknown' as const) : ('ambiguous' as const) };
    return { digest: `${atMs}`, capturedAtMs: atMs, finding, likeness: best, face };
  };
  const shown = (rules: Policy) => {
    const random = randomOf(16);
    const from = (list: readonly Embedding[]) => Math.floor((random() * list.length) / versions) * versions;
    let [state, atMs, attempts, at] = [initialState, 0, 0, -1];
    for (let picture = 0; picture < pictures; picture++) {
      let next = at;
      while (next === at) next = Math.floor(random() * strangers.length);
      at = next;
      const own = strangers[at]!;
      const first = from(own);
      for (let i = 0; i < framesEach; i++) {
        atMs += frameMs;
        const decision = decide(state, { kind: 'sighting', atMs, sighting: sightingOf(own[first + (i % versions)]!, atMs) }, rules);
        state = decision.state;
        attempts += decision.events.filter((event) => event.kind === 'access.denied' && event.attempts !== undefined).length;
        if (decision.events.some(({ kind }) => kind === 'access.stopped')) return { pictures: picture + 1, attempts, seconds: atMs / 1000 };
      }
    }
    return { pictures, attempts, seconds: atMs / 1000 };
  };
  const { isSameFace: _, ...byTime } = policy;
  const now = shown(policy);
  const before = shown(byTime);
  return [
    { what: 'slideshow of strangers: attempts until it is stopped', value: now.attempts, unit: 'attempts', target: 50 },
    {
      what: 'slideshow of strangers: pictures shown until then',
      value: now.pictures,
      unit: 'pictures',
      target: 100,
      baseline: { what: 'faces not told apart', value: before.pictures },
    },
    { what: 'visits of one person taken for two', value: split(people, policy), unit: '%', target: 5 },
    { what: 'different people who resemble each other', value: alike(people, faces.resembles), unit: '%', target: 2 },
  ];
}

/** Visits of eight frames, each of another photograph of the same person: harder than a camera's frames. Percent. */
function split(people: readonly (readonly Embedding[])[], policy: Policy): number {
  const visits = people.filter((own) => own.length >= 8 * versions);
  const apart = visits.filter((own) => {
    let visit = begun(0, policy);
    return Array.from({ length: 8 }, (_, i) => own[i * versions]!).some((face, i) => {
      const sighting: Sighting = { digest: `${i}`, capturedAtMs: i, finding: { kind: 'unknown' }, face };
      const next = belonging(visit, sighting, i, policy);
      visit = next.visit;
      return next.ended !== undefined;
    });
  });
  return (100 * apart.length) / visits.length;
}

function alike(people: readonly (readonly Embedding[])[], resembles: (a: Embedding, b: Embedding) => boolean): number {
  const firsts = people.flatMap(([first]) => first ?? []);
  let [pairs, found] = [0, 0];
  for (const [i, a] of firsts.entries())
    for (const b of firsts.slice(i + 1)) {
      pairs++;
      if (resembles(a, b)) found++;
    }
  return (100 * found) / pairs;
}
