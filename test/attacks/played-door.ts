/**
 * Clips before the running door, one after the other through the replay camera, with the shipped networks and checks
 * and an empty room between them: generated clips and the names of demo people to enrol go in; what the door told, and
 * what came of each clip, comes out.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoPeopleFolder } from '../../src/adapters/basics.ts';
import { openLog } from '../../src/base/log.ts';
import type { Event } from '../../src/events.ts';
import { rosterOf } from '../../src/identity/roster.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { type House, wire } from '../../src/wire.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { fakeRelay } from '../fakes/relay.ts';
import type { Clip } from './generator/live.ts';
import { emptyClip, type Studio } from './generator/studio.ts';

export interface Play {
  readonly studio: Studio;
  /** All at the same rate. */
  readonly clips: readonly Clip[];
  readonly enrolled: readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** The first thing that came of a clip; `nothing`: the door did not recognise anybody, or was not sure in time. */
export type Outcome = 'opened' | 'spoof' | 'not-live' | 'nothing';

export interface Played {
  readonly events: readonly Event[];
  /** How often the relay was pulsed. */
  readonly opened: number;
  /** One for each clip. */
  readonly outcomes: readonly Outcome[];
}

/** Longer than the door remembers how a face moved (liveness/motion), so that each clip is a visit of its own. */
const gapS = 1.6;

export async function played({ studio, clips, enrolled, settings = {} }: Play): Promise<Played> {
  using folder = temporaryFolder();
  const frames = join(folder.path, 'frames');
  mkdirSync(frames);
  const fps = clips[0]?.fps ?? 15;
  const empty = await emptyClip(studio, Math.ceil(gapS * fps) + 1);
  const ends: number[] = [];
  let count = 0;
  for (const clip of clips) {
    for (const jpeg of [...clip.frames.map((frame) => frame.jpeg), ...empty]) writeFileSync(join(frames, `${count++}.jpg`), jpeg);
    ends.push(count);
  }
  const { config } = loadConfig({
    flags: new Map<string, unknown>(
      Object.entries({
        ...{ 'state.folder': join(folder.path, 'state'), 'camera.source': 'replay', 'camera.replay.from': frames },
        ...{ 'camera.replay.speed': 0, 'camera.fps': fps, 'relay.kind': 'dry', 'access.lockOut.failures': 0, 'access.lockOut.attempts': 0 },
        // Over before the next clip, which may show the same person.
        'access.cooldownMs': 1000 * gapS,
        ...settings,
      }),
    ),
  });
  const events: Event[] = [];
  const relay = fakeRelay();
  await using house = await wire(config, openLog('silent'), { relay, onEvent: (event) => events.push(event) });
  await enrol(house, enrolled);
  await house.run(new AbortController().signal);
  return { events, opened: relay.pulses.length, outcomes: ends.map((end, at) => outcomeOf(events, ends[at - 1] ?? 0, end, fps)) };
}

/** Frames in lock-step are captured one period of the clock after the other. */
function outcomeOf(events: readonly Event[], from: number, end: number, fps: number): Outcome {
  const own = events.flatMap((event): Outcome[] => {
    if (event.kind !== 'access.granted' && event.kind !== 'access.denied') return [];
    const frame = Math.floor((event.capturedAtMs * fps) / 1000 + 0.001);
    if (frame < from || frame >= end) return [];
    if (event.kind === 'access.granted') return ['opened'];
    return event.reason === 'spoof' || event.reason === 'not-live' ? [event.reason] : [];
  });
  return own.includes('opened') ? 'opened' : (own[0] ?? 'nothing');
}

async function enrol({ gallery, reader, journal }: House, people: readonly string[]): Promise<void> {
  for (const name of people) {
    const picture = readFileSync(join(demoPeopleFolder, `${name}-neutral.jpg`));
    const template = (await reader.read(picture)).faces[0]!.embedding!;
    rosterOf({ gallery, journal }).enrol({ name, pictures: [{ picture, template, source: 'test' }] });
  }
}
