/** The simulated board: what gpio-sim itself says of the relay's line, and hands for the inputs. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { until } from './tools.ts';

const chipLabel = 'door-board';
/** Line numbers by name, as the image's hil-board makes them. */
const lines = { OTHER0: 0, OTHER1: 1, TAMPER: 2, RELAY: 3, DOOR_CONTACT: 4, EXIT_BUTTON: 5, LED: 6 } as const;
export type LineName = keyof typeof lines;

export interface Edge {
  readonly level: 0 | 1;
  /** CLOCK_MONOTONIC, milliseconds. */
  readonly atMs: number;
}

export interface Pulse {
  readonly fromMs: number;
  readonly lengthMs: number;
}

export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export function openBoard() {
  const config = '/sys/kernel/config/gpio-sim/hil';
  const device = readFileSync(`${config}/dev_name`, 'utf8').trim();
  const chip = readFileSync(`${config}/bank0/chip_name`, 'utf8').trim();
  const folder = (name: LineName) => `/sys/devices/platform/${device}/${chip}/sim_gpio${lines[name]}`;
  const edges: Edge[] = [];
  const recorder = new Worker(new URL('./line-recorder.ts', import.meta.url), { workerData: `${folder('RELAY')}/value` });
  recorder.on('message', (edge: Edge) => edges.push(edge));
  recorder.unref();
  const level = (name: LineName = 'RELAY') => Number(readFileSync(`${folder(name)}/value`, 'utf8'));
  const pulsesSince = (sinceMs: number): readonly Pulse[] =>
    edges.flatMap((edge, i) => {
      const end = edges[i + 1];
      return edge.level === 1 && edge.atMs >= sinceMs
        ? [{ fromMs: edge.atMs, lengthMs: (end?.atMs ?? Number.POSITIVE_INFINITY) - edge.atMs }]
        : [];
    });
  return {
    chip,
    /** The sysfs number of the chip's first line. */
    base: () => {
      const found = readdirSync('/sys/class/gpio').find(
        (name) => name.startsWith('gpiochip') && readFileSync(`/sys/class/gpio/${name}/label`, 'utf8').trim() === chipLabel,
      );
      return Number(readFileSync(`/sys/class/gpio/${found}/base`, 'utf8'));
    },
    /** Gives back to the kernel every line that the old interface has. */
    unexport: () => {
      for (const name of readdirSync('/sys/class/gpio')) {
        const number = /^gpio(\d+)$/.exec(name)?.[1];
        if (number) writeFileSync('/sys/class/gpio/unexport', number);
      }
    },
    level,
    lineOf: (name: LineName) => lines[name],
    /** Rising edges since then, each with how long it lasted. */
    pulsesSince,
    /** Waits for the relay's line to be high; the time of the edge. */
    high: async (sinceMs: number, withinMs = 60_000) => {
      await until(`the relay's line high`, () => pulsesSince(sinceMs).length > 0, withinMs);
      return pulsesSince(sinceMs)[0]?.fromMs ?? 0;
    },
    /** Waits for the line to be low again after `sinceMs`; the time of that edge. */
    low: async (sinceMs: number, withinMs = 60_000) => {
      const fallen = () => edges.find(({ level, atMs }) => level === 0 && atMs >= sinceMs);
      await until(`the relay's line low`, () => fallen() !== undefined, withinMs);
      return fallen()?.atMs ?? 0;
    },
    /** Active means high here: the inputs are wired with a pull. */
    set: (name: LineName, active: boolean) => writeFileSync(`${folder(name)}/pull`, active ? 'pull-up' : 'pull-down'),
  };
}
