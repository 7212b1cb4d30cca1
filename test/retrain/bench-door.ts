/**
 * A door's retraining room without networks, for tests that break things: a state folder in, its real store, registry, samples and job runner out, over an embedder of a few
 * bytes, a recipe that writes files in steps, and a record of what was journalled. Opened again on the same folder it is what the next daemon would be.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CryptoKey } from 'jose';
import { Fault } from '../../src/base/errors.ts';
import { openLog } from '../../src/base/log.ts';
import { fileIn } from '../../src/base/model/place.ts';
import { shelfIn } from '../../src/base/model/shelf.ts';
import { type Clock, systemClock } from '../../src/base/time.ts';
import { importKey, newKey, openDoorKeys } from '../../src/command/keys.ts';
import type { Event } from '../../src/events.ts';
import { jobSeal, keyOfJob } from '../../src/learning/job-seal.ts';
import type { Expected, Inspect } from '../../src/retrain/bundle.ts';
import { type JobRunner, jobRunner, type RunnerOptions } from '../../src/retrain/job-runner.ts';
import { jobsIn } from '../../src/retrain/jobs.ts';
import type { Farm, NetworkComparison, RecipeResult } from '../../src/retrain/port.ts';
import type { TrainingProcess } from '../../src/retrain/process.ts';
import { type Guard, promotionOf } from '../../src/retrain/promotion.ts';
import { openRegistry } from '../../src/retrain/registry/registry.ts';
import { samplesIn } from '../../src/retrain/samples.ts';
import { openRetrainStore } from '../../src/retrain/store.ts';
import { smallEmbedder, smallPolicy } from '../contracts/gallery.ts';
import { emptyShelf, memoryGallery, type Shelf } from '../fakes/gallery.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';
import { drawingReader } from '../fakes/reader.ts';
import { vaultIn } from '../fakes/vault.ts';

const table = [
  { fmr: 0.1, logit: 0, fnmr: 0 },
  { fmr: 0.01, logit: 2, fnmr: 0.1 },
  { fmr: 0.001, logit: 4, fnmr: 0.2 },
];
const calibration = { population: 'made up', impostorPairs: 1000, genuinePairs: 100, table };

/** An embedder's folder of a few bytes. */
export function writeEmbedder(folder: string, text: string, dimension = 8): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of embedderFiles(text, dimension)) writeFileSync(join(folder, name), bytes);
}

function embedderFiles(text: string, dimension = 8): readonly (readonly [string, Uint8Array])[] {
  const onnx = Buffer.from(`network ${text}`.repeat(500));
  const manifest = JSON.stringify({ file: 'twin.onnx', sha256: sha256(onnx), dimension });
  return [
    ['twin.onnx', onnx],
    ['manifest.json', Buffer.from(manifest)],
  ];
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const inspect: Inspect = (place) => {
  const { file, sha256: want, dimension } = JSON.parse(Buffer.from(fileIn(place, 'manifest.json') ?? []).toString());
  if (sha256(fileIn(place, file) ?? Buffer.alloc(0)) !== want)
    throw new Fault('model-damaged', 'It is not the file its manifest describes');
  return { embedder: want, dimension, input: '112×112 RGB NCHW' };
};

export interface BenchDoorOptions {
  readonly state: string;
  readonly door?: string;
  /** What the process that trains does in place of the recipe of a few steps. */
  readonly run?: TrainingProcess['run'];
  readonly farm?: Farm;
  readonly comparison?: () => NetworkComparison;
  readonly clock?: Clock;
  readonly shelf?: Shelf;
  readonly trusted?: (kid: string) => Promise<CryptoKey | undefined>;
  readonly onEvent?: (event: Event) => void;
}

export const hasty: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 2), signal) };

/** A recipe of steps, with a checkpoint, as the process that trains would run it. */
export function stepsRecipe(steps: number, onStep?: (step: number) => void): TrainingProcess['run'] {
  const run = async (task: Parameters<TrainingProcess['run']>[0], { signal, onProgress }: Parameters<TrainingProcess['run']>[1]) => {
    if (task.kind === 'check') return { pictures: 0 };
    if (task.kind === 'compare') return { ok: true, detail: 'not worse', metrics: { fnmr: { value: 0.01, interval: [0, 0.02] } } };
    const [out, checkpoint] = [task.out, task.checkpoint].map((folder) => shelfIn(folder, jobSeal(task.key)));
    for (let step = Number(Buffer.from(checkpoint?.get('step') ?? []).toString()); step < steps; step++) {
      signal.throwIfAborted();
      onStep?.(step + 1);
      await new Promise((done) => setImmediate(done));
      checkpoint?.put('step', String(step + 1));
      onProgress({ stage: 'steps', done: step + 1, total: steps });
    }
    for (const [name, bytes] of embedderFiles(`${task.seed}`)) out?.put(name, bytes);
    return { folder: task.out, calibration, seconds: 1, figures: { loss: 0.5 } } satisfies RecipeResult;
  };
  return run as TrainingProcess['run'];
}

export async function openBenchDoor(options: BenchDoorOptions) {
  const { state, door = 'front-door', run = stepsRecipe(5), clock = hasty, shelf = emptyShelf() } = options;
  mkdirSync(state, { recursive: true });
  const keys = await openDoorKeys(join(state, 'door-keys.json'), door);
  const base = join(state, 'base');
  if (!existsSync(base)) writeEmbedder(base, 'base');
  const expected: Expected = {
    door: `${door}#${keys.id}`,
    base: inspect(base),
    inspect,
    trusted: options.trusted ?? (async (kid) => (kid === keys.id ? keys.verify : undefined)),
  };
  const vault = vaultIn(state);
  const store = openRetrainStore(join(state, 'retrain.sqlite'), vault);
  const registry = openRegistry({ store, folder: join(state, 'models'), expected });
  const gallery = memoryGallery({ embedder: smallEmbedder, policy: smallPolicy, clock, shelf });
  const samples = samplesIn({ store, gallery, clock, keepGrantsDays: 7, keepUnknownsDays: 7, maxPictures: 100, frozenShare: 0.2 });
  const events: Event[] = [];
  const record = (event: Event) => {
    events.push(event);
    options.onEvent?.(event);
  };
  const taken: string[] = [];
  const promotion = promotionOf({
    registry,
    openGuard: async (id): Promise<Guard> => ({ id, reader: drawingReader(), gallery, [Symbol.asyncDispose]: async () => undefined }),
    release: async (guard) => await guard[Symbol.asyncDispose](),
    renew: async () => undefined,
    guarding: gallery,
    compare: async () => options.comparison?.() ?? { ok: true, detail: 'not worse', metrics: {} },
    take: ({ id }) => void taken.push(id),
    record,
  });
  const process: TrainingProcess = { run, hold: () => undefined, pid: undefined, [Symbol.asyncDispose]: async () => undefined };
  const about = (state: string): RunnerOptions => ({
    ...{ store, registry, samples, process, record, clock },
    signer: { kid: keys.id, key: keys.sign },
    farm: options.farm,
    keyOf: (job) => keyOfJob(vault, job),
    sealOf: jobSeal,
    folder: join(state, 'jobs'),
    engine: '0.1.0',
    networks: {
      detector: '',
      threads: 1,
      provider: 'cpu',
      limits: { ...qualityLimits, minInterEyePx: 1, minContrast: 0, maxClipped: 1, minSharpness: 0, maxTurnDeg: 90, dominance: 1 },
      others: '',
    },
    base,
    champion: () => registry.place(registry.champion()?.id ?? ''),
    targetFmr: 0.001,
    checkLabels: true,
    promote: (id, by, comparison) => promotion.promote(id, by, { comparison }),
    log: openLog('silent'),
  });
  const runner: JobRunner = jobRunner(about(state));
  return {
    ...{ state, store, registry, samples, gallery, promotion, runner, events, taken, keys, base, expected },
    signer: { kid: keys.id, key: keys.sign },
    jobs: jobsIn({ store, clock }),
    bundles: join(state, 'models'),
    [Symbol.dispose]: () => {
      store[Symbol.dispose]();
      vault[Symbol.dispose]();
    },
  };
}
export type BenchDoor = Awaited<ReturnType<typeof openBenchDoor>>;

/** A candidate of this door. */
export async function candidate(door: BenchDoor, text: string, dimension?: number) {
  const made = join(door.state, `made-${text}`);
  writeEmbedder(made, text, dimension);
  return door.registry.make(made, aboutOf(), door.signer);
}

export const aboutOf = () => ({
  createdAt: '2026-01-05T12:00:00.000Z',
  recipe: 'adapt' as const,
  engine: '0.1.0',
  data: { people: 3, samples: 12, strangers: 1, digest: '0'.repeat(64) },
  metrics: {},
  calibration,
});

/** What the next daemon does first: the champion where it is whole, else what was before it; what guards then. */
export async function guardOf(door: BenchDoor): Promise<string> {
  for (let now = door.registry.champion(); now; now = door.registry.champion()) {
    const verdict = await door.registry.verify(now.id);
    if (verdict.ok) return now.id;
    if (!door.registry.rollback('damaged')) break;
  }
  return 'base';
}

export async function strangerKey() {
  return { kid: 'somebody', key: await importKey(await newKey('Ed25519')) };
}
