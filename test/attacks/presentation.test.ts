/**
 * Generated attacks and living people before the running door, through the replay camera: the shipped networks, the
 * checks of motion and the shipped policy. The people do not exist and their heads are one model (see generator/live.ts):
 * this says that the parts work together, not how well the door resists a print or a phone. One clip of each instrument:
 * the bench `presentations` plays many.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { attackClip, type Instrument, instruments } from './generator/attack.ts';
import { liveClip } from './generator/live.ts';
import { openStudio } from './generator/studio.ts';
import { type Outcome, type Played, played } from './played-door.ts';

const studio = openStudio();
const fps = 10;

/** A clip of an enrolled person. The door lets living people in within 0.6 s; an attack stays for 1.6 s. */
const attackWith = (instrument: Instrument, seed: number, frames = 16) =>
  attackClip(studio, { instrument, person: 'p03', seed, fps, frames });

describe('a door that challenges whoever it is not sure of', () => {
  // A recording of a living face has depth, and some screens show it well: see the test below.
  const held = instruments.filter((instrument) => instrument !== 'looped' && instrument !== 'replay');
  // Not the one who is attacked, and before the attacks: the door may still wait for the answer to a challenge.
  const people = ['p08', 'p12'];
  let visits: Played;
  let ofAttack: ReadonlyMap<Instrument, Outcome | undefined>;

  beforeAll(async () => {
    const clips = [];
    for (const [i, person] of people.entries())
      clips.push(await liveClip(studio, { person, seed: 61 + i, fps, frames: 12, manner: 'turns' }));
    for (const [i, instrument] of held.entries()) clips.push(await attackWith(instrument, 40 + i));
    visits = await played({ studio, clips, enrolled: ['p03', ...people] });
    const outcomes = visits.outcomes.slice(people.length);
    ofAttack = new Map(held.map((instrument, i) => [instrument, outcomes[i]]));
  }, 180_000);

  it('opens for nothing that is held before the camera, nor for a still in its place', () => {
    expect([...ofAttack].filter(([, outcome]) => outcome === 'opened')).toEqual([]);
  });

  it('denies paper as spoof, flat and bent', () => {
    expect([ofAttack.get('print'), ofAttack.get('bent')]).toEqual(['spoof', 'spoof']);
  });

  it('lets living people in who are enrolled, one after the other', () => {
    expect(visits.outcomes.slice(0, people.length)).toEqual(people.map(() => 'opened'));
    expect(visits.events.filter(({ kind }) => kind === 'access.granted')).toHaveLength(people.length);
    expect(visits.opened).toBe(people.length);
  });
});

it('a recording, on a phone or in place of the camera, opens nothing where everybody is challenged', async () => {
  // A loop of at most 15 frames is known by its frames that come back.
  const clips = [await attackWith('looped', 48, 24), await attackWith('replay', 49)];
  const { events, opened, outcomes } = await played({ studio, clips, enrolled: ['p03'], settings: { 'liveness.policy': 'challenge' } });
  expect(opened).toBe(0);
  expect(events.some(({ kind }) => kind === 'access.challenged')).toBe(true);
  // What is asked is drawn: the loop may be refused for its answer before its frames come back.
  expect(['spoof', 'not-live']).toContain(outcomes[0]);
}, 120_000);
