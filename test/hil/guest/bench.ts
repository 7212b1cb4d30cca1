/** The bench as the scenarios see it: board, service, camera and broker of the guest, and how the machine is put back after each. */
import { openBoard } from './board.ts';
import { openBroker } from './broker.ts';
import { cameraName, openCamera } from './camera.ts';
import { openService } from './service.ts';
import { run, succeeds } from './tools.ts';

/** What a scenario keeps while the power is off. */
export type Memory = Readonly<Record<string, unknown>>;

export interface Scenario {
  /** `--only` chooses by it, or by how it begins. */
  readonly name: string;
  readonly title: string;
  readonly limitMs?: number;
  /** `memory` is set when the power was cut on purpose and is back. */
  readonly run: (bench: Bench, memory?: Memory) => Promise<void>;
}

export interface BenchOptions {
  /** How often what is done many times is done. */
  readonly repeat: number;
  readonly note: (text: string) => void;
  /** Has the machine reset as if its plug had been pulled; the scenario runs again with `memory`. */
  readonly powerCut: (memory: Memory) => Promise<never>;
}

export type RelayKind = 'gpiod' | 'onoff';
type Settings = { readonly [name: string]: unknown };

export const pulseMs = 1500;
export const stateFolder = '/var/lib/facelatch';
/** What the state is after an enrolment, kept for the next one. */
const enrolled = '/var/lib/hil-enrolled';

const inputLines = {
  gpiod: { exit: 'EXIT_BUTTON', contact: 'DOOR_CONTACT', tamper: 'TAMPER' },
  onoff: { exit: '#5', contact: '#4', tamper: '#2' },
} as const;

/** Settings of one door: times that an emulated processor can keep, everything else as it comes. */
function settingsOf(relay: RelayKind, more: Settings): Settings {
  const base: Settings = {
    door: { id: 'hil' },
    state: { folder: stateFolder },
    camera: { device: cameraName, width: 640, height: 480, fps: 4, freezeMs: 8000, retryMinMs: 500, retryMaxMs: 2000, darkMs: 6000 },
    face: { threads: 2, idleFps: 1 },
    // The camera shows one portrait again and again, which is what the checks refuse; they have tests of their own.
    liveness: { policy: 'off' },
    access: { votes: 2, window: 5, windowMs: 30_000, maxFrameAgeMs: 20_000, denyAfterMs: 8000, absenceMs: 8000, cooldownMs: 3000 },
    relay: { kind: relay, chip: 'door-board', line: relay === 'onoff' ? '#3' : 'RELAY', pulseMs, maxMs: 4000 },
    inputs: { kind: relay, ...inputLines[relay], activeLow: [], bias: 'as-is' },
  };
  return merged(base, more);
}

function merged(base: Settings, more: Settings): Settings {
  const isGroup = (value: unknown): value is Settings => typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = Object.entries(more).map(([key, value]) => {
    const below = base[key];
    return [key, isGroup(value) && isGroup(below) ? merged(below, value) : value];
  });
  return { ...base, ...Object.fromEntries(entries) };
}

export async function openBench({ repeat, note, powerCut }: BenchOptions) {
  const board = openBoard();
  const service = openService();
  const camera = openCamera();
  const broker = openBroker();
  const slow = '[Service]\nWatchdogSec=40\nTimeoutStartSec=180\nTimeoutStopSec=60\n';
  return {
    board,
    service,
    camera,
    broker,
    repeat,
    note,
    powerCut,
    /** Starts a door on the relay's line and waits for READY. No camera is plugged unless the scenario does. */
    door: async (relay: RelayKind = 'gpiod', more: Settings = {}) => {
      service.configure(settingsOf(relay, more));
      await service.dropIn('slow-machine', slow);
      await service.forget();
      await service.start();
    },
    configure: (relay: RelayKind, more: Settings) => service.configure(settingsOf(relay, more)),
    /** One push of the exit button; gives the time of the rising edge of the relay's line. */
    push: async (sinceMs: number, withinMs = 30_000) => {
      board.set('EXIT_BUTTON', true);
      try {
        return await board.high(sinceMs, withinMs);
      } finally {
        board.set('EXIT_BUTTON', false);
      }
    },
    /** p01 into the gallery, from a picture the camera does not show; computed once, as it takes an emulated processor long. */
    enrol: async () => {
      if (await succeeds('test', '-d', enrolled)) return void (await run('cp', '-aT', enrolled, stateFolder));
      await service.facelatch('enrol', 'Ada', '/usr/lib/facelatch/config/demo-people/p01-neutral.jpg');
      await run('cp', '-aT', stateFolder, enrolled);
    },
    /** Leaves the machine as the next scenario wants to find it. */
    reset: async () => {
      await succeeds('systemctl', 'stop', 'facelatch');
      await succeeds('systemctl', 'reset-failed', 'facelatch');
      // A line that onoff exported stays exported, and is the old interface's until it is given back.
      board.unexport();
      // Nor does a door remember the one before it: who was enrolled, a tamper alarm that blocks for an hour.
      await run('find', stateFolder, '-mindepth', '1', '-delete');
      await run('rm', '-rf', '/etc/systemd/system/facelatch.service.d');
      await run('systemctl', 'daemon-reload');
      for (const name of ['EXIT_BUTTON', 'DOOR_CONTACT', 'TAMPER'] as const) board.set(name, false);
      await camera.away();
      await broker.stop();
    },
  };
}

export type Bench = Awaited<ReturnType<typeof openBench>>;
