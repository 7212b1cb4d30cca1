/** A farm for tests: a real Redis, a door, and trainers as processes that can be killed. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openLog } from '../../src/base/log.ts';
import { shelfIn } from '../../src/base/model/shelf.ts';
import { importKey, newKey, type PrivateKey, publicKeyOf, thumbprint } from '../../src/command/keys.ts';
import { redisFarm } from '../../src/farm/dispatch.ts';
import type { Card, Party } from '../../src/farm/seal.ts';
import type { FarmOptions } from '../../src/farm/session.ts';
import { runTrainer, type TrainerEvent, type TrainerOptions } from '../../src/farm/trainer.ts';
import type { Farm, RecipeProgress, Sample, TrainingData } from '../../src/retrain/port.ts';
import { type ChainOptions, chainRecipe, lastLink } from '../fakes/recipe.ts';
import { openRedis, type RedisServer, type RedisServerOptions } from '../fakes/redis.ts';
import type { TrainerSettings } from './trainer-process.ts';

export const engine = '9.9.9';
export const prefix = 'farm-test';

export interface Someone {
  readonly keys: { readonly sign: PrivateKey; readonly encrypt: PrivateKey };
  readonly party: Party;
  readonly card: Card;
}

export async function someone(name: string): Promise<Someone> {
  const keys = { sign: await newKey('Ed25519'), encrypt: await newKey('X25519') };
  return {
    keys,
    party: { id: await thumbprint(keys.sign), sign: await importKey(keys.sign), decrypt: await importKey(keys.encrypt) },
    card: { name, sign: publicKeyOf(keys.sign, 'Ed25519'), encrypt: publicKeyOf(keys.encrypt, 'X25519') },
  };
}

/** People of random bytes: nobody's faces. */
export function inventedData(people = 3, pictures = 4, bytes = 40_000): TrainingData {
  const sample = (origin: Sample['origin']): Sample => {
    const picture = randomBytes(bytes);
    return { id: createHash('sha256').update(picture).digest('hex'), picture, origin, takenAt: '2026-01-02T03:04:05Z' };
  };
  return {
    people: Array.from({ length: people }, (_, i) => ({
      personId: `person-${i}`,
      samples: Array.from({ length: pictures }, () => sample('enrolment')),
    })),
    strangers: [[sample('marked')], [sample('marked'), sample('marked')]],
  };
}

export interface TrainerProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly events: readonly TrainerEvent[];
  /** Resolves with the first event, from now or before, that fits; rejects when the process ends without it. */
  told(fits: (event: TrainerEvent) => boolean): Promise<TrainerEvent>;
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

export interface NearTrainer extends AsyncDisposable, Pick<TrainerProcess, 'events' | 'told' | 'folder'> {
  /** Ends it as Ctrl-C does. Rejects where it could not begin. */
  stop(): Promise<void>;
  readonly ended: Promise<void>;
}

export interface FarmSet extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly folder: string;
  readonly door: Someone;
  readonly trainers: readonly Someone[];
  readonly base: string;
  readonly stepsFile: string;
  /** A chain with `heldBy: set.heldBy` stays at half of its steps until `goOn()`. */
  readonly heldBy: string;
  goOn(): void;
  farm(options?: Partial<FarmOptions>): Farm;
  trainer(
    who?: Someone,
    chain?: Partial<ChainOptions> & { readonly maxFileKb?: number },
    settings?: Partial<TrainerSettings>,
  ): Promise<TrainerProcess>;
  /** One in this process: sooner there, and cannot be killed. */
  near(who?: Someone, chain?: Partial<ChainOptions>, options?: Partial<TrainerOptions>): NearTrainer;
  /** Trains; gives the chain that the result ends in beside the one that it should, and the progress that was told. */
  train(
    farm: Farm,
    data: TrainingData,
    job?: { readonly id?: string; readonly signal?: AbortSignal; readonly seed?: number },
  ): Promise<Trained>;
  /** The numbers of the steps that were really done, by all trainers. */
  stepsDone(): number[];
}

export interface Trained {
  readonly link: string;
  readonly wanted: string;
  readonly progress: readonly RecipeProgress[];
  readonly out: string;
}

export const chainOf: ChainOptions = { steps: 40, stepMs: 5, checkpointEvery: 5 };
/** A busy machine must not lose a lease. */
export const pace = { pollMs: 25, leaseMs: 3000, presenceMs: 200, checkpointMs: 20, retryMs: 50 };
/** Where a trainer is to be taken for dead. */
export const brief = { pace: { ...pace, leaseMs: 800 } };

export async function openFarmSet(server: RedisServerOptions = {}, trainerCount = 2): Promise<FarmSet> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-farm-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const redis = stack.use(await openRedis(server));
  const door = await someone('front-door');
  const trainers = await Promise.all(Array.from({ length: trainerCount }, (_, i) => someone(`trainer-${i}`)));
  const base = join(folder, 'base');
  mkdirSync(base);
  writeFileSync(join(base, 'manifest.json'), JSON.stringify({ schema: 1, sha256: 'of the base' }));
  writeFileSync(join(base, 'twin.onnx'), randomBytes(700_000));
  const stepsFile = join(folder, 'steps');
  writeFileSync(stepsFile, '');
  const heldBy = join(folder, 'held');
  writeFileSync(heldBy, '');
  const place = { url: redis.url, clockSkewS: 5, ...(redis.ca && { ca: redis.ca }) };
  let made = 0;
  const resources = stack.move();
  return {
    redis,
    folder,
    door,
    trainers,
    base,
    stepsFile,
    heldBy,
    goOn: () => rmSync(heldBy),
    farm: (options) =>
      redisFarm({
        redis: { ...place, patienceMs: 10_000 },
        prefix,
        door: door.card.name,
        party: door.party,
        own: door.card,
        trainers: trainers.map(({ card }) => card),
        engine,
        maxBytes: 50_000_000,
        ttlMs: 60_000,
        waitMs: 20_000,
        jobsPerHour: 0,
        log: openLog('silent'),
        pace,
        ...options,
      }),
    trainer: async (who = trainers[0]!, { maxFileKb, ...chain } = {}, settings = {}) => {
      const work = join(folder, `work-${made++}`);
      const all: TrainerSettings = {
        redis: place,
        prefix,
        name: who.card.name,
        folder: work,
        engine,
        maxBytes: 50_000_000,
        pace,
        keys: who.keys,
        doors: [door.card],
        chain: { ...chainOf, stepsFile, ...chain },
        ...settings,
      };
      return resources.use(startTrainer(all, maxFileKb));
    },
    near: (who = trainers[0]!, chain = {}, options = {}) =>
      resources.use(
        nearTrainer({
          redis: place,
          prefix,
          name: who.card.name,
          device: 'cpu',
          threads: 1,
          folder: join(folder, `work-${made++}`),
          engine,
          maxBytes: 50_000_000,
          pace,
          party: who.party,
          doors: [door.card],
          recipes: [chainRecipe({ ...chainOf, stepsFile, ...chain })],
          ...options,
        }),
      ),
    train: async (farm, data, { id = 'job-1', signal = new AbortController().signal, seed = 7 } = {}) => {
      const out = join(folder, `out-${id}`);
      const progress: RecipeProgress[] = [];
      const run = { data, base, out: shelfIn(out), seed, signal, onProgress: (told: RecipeProgress) => void progress.push(told) };
      const result = await farm.train({ id, recipe: 'adapt', seed }, run);
      const { link } = JSON.parse(readFileSync(join(result.folder, 'manifest.json'), 'utf8'));
      return { link, wanted: await lastLink(data, base, seed, chainOf.steps), progress, out };
    },
    stepsDone: () => readFileSync(stepsFile, 'utf8').split('\n').filter(Boolean).map(Number),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function nearTrainer(options: Omit<TrainerOptions, 'signal' | 'tell'>): NearTrainer {
  const over = new AbortController();
  const { events, tell, told } = eventLog();
  const ended = runTrainer({ ...options, signal: over.signal, tell });
  ended.catch(() => undefined);
  const stop = async () => {
    over.abort(new Error('SIGINT'));
    await ended;
  };
  return {
    events,
    told: (fits) => Promise.race([told(fits), refusal(ended)]),
    folder: options.folder,
    ended,
    stop,
    [Symbol.asyncDispose]: () => stop().catch(() => undefined),
  };
}

/** Rejects where `ended` does. */
const refusal = (ended: Promise<void>): Promise<never> => ended.then(() => new Promise<never>(() => undefined));

function eventLog() {
  const events: TrainerEvent[] = [];
  const waiting = new Set<() => void>();
  return {
    events,
    tell: (event: TrainerEvent) => {
      events.push(event);
      for (const look of waiting) look();
    },
    told: (fits: (event: TrainerEvent) => boolean) => {
      const { promise, resolve } = Promise.withResolvers<TrainerEvent>();
      const look = () => {
        const found = events.find(fits);
        if (found) resolve(found);
      };
      waiting.add(look);
      look();
      return promise.finally(() => waiting.delete(look));
    },
  };
}

/** `maxFileKb`: as on a disk that is full beyond it. */
function startTrainer(settings: TrainerSettings, maxFileKb?: number): TrainerProcess {
  const script = fileURLToPath(new URL('./trainer-process.ts', import.meta.url));
  const args = [process.execPath, script, JSON.stringify(settings)];
  const limited = maxFileKb ? ['bash', '-c', `ulimit -f ${maxFileKb}; exec "$@"`, 'bash', ...args] : args;
  const [command = '', ...others] = limited;
  const child = spawn(command, others, { stdio: ['pipe', 'pipe', 'pipe'] });
  const { events, tell, told } = eventLog();
  let rest = '';
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) tell(JSON.parse(line));
  });
  const gone = once(child, 'close');
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  const kill = async () => {
    if (!ended()) child.kill('SIGKILL');
    await gone;
  };
  return {
    child,
    folder: settings.folder,
    events,
    told: (fits) =>
      Promise.race([told(fits), gone.then(() => Promise.reject(new Error(`the trainer ended: ${errors}${JSON.stringify(events)}`)))]),
    kill,
    stop: async () => {
      child.kill('SIGTERM');
      await gone;
      return child.exitCode;
    },
    [Symbol.asyncDispose]: kill,
  };
}

/** What a trainer has left on its disk of jobs. */
export const leftovers = (folder: string): string[] => readdirSync(folder).filter((name) => name.startsWith('job-'));
