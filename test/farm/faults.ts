/**
 * Faults thrown at a farm: jobs run one after the other while trainers, Redis, connections, chunks, signatures, tokens,
 * disks and the door itself are broken, in an order that a seed decides; what came of the jobs comes out. Everything is
 * real but the recipe, whose result can be checked.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { Fault, messageOf } from '../../src/base/errors.ts';
import { farmNames } from '../../src/farm/names.ts';
import { knownOf, seal } from '../../src/farm/seal.ts';
import type { JobData, JobResult } from '../../src/farm/statements.ts';
import { engine, type FarmSet, inventedData, leftovers, openFarmSet, pace, prefix, someone, type TrainerProcess } from './set.ts';

export const faultKinds = [
  'trainer killed',
  'trainer frozen past its lease',
  'trainer with a full disk',
  'connections cut',
  'chunks changed',
  'chunk lost',
  'result with a wrong signature',
  'checkpoint with a wrong signature',
  'fencing token outrun',
  'Redis killed and started',
  'Redis emptied',
  'door restarted',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface FaultRun {
  readonly faults: number;
  readonly seed: number;
  readonly onFault?: (kind: FaultKind, done: number) => void;
}

export interface FaultFigures {
  readonly injected: Readonly<Record<FaultKind, number>>;
  readonly jobs: number;
  /** Jobs whose result was whole and right; why the others were not. */
  readonly right: number;
  readonly wrong: readonly string[];
  /** Steps done more than once, and steps that were needed. */
  readonly repeatedSteps: number;
  readonly neededSteps: number;
  /** Keys with anything of a job's data, and folders of jobs, when all was over. */
  readonly leftKeys: number;
  readonly leftFolders: number;
  readonly seconds: number;
}

const steps = 40;
const perJob = 3;
const leaseMs = 800;
const chain = { steps, stepMs: 12, checkpointEvery: 5 };
const settings = { pace: { ...pace, leaseMs } };
const names = farmNames(prefix, 'front-door');
const places = 3;

export async function runFaults({ faults, seed, onFault }: FaultRun): Promise<FaultFigures> {
  const started = performance.now();
  const random = randomOf(seed);
  await using set = await openFarmSet({}, places);
  const redis = set.redis.client();
  const crew = await openCrew(set);
  const queue = new Queue<JobData, JobResult>(names.queue('adapt', engine), { connection: redis, prefix: names.queuePrefix });
  queue.on('error', () => undefined);
  const stranger = await someone('stranger');
  const injected = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  const bag = bagOf(faultKinds, random);
  const wrong: string[] = [];
  let done = 0;
  let jobs = 0;
  let right = 0;
  while (done < faults) {
    const job = watched(set, `job-${++jobs}`);
    for (let i = 0; i < perJob && done < faults && !job.over; i++) {
      await Promise.race([delay(20 + random() * 350), job.settled]);
      if (job.over) break;
      const kind = bag.draw();
      const broke = await inject(kind, { set, redis, crew, queue, stranger, random, job });
      if (!broke) bag.putBack(kind);
      else {
        injected[kind]++;
        done++;
        onFault?.(kind, done);
      }
    }
    const end = await job.end();
    if (end === undefined) right++;
    else wrong.push(`job ${jobs}: ${end}`);
  }
  await crew.close();
  const leftKeys = await keysLeft(redis);
  await queue.close();
  return {
    injected,
    jobs,
    right,
    wrong,
    repeatedSteps: set.stepsDone().length - jobs * steps,
    neededSteps: jobs * steps,
    leftKeys,
    leftFolders: crew.folders().flatMap(leftovers).length,
    seconds: (performance.now() - started) / 1000,
  };
}

interface WatchedJob {
  readonly over: boolean;
  readonly settled: Promise<void>;
  /** Ends the door's call and makes it again. */
  restart(): void;
  /** Undefined where the result is right, else what went wrong. */
  end(): Promise<string | undefined>;
}

function watched(set: FarmSet, id: string): WatchedJob {
  const data = inventedData(2, 3, 150_000);
  const { promise: settled, resolve } = Promise.withResolvers<void>();
  let over = false;
  let stop = new AbortController();
  let away = 0;
  const run = async (): Promise<string | undefined> => {
    for (;;) {
      try {
        const { link, wanted } = await set.train(set.farm({ waitMs: 60_000 }), data, { id, signal: stop.signal });
        return link === wanted ? undefined : `ends in ${link} and not in ${wanted}`;
      } catch (error) {
        if (stop.signal.aborted) stop = new AbortController();
        // As the door does: a Redis that is away just now is tried again, with the same job.
        else if (!(error instanceof Fault) || error.code !== 'farm-unreachable' || ++away > 20) return messageOf(error);
        else await delay(100);
      }
    }
  };
  const result = run().finally(() => {
    over = true;
    resolve();
  });
  return {
    get over() {
      return over;
    },
    settled,
    restart: () => stop.abort(new Error('the door is restarted')),
    end: () => result,
  };
}

interface Crew {
  /** One of the trainers, by chance. */
  some(random: () => number): number;
  at(place: number): TrainerProcess;
  /** Another process in the place (and the folder) of this one. */
  replace(place: number, full: boolean): Promise<void>;
  folders(): string[];
  close(): Promise<void>;
}

async function openCrew(set: FarmSet): Promise<Crew> {
  const crew: TrainerProcess[] = [];
  for (let i = 0; i < places; i++) crew.push(await set.trainer(set.trainers[i]!, chain, settings));
  await Promise.all(crew.map((trainer) => trainer.told(({ kind }) => kind === 'ready')));
  const at = (place: number) => crew[place]!;
  return {
    some: (random) => Math.floor(random() * places),
    at,
    replace: async (place, full) => {
      const { folder } = at(place);
      await at(place).kill();
      crew[place] = await set.trainer(set.trainers[place]!, { ...chain, ...(full && { maxFileKb: 800 }) }, { ...settings, folder });
    },
    folders: () => crew.map(({ folder }) => folder),
    close: async () => void (await Promise.all(crew.map((trainer) => trainer.stop()))),
  };
}

interface Scene {
  readonly set: FarmSet;
  readonly redis: Redis;
  readonly crew: Crew;
  readonly queue: Queue<JobData, JobResult>;
  readonly stranger: Awaited<ReturnType<typeof someone>>;
  readonly random: () => number;
  readonly job: WatchedJob;
}

/** Never makes a key that has gone meanwhile. */
const changeThere = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('SETRANGE', KEYS[1], ARGV[1], ARGV[2]) end";

/** False where there was nothing to break. */
async function inject(kind: FaultKind, scene: Scene): Promise<boolean> {
  const { set, redis, crew, random, job } = scene;
  const place = crew.some(random);
  switch (kind) {
    case 'trainer killed':
      await crew.replace(place, false);
      return true;
    case 'trainer frozen past its lease': {
      const { child } = crew.at(place);
      child.kill('SIGSTOP');
      await delay(1.5 * leaseMs); // the fault itself
      return child.kill('SIGCONT');
    }
    case 'trainer with a full disk':
      await crew.replace(place, true);
      await Promise.race([crew.at(place).told(({ kind: told }) => told === 'failed'), job.settled, delay(5000)]);
      await crew.replace(place, false);
      return true;
    case 'connections cut':
      await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      return true;
    case 'chunks changed':
    case 'chunk lost': {
      const chunks = await redis.keys(`${prefix}:front-door:chunk:*`);
      if (chunks.length === 0) return false;
      const key = chunks[Math.floor(random() * chunks.length)]!;
      if (kind === 'chunk lost') return (await redis.unlink(key)) === 1;
      for (const each of chunks.filter(() => random() < 0.5).concat(key))
        await redis.eval(changeThere, 1, each, Math.floor(random() * 100), randomBytes(4));
      return true;
    }
    case 'result with a wrong signature':
      return forgeResult(scene);
    case 'checkpoint with a wrong signature':
      return forgeCheckpoint(scene);
    case 'fencing token outrun': {
      const [fence] = await redis.keys(`${prefix}:front-door:fence:*`);
      if (!fence) return false;
      await redis.hincrby(fence, 'token', 1);
      await redis.hset(fence, 'lease', 'of-somebody-else');
      return true;
    }
    case 'Redis killed and started':
      await set.redis.kill();
      await set.redis.start();
      return true;
    case 'Redis emptied':
      await redis.flushall();
      return true;
    case 'door restarted':
      job.restart();
      return true;
  }
}

/**
 * Takes the lock of the running job from its trainer, as whoever may write to Redis can, and hands in a result that
 * lacks only the right signature.
 */
async function forgeResult({ set, redis, queue, stranger }: Scene): Promise<boolean> {
  const [active] = await queue.getActive();
  if (!active?.id) return false;
  const { submission } = active.data;
  const [token, lease] = await redis.hmget(names.fence(submission), 'token', 'lease');
  if (!token || !lease) return false;
  const claims = {
    submission,
    job: 'forged',
    recipe: 'adapt',
    engine,
    token: Number(token),
    lease,
    iat: Date.now() / 1000,
    data: { id: 'forged', key: randomBytes(32).toString('base64url'), chunks: 1, bytes: 0 },
    calibration: { population: '', impostorPairs: 0, genuinePairs: 0, table: [] },
    seconds: 0,
    figures: {},
  };
  const sealed = await seal(claims, 'facelatch-farm-result+jwt', stranger.party, [await knownOf(set.door.card)]);
  await redis.set(`${names.queuePrefix}:${names.queue('adapt', engine)}:${active.id}:lock`, 'stranger', 'PX', 5000);
  return active.moveToCompleted({ token: Number(token), sealed }, 'stranger', false).then(
    () => true,
    () => false,
  );
}

async function forgeCheckpoint({ set, redis, stranger }: Scene): Promise<boolean> {
  const [place] = await redis.keys(`${prefix}:front-door:checkpoint:*`);
  if (!place) return false;
  const submission = place.split(':').at(-1);
  const data = { id: 'forged', key: randomBytes(32).toString('base64url'), chunks: 1, bytes: 0 };
  const claims = { submission, token: 1, iat: Date.now() / 1000, data };
  const to = await Promise.all(set.trainers.map(({ card }) => knownOf(card)));
  const sealed = await seal(claims, 'facelatch-farm-checkpoint+jwt', stranger.party, to);
  await redis.set(place, sealed, 'PX', 60_000, 'XX');
  return true;
}

/** What a zombie sent last goes with its time to live. */
async function keysLeft(redis: Redis): Promise<number> {
  const patienceMs = 65_000;
  const from = performance.now();
  for (;;) {
    const left = (await redis.keys(`${prefix}*`)).filter((key) => /:(chunk|streams|fence|checkpoint|standing):/.test(key)).length;
    if (left === 0 || performance.now() - from > patienceMs) return left;
    await delay(100); // between two looks at the condition
  }
}

/** Numbers from 0 up to 1 that a seed decides (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Every kind as often as any other. */
function bagOf<T>(kinds: readonly T[], random: () => number) {
  let left: T[] = [];
  return {
    draw: (): T => {
      if (left.length === 0) left = [...kinds];
      return left.splice(Math.floor(random() * left.length), 1)[0]!;
    },
    putBack: (kind: T) => void left.push(kind),
  };
}
