/**
 * Generated attacks and living people before the running door, through the replay camera: the shipped networks, the
 * checks of motion and the shipped policy. The people do not exist and their heads are one model (see generator/live.ts):
 * this says that the parts work together, not how well the door resists a print or a phone.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { demoPeopleFolder } from '../../src/adapters/basics.ts';
import { openLog } from '../../src/base/log.ts';
import type { Event } from '../../src/events.ts';
import { rosterOf } from '../../src/identity/roster.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { type House, wire } from '../../src/wire.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { fakeRelay } from '../fakes/relay.ts';
import { attackClip, type Instrument, instruments } from './generator/attack.ts';
import { type Clip, liveClip } from './generator/live.ts';
import { emptyClip, openStudio } from './generator/studio.ts';

const studio = openStudio();
const fps = 15;

/** Longer than the door remembers how a face moved, so that each clip is a visit of its own. */
const gapFrames = 40;

/** Plays clips one after the other, with an empty room between them; what the door told, and how often it opened. */
async function played(
  clips: readonly Clip[],
  enrolled: readonly string[],
  settings: Readonly<Record<string, unknown>> = {},
): Promise<{ events: Event[]; opened: number }> {
  using folder = temporaryFolder();
  const frames = join(folder.path, 'frames');
  mkdirSync(frames);
  const empty = await emptyClip(studio, gapFrames);
  const all = clips.flatMap((clip) => [...clip.frames.map(({ jpeg }) => jpeg), ...empty]);
  for (const [i, jpeg] of all.entries()) writeFileSync(join(frames, `${i}.jpg`), jpeg);
  const { config } = loadConfig({
    flags: new Map<string, unknown>(
      Object.entries({
        ...{ 'state.folder': join(folder.path, 'state'), 'camera.source': 'replay', 'camera.replay.from': frames },
        ...{ 'camera.replay.speed': 0, 'camera.fps': fps, 'relay.kind': 'dry', 'access.lockOut.failures': 0, 'access.lockOut.attempts': 0 },
        ...settings,
      }),
    ),
  });
  const events: Event[] = [];
  const relay = fakeRelay();
  await using house = await wire(config, openLog('silent'), { relay, onEvent: (event) => events.push(event) });
  await enrol(house, enrolled);
  await house.run(new AbortController().signal);
  return { events, opened: relay.pulses.length };
}

async function enrol({ gallery, reader, journal }: House, people: readonly string[]): Promise<void> {
  for (const name of people) {
    const picture = readFileSync(join(demoPeopleFolder, `${name}-neutral.jpg`));
    const template = (await reader.read(picture)).faces[0]!.embedding!;
    rosterOf({ gallery, journal }).enrol({ name, pictures: [{ picture, template, source: 'test' }] });
  }
}

/** One clip of each instrument, of an enrolled person. */
const attacksWith = (used: readonly Instrument[], firstSeed: number) =>
  Promise.all(used.map((instrument, i) => attackClip(studio, { instrument, person: 'p03', seed: firstSeed + i, fps, frames: 28 })));

const refusedIn = (events: readonly Event[]): number =>
  events.filter((event) => event.kind === 'access.denied' && (event.reason === 'spoof' || event.reason === 'not-live')).length;

it('what is held before the camera, and a still in its place, opens nothing and is denied as spoof or not live', async () => {
  // A recording of a living face has depth, and some screens show it well: see the next test.
  const used = instruments.filter((instrument) => instrument !== 'looped' && instrument !== 'replay');
  const { events, opened } = await played(await attacksWith(used, 40), ['p03', 'p08']);
  expect(opened).toBe(0);
  expect(refusedIn(events)).toBeGreaterThanOrEqual(used.length);
}, 180_000);

it('a recording, on a phone or in place of the camera, opens nothing where everybody is challenged', async () => {
  const used = ['looped', 'replay'] as const;
  const { events, opened } = await played(await attacksWith(used, 48), ['p03'], { 'liveness.policy': 'challenge' });
  expect(opened).toBe(0);
  expect(events.some(({ kind }) => kind === 'access.challenged')).toBe(true);
  expect(refusedIn(events)).toBeGreaterThanOrEqual(1);
}, 180_000);

it('living people who are enrolled are let in, one after the other', async () => {
  const people = ['p03', 'p08', 'p12', 'p05'];
  const clips = await Promise.all(people.map((person, i) => liveClip(studio, { person, seed: 60 + i, fps, frames: 40, manner: 'turns' })));
  const { events, opened } = await played(clips, people);
  expect(events.filter(({ kind }) => kind === 'access.granted')).toHaveLength(people.length);
  expect(opened).toBe(people.length);
}, 180_000);
