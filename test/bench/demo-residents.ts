/**
 * How long residents wait at a door that wants to see depth (policy `passive+motion`), with three agreeing frames at 15
 * frames a second: the demo's people, whose heads have depth, come in the demo's manners. They are drawn beforehand and
 * played in real time. Heads in the demo are one model: the figures are no claim about people at doors. `RESIDENTS` sets
 * the number of visits in each manner.
 */
import { demoPeopleFolder } from '../../src/adapters/basics.ts';
import { demoPeople } from '../../src/adapters/camera.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Manner } from '../../src/camera/demo/plan.ts';
import { demoVisits } from '../../src/camera/demo/visits.ts';
import type { Camera, Frame } from '../../src/camera/port.ts';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { runHouse } from './daemon.ts';
import { benchCamera } from './scene.ts';

const each = Number(process.env.RESIDENTS ?? 8);
const fps = 15;
/** Somebody stands before the camera, near and in the light, and faces it from the first frame on. */
const atOnce = ['stands', 'off-centre'] as const satisfies readonly Manner[];
/** The camera sees them badly at first: turned aside, too dark, blurred, or far away. */
const atFirstUnseen = ['turns away', 'dim', 'blurred', 'walks up'] as const satisfies readonly Manner[];

interface Wait {
  readonly manner: Manner;
  /** From the first frame, and from the first in which they were recognised, to the relay's edge. Milliseconds. */
  readonly ms: number;
  readonly sinceRecognisedMs: number;
}

export async function benchDemoResidents(): Promise<Row[]> {
  const waits = await waitsOf(await residents());
  const near = waits.filter(({ manner }) => atOnce.some((one) => one === manner)).map(({ ms }) => ms);
  const letIn = waits.filter(({ ms }) => Number.isFinite(ms)).length;
  const row = (what: string, of: readonly number[], p: number): Row => ({
    what: `${what} → relay edge, p${100 * p} of ${of.length}`,
    value: quantile(of, p),
    unit: 'ms',
  });
  return [
    row('passive+motion: first frame of a resident captured', near, 0.5),
    { ...row('passive+motion: first frame of a resident captured', near, 0.95), target: 450 },
    ...atFirstUnseen.flatMap((manner) => {
      const own = waits.filter((wait) => wait.manner === manner).map(({ sinceRecognisedMs }) => sinceRecognisedMs);
      return [0.5, 0.95].map((p) => row(`… ${manner}: first frame in which they are recognised`, own, p));
    }),
    { what: `… let in within their visit, of ${waits.length}`, value: (100 * letIn) / waits.length, unit: '%', target: 97, atLeast: true },
  ];
}

/** The frames of as many visits of enrolled people in each manner, with an empty room between them. */
async function residents(): Promise<readonly Frame[]> {
  const left = new Map<Manner, number>([...atOnce, ...atFirstUnseen].map((manner) => [manner, each]));
  const stop = new AbortController();
  const { enrolled } = loadConfig({}).config.camera.replay;
  const strangers = demoPeople.filter((id) => !enrolled.includes(id));
  const camera = demoVisits({
    ...{ folder: demoPeopleFolder, enrolled, strangers, visits: 0, seed: 31, fps, speed: 0, clock: systemClock },
    // Longer than the door needs to idle.
    gapFrames: 3.4 * fps,
    shows: ({ manner, visitors: [first, ...others], shown }) => {
      if ([...left.values()].every((count) => count === 0)) stop.abort();
      const wanted = first?.enrolled && others.length === 0 && !shown ? (left.get(manner) ?? 0) : 0;
      if (wanted > 0) left.set(manner, wanted - 1);
      return wanted > 0 || stop.signal.aborted;
    },
  });
  const frames: Frame[] = [];
  for await (const frame of camera.frames(stop.signal)) frames.push(frame);
  return frames;
}

async function waitsOf(frames: readonly Frame[]): Promise<readonly Wait[]> {
  const base = benchCamera((seq) => Buffer.from((frames[seq - 1] as Frame).picture), fps, frames.length);
  const begun = new Map<number, { readonly manner: Manner; readonly atMs: number }>();
  const camera: Camera = {
    label: base.label,
    frames: async function* (signal) {
      for await (const frame of base.frames(signal)) {
        const scene = frames[frame.seq - 1]?.scene;
        if (scene && !begun.has(scene.visit)) begun.set(scene.visit, { manner: scene.manner as Manner, atMs: frame.capturedAtMs });
        yield frame;
      }
    },
  };
  const { enrolled } = loadConfig({}).config.camera.replay;
  const { edges, recognisedAtMs } = await runHouse(camera, { 'liveness.policy': 'passive+motion' }, { enrolled });
  const visits = [...begun.values()];
  return visits.map(({ manner, atMs }, at): Wait => {
    const endMs = visits[at + 1]?.atMs ?? Number.POSITIVE_INFINITY;
    const firstOf = (times: readonly number[]) => times.find((time) => time >= atMs && time < endMs) ?? Number.POSITIVE_INFINITY;
    const edgeMs = firstOf(edges.filter(({ level }) => level === 'active').map((edge) => edge.atMs));
    return { manner, ms: edgeMs - atMs, sinceRecognisedMs: edgeMs - firstOf(recognisedAtMs) };
  });
}
