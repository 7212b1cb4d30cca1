/**
 * Generated attacks and living people before the running door, through the replay camera: the shipped networks, the
 * checks of motion and the shipped policy. The people do not exist and their heads are one model (see generator/live.ts):
 * this says that the parts work together, not how well the door resists a print or a phone.
 */
import { expect, it } from 'vitest';
import type { Event } from '../../src/events.ts';
import { attackClip, type Instrument, instruments } from './generator/attack.ts';
import { liveClip } from './generator/live.ts';
import { openStudio } from './generator/studio.ts';
import { played } from './played-door.ts';

const studio = openStudio();
const fps = 15;

/** One clip of each instrument, of an enrolled person. */
const attacksWith = (used: readonly Instrument[], firstSeed: number) =>
  Promise.all(used.map((instrument, i) => attackClip(studio, { instrument, person: 'p03', seed: firstSeed + i, fps, frames: 28 })));

const refusedIn = (events: readonly Event[]): number =>
  events.filter((event) => event.kind === 'access.denied' && (event.reason === 'spoof' || event.reason === 'not-live')).length;

it('what is held before the camera, and a still in its place, opens nothing and is denied as spoof or not live', async () => {
  // A recording of a living face has depth, and some screens show it well: see the next test.
  const used = instruments.filter((instrument) => instrument !== 'looped' && instrument !== 'replay');
  const { events, opened } = await played({ studio, clips: await attacksWith(used, 40), enrolled: ['p03', 'p08'] });
  expect(opened).toBe(0);
  expect(refusedIn(events)).toBeGreaterThanOrEqual(used.length);
}, 180_000);

it('a recording, on a phone or in place of the camera, opens nothing where everybody is challenged', async () => {
  const used = ['looped', 'replay'] as const;
  const { events, opened } = await played({
    ...{ studio, clips: await attacksWith(used, 48), enrolled: ['p03'] },
    settings: { 'liveness.policy': 'challenge' },
  });
  expect(opened).toBe(0);
  expect(events.some(({ kind }) => kind === 'access.challenged')).toBe(true);
  expect(refusedIn(events)).toBeGreaterThanOrEqual(1);
}, 180_000);

it('living people who are enrolled are let in, one after the other', async () => {
  const people = ['p03', 'p08', 'p12'];
  const clips = await Promise.all(people.map((person, i) => liveClip(studio, { person, seed: 60 + i, fps, frames: 40, manner: 'turns' })));
  const { events, opened, outcomes } = await played({ studio, clips, enrolled: people });
  expect(events.filter(({ kind }) => kind === 'access.granted')).toHaveLength(people.length);
  expect(opened).toBe(people.length);
  expect(outcomes).toEqual(people.map(() => 'opened'));
}, 180_000);
