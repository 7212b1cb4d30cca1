/**
 * The whole house at work in this process: capture to relay edge, event-loop delay and CPU time at the frame rates of a door.
 * The camera is a generator of frames, the relay dry; everything between is what runs at a door.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Camera } from '../../src/camera/port.ts';
import { personFrame } from '../../src/cli/door/bench.ts';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import type { Event } from '../../src/events.ts';
import { dryRelay, type Edge } from '../../src/relay/dry.ts';
import { jobsIn } from '../../src/retrain/jobs.ts';
import { openRetrainStore } from '../../src/retrain/store.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { wire } from '../../src/wire.ts';
import { vaultIn } from '../fakes/vault.ts';
import { workshopAt } from '../fakes/workshop.ts';
import { benchCamera, emptyFrame, movingFace, pictureOf } from './scene.ts';

export interface HouseRun {
  readonly edges: readonly Edge[];
  readonly events: readonly Event[];
  /** Share of one core, 0…, while it ran. */
  readonly cpu: number;
  readonly loopDelayP99Ms: number;
  /** When the frames were captured in which somebody was recognised. */
  readonly recognisedAtMs: readonly number[];
}

interface HouseOptions {
  /** CPU time is counted after these frames. */
  readonly warmFrames?: number;
  readonly workshop?: string | undefined;
  /** Demo people, from their neutral pictures. */
  readonly enrolled?: readonly string[];
}

/** Runs a house until the camera ends. */
export async function runHouse(
  source: Camera,
  settings: Readonly<Record<string, unknown>> = {},
  { warmFrames = 0, workshop, enrolled = ['p01'] }: HouseOptions = {},
): Promise<HouseRun> {
  const state = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  const flags = new Map<string, unknown>(
    Object.entries({
      'state.folder': state,
      'liveness.policy': 'off',
      'camera.source': 'replay',
      'relay.pulseMs': 50,
      'access.cooldownMs': 0,
      ...settings,
    }),
  );
  const { config } = loadConfig({ flags });
  let before = process.cpuUsage();
  let from = performance.now();
  const camera: Camera = {
    label: source.label,
    frames: async function* (signal) {
      for await (const frame of source.frames(signal)) {
        if (frame.seq === warmFrames + 1) {
          before = process.cpuUsage();
          from = performance.now();
        }
        yield frame;
      }
    },
  };
  const relay = dryRelay({ clock: systemClock, ...config.relay });
  const events: Event[] = [];
  const recognisedAtMs: number[] = [];
  try {
    await using house = await wire(config, openLog('silent'), {
      camera,
      relay,
      clock: systemClock,
      onEvent: (event) => events.push(event),
      onMoment: ({ sighting: { finding, capturedAtMs } }) => {
        if (finding.kind === 'person') recognisedAtMs.push(capturedAtMs);
      },
      ...(workshop !== undefined && { workshop }),
    });
    for (const name of enrolled) {
      const picture = pictureOf(`${name}-neutral`);
      const template = (await house.reader.read(picture)).faces[0]?.embedding;
      if (!template) throw new Error(`${name} has no face`);
      house.gallery.enrol({ name, pictures: [{ picture, template, source: 'bench' }] });
    }
    if (workshop !== undefined) {
      using vault = vaultIn(state);
      using store = openRetrainStore(join(state, 'retrain.sqlite'), vault);
      jobsIn({ store, clock: systemClock }).start({ recipe: 'adapt', where: 'door', by: 'bench' });
    }
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    await house.run(new AbortController().signal);
    delay.disable();
    const spent = process.cpuUsage(before);
    // The histogram counts the timer's own 10 ms.
    return {
      edges: relay.edges,
      events,
      recognisedAtMs,
      cpu: (spent.user + spent.system) / 1000 / (performance.now() - from),
      loopDelayP99Ms: delay.percentile(99) / 1e6 - 10,
    };
  } finally {
    rmSync(state, { recursive: true });
  }
}

/**
 * Visits of p01 at 15 frames a second, each a second of face after three to four of nobody, so that the door was idle: from the first frame's capture to the edge.
 * An idle door compares frames some times a second: the visits begin at each of fifteen moments between two looks, else one run would always be lucky and another never.
 */
export async function captureToRelay(
  visits: number,
  run: (camera: Camera) => Promise<Pick<HouseRun, 'edges'>> = runHouse,
): Promise<number[]> {
  const [faces, nobody] = [await movingFace(), await emptyFrame()];
  const firstFrames: number[] = [];
  const shown = Array.from({ length: visits }, (_, visit) => [
    ...Array.from({ length: 45 + ((7 * visit) % 15) }, () => 'nobody' as const),
    'first' as const,
    ...Array.from({ length: 14 }, () => 'face' as const),
  ]).flat();
  // The last visit too is over before the camera ends.
  const base = benchCamera(
    (seq) => ((shown[seq] ?? 'nobody') === 'nobody' ? nobody : (faces[seq % faces.length] ?? nobody)),
    15,
    shown.length + 15,
  );
  const camera: Camera = {
    label: base.label,
    frames: async function* (signal) {
      for await (const frame of base.frames(signal)) {
        if (shown[frame.seq] === 'first') firstFrames.push(frame.capturedAtMs);
        yield frame;
      }
    },
  };
  const { edges } = await run(camera);
  const opened = edges.filter((edge) => edge.level === 'active').map((edge) => edge.atMs);
  return firstFrames.map((from) => (opened.find((at) => at > from && at < from + 2000) ?? Number.POSITIVE_INFINITY) - from);
}

export async function benchDaemon(): Promise<Row[]> {
  const [face, nobody] = [await personFrame('p01-smiling'), await emptyFrame()];
  const latency = await captureToRelay(15);
  const busy = await runHouse(benchCamera(() => face, 15, 150));
  const withFace = await runHouse(
    benchCamera(() => face, 10, 200),
    { 'access.cooldownMs': 8000, 'relay.pulseMs': 3000 },
  );
  // Three seconds after the last face the door idles.
  const without = await runHouse(
    benchCamera(() => nobody, 10, 200),
    {},
    { warmFrames: 30 },
  );
  return [
    { what: 'first frame captured → relay edge, 15 frames/s, p50', value: quantile(latency, 0.5), unit: 'ms' },
    { what: 'first frame captured → relay edge, 15 frames/s, p95', value: quantile(latency, 0.95), unit: 'ms', target: 300 },
    { what: 'event-loop delay at 15 frames/s, p99', value: busy.loopDelayP99Ms, unit: 'ms', target: 20 },
    { what: 'CPU at 10 frames/s with a face', value: withFace.cpu * 100, unit: '% of a core', target: 20 },
    { what: 'CPU at 10 frames/s without a face', value: without.cpu * 100, unit: '% of a core', target: 8 },
  ];
}

/** The same with a training under way that would take every processor there is: it has the lowest priority, and stands still while somebody is there. */
export async function benchLearning(): Promise<Row[]> {
  const without = await captureToRelay(15);
  const workshop = workshopAt({ steps: 1_000_000, stepMs: 0, burnMs: 50, people: 1 });
  const training = await captureToRelay(15, (camera) => runHouse(camera, {}, { workshop }));
  const [before, during] = [quantile(without, 0.95), quantile(training, 0.95)];
  return [
    {
      what: 'first frame captured → relay edge, p95, while training',
      value: during,
      unit: 'ms',
      baseline: { what: 'without', value: before },
    },
    { what: '… times that without', value: during / before, unit: '×', target: 1.3 },
  ];
}
