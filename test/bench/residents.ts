/**
 * Residents at a door of its own process, which somebody attacks in every second block of visits: whatever else the machine does counts for quiet and
 * attacked blocks alike. `openResidents` starts the door, tells when a block begins, and gives the latencies and the memory in the end.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Camera } from '../../src/camera/port.ts';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import { runHouse } from './daemon.ts';
import { benchCamera, emptyFrame, movingFace } from './scene.ts';

const most = 8;
const visitsOfBlock = 6;
const isBusy = (visit: number) => Math.floor(visit / visitsOfBlock) % 2 === 1;

/** The most, MB: of the door's process, of its largest child, and of both without what they share twice (PSS). */
export interface Memory {
  door: number;
  child: number;
  both: number;
}

export interface Visited {
  /** Milliseconds from the first frame captured to the edge of the relay; infinite for a resident who was not let in. */
  readonly quiet: readonly number[];
  readonly busy: readonly number[];
  /** Until the first attack, and from it on. */
  readonly before: Memory;
  readonly during: Memory;
  /** Of the attacked blocks. */
  readonly seconds: number;
}

/** Runs the visits at a door with these settings; `onBlock` hears whether the block that begins is attacked. */
export async function visitDoor(
  settings: Readonly<Record<string, unknown>>,
  onBlock: (busy: boolean) => void,
  blocks = most,
): Promise<Visited> {
  const door = fork(fileURLToPath(import.meta.url), [JSON.stringify(settings), String(blocks)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(door, 'close');
  const none = { door: 0, child: 0, both: 0 };
  const [before, during]: [Memory, Memory] = [{ ...none }, { ...none }];
  let [started, busyMs, sinceMs] = [false, 0, 0];
  let latencies: readonly number[] = [];
  door.on('message', (told: { readonly busy: boolean } | { readonly latencies: readonly (number | null)[] }) => {
    if ('latencies' in told) {
      latencies = told.latencies.map((ms) => ms ?? Number.POSITIVE_INFINITY);
      return;
    }
    started ||= told.busy;
    if (told.busy) sinceMs = performance.now();
    else if (started) busyMs += performance.now() - sinceMs;
    onBlock(told.busy);
  });
  await watchMemory(door, () => (started ? during : before));
  await ended;
  return {
    quiet: latencies.filter((_, visit) => !isBusy(visit)),
    busy: latencies.filter((_, visit) => isBusy(visit)),
    ...{ before, during, seconds: busyMs / 1000 },
  };
}

/** What the project promises of a door under attack. */
export function residentRows(what: string, { quiet, busy, before, during }: Visited): Row[] {
  const letIn = (all: readonly number[]) => all.filter(Number.isFinite);
  const [calm, attacked] = [letIn(quiet), letIn(busy)];
  const baseline = (q: number) => ({ baseline: { what: 'quiet', value: quantile(calm, q) } });
  const value = (100 * (attacked.length / busy.length)) / (calm.length / quiet.length);
  return [
    { what: `residents let in: ${what}, of the quiet ones`, value, unit: '%', target: 95, atLeast: true },
    {
      what: '… first frame captured → relay edge, p95',
      value: quantile(attacked, 0.95),
      unit: 'ms',
      target: Math.round(1.5 * quantile(calm, 0.95)),
      ...baseline(0.95),
    },
    { what: '… p50', value: quantile(attacked, 0.5), unit: 'ms', ...baseline(0.5) },
    { what: '… most memory of the door', value: during.door, unit: 'MB', target: 400, baseline: { what: 'before', value: before.door } },
  ];
}

async function watchMemory(door: ChildProcess, now: () => Memory): Promise<void> {
  const { pid } = door;
  const megabytes = (process: number | undefined, file: string, name: string) => {
    try {
      return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${process}/${file}`, 'utf8'))?.[1] ?? 0) / 1000;
    } catch {
      return 0; // it has ended
    }
  };
  /** And their children: a small process starts those that decode. */
  const children = (of = pid): number[] => {
    try {
      const own = readFileSync(`/proc/${of}/task/${of}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
      return own.flatMap((child) => [child, ...children(child)]);
    } catch {
      return [];
    }
  };
  while (door.exitCode === null && door.signalCode === null) {
    const [most, own] = [now(), children()];
    most.door = Math.max(most.door, megabytes(pid, 'status', 'VmRSS'));
    for (const child of own) most.child = Math.max(most.child, megabytes(child, 'status', 'VmHWM'));
    const both = [pid, ...own].reduce<number>((sum, each) => sum + megabytes(each, 'smaps_rollup', 'Pss'), 0);
    most.both = Math.max(most.both, both);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Visits at 15 frames a second, each a second of face after about three of nobody. Tells at each block whether it is a busy one. */
async function visitsHere(settings: Readonly<Record<string, unknown>>, blocks: number): Promise<readonly number[]> {
  const nobody = await emptyFrame();
  const faces = await movingFace();
  const shown = Array.from({ length: blocks * visitsOfBlock }, (_, visit) => [
    ...Array.from({ length: 45 + ((7 * visit) % 15) }, () => 'nobody' as const),
    'first' as const,
    ...Array.from({ length: 14 }, () => 'face' as const),
  ]).flat();
  const base = benchCamera((seq) => (shown[seq] === 'nobody' ? nobody : (faces[seq % faces.length] ?? nobody)), 15, shown.length);
  const firstFrames: number[] = [];
  const tell = (busy: boolean) => void process.send?.({ busy });
  const camera: Camera = {
    label: base.label,
    frames: async function* (signal) {
      for await (const frame of base.frames(signal)) {
        if (shown[frame.seq] === 'first') firstFrames.push(frame.capturedAtMs);
        // The block after this visit begins when its face has gone.
        const next = firstFrames.length;
        if (shown[frame.seq] === 'nobody' && shown[frame.seq - 1] === 'face' && next % visitsOfBlock === 0) tell(isBusy(next));
        yield frame;
      }
    },
  };
  const { edges } = await runHouse(camera, settings);
  const opened = edges.filter((edge) => edge.level === 'active').map((edge) => edge.atMs);
  return firstFrames.map((from) => (opened.find((at) => at > from && at < from + 2000) ?? Number.POSITIVE_INFINITY) - from);
}

const [, self, given, blocks] = process.argv;
if (self === fileURLToPath(import.meta.url) && given !== undefined) {
  const latencies = await visitsHere(JSON.parse(given), Number(blocks));
  process.send?.({ latencies }, () => process.disconnect());
}
