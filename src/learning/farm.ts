/**
 * The farm of a configuration: for a door, the trainers that get its jobs; for a trainer, the doors whose jobs it
 * takes. Loaded only when needed.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { Fault, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { readSecretFile, readSettingFile, withoutByteOrderMark } from '../base/secret.ts';
import { version } from '../base/version.ts';
import { type DoorKeys, importKey, type PrivateKey, privateKeyOf, publicKeyOf, thumbprint } from '../command/keys.ts';
import { redisFarm } from '../farm/dispatch.ts';
import { type FarmRedis, openFarmRedis } from '../farm/redis.ts';
import { presentTrainers } from '../farm/roll.ts';
import { type Card, knownOf } from '../farm/seal.ts';
import type { FarmOptions } from '../farm/session.ts';
import type { Presence } from '../farm/statements.ts';
import type { TrainerOptions } from '../farm/trainer.ts';
import type { Farm, Recipe } from '../retrain/port.ts';
import type { Config } from '../settings/load.ts';

/** Where this door's jobs go that are trained on a farm. Throws Fault `bad-config`. */
export function doorFarm(config: Config, keys: DoorKeys, log: Log): Farm {
  return redisFarm(farmOptions(config, keys, log));
}

function farmOptions(config: Config, keys: DoorKeys, log: Log): FarmOptions {
  const { farm, door } = config;
  const { card } = keys;
  return {
    ...farm,
    redis: { ...placeOf(config), patienceMs: farm.patienceMs },
    door: door.id,
    party: keys,
    own: { name: card.door, sign: asJwk(card.sign), encrypt: asJwk(card.encrypt) },
    trainers: trainerCards(config),
    engine: version,
    maxBytes: farm.maxBundleBytes,
    log,
  };
}

/** Each trainer of this door, and what it says of itself if it is present. Throws faults of the connection. */
export async function rollOf(config: Config, signal: AbortSignal): Promise<{ readonly card: Card; readonly present?: Presence }[]> {
  const cards = trainerCards(config);
  if (cards.length === 0)
    throw new Fault(
      'bad-config',
      'This door trusts no trainer: name the cards of its trainers in farm.trainers (facelatch trainer key create)',
    );
  await using redis: FarmRedis = await openFarmRedis({ ...placeOf(config), signal });
  const known = await Promise.all(cards.map(knownOf));
  return Promise.all(
    known.map(async (trainer) => {
      const [present] = await presentTrainers(redis, config.farm.prefix, [trainer]);
      return { card: trainer.card, ...(present && { present }) };
    }),
  );
}

/** What a door finds when it tries its farm. */
export interface FarmFound {
  /** The address without user and password. */
  readonly label: string;
  readonly answerMs: number;
  /** Whether Redis still has its jobs after a restart. */
  readonly keeps: boolean;
  /** Whether the keys of other doors are out of reach. */
  readonly fenced: boolean;
}

/**
 * Does what a job needs from Redis, with a key that is removed afterwards. Throws Faults `farm-unreachable`,
 * `not-permitted`, `bad-config`.
 */
export async function probeFarm(config: Config, signal: AbortSignal): Promise<FarmFound> {
  const { prefix } = config.farm;
  await using redis: FarmRedis = await openFarmRedis({ ...placeOf(config), signal });
  const { client, guard, label } = redis;
  const key = `${prefix}:${config.door.id}:probe-${randomUUID()}`;
  const startedMs = performance.now();
  await guard(client.set(key, 'x', 'PX', 60_000));
  await guard(client.eval("return redis.call('GET', KEYS[1])", 1, key));
  await guard(client.unlink(key));
  const answerMs = (performance.now() - startedMs) / 3;
  const persistence = await guard(client.info('persistence'));
  // Begins with this door's name, and yet belongs to no door.
  const fenced = await guard(client.get(`${prefix}:${config.door.id}~:probe`)).then(
    () => false,
    (error) => {
      if (error instanceof Fault && error.code === 'not-permitted') return true;
      throw error;
    },
  );
  return { label, answerMs, keeps: !/^aof_enabled:0/m.test(persistence), fenced };
}

/** A trainer's options; `load` gives what it can do. Throws Fault `bad-config`. */
export async function trainerOptionsOf(
  config: Config,
  load: () => Promise<readonly Recipe[]>,
): Promise<Omit<TrainerOptions, 'signal' | 'tell'>> {
  const { farm, trainer } = config;
  if (farm.url === '')
    throw new Fault('bad-config', 'farm.url is empty: give the address of Redis, rediss://host:6379 (docs/learn/farm.md)');
  if (trainer.doors.length === 0)
    throw new Fault(
      'bad-config',
      'trainer.doors is empty: name the files with the cards of its doors ("facelatch key door" at the door prints one)',
    );
  const keys = readTrainerKeys(trainer.keyFile);
  const doors = trainer.doors.map((file) => cardIn(file, 'trainer.doors', 'door'));
  const redis = placeOf(config);
  const recipes = await load();
  const unknown = trainer.recipes.filter((name) => !recipes.some((recipe) => recipe.name === name));
  if (unknown.length > 0)
    throw new Fault(
      'bad-config',
      `trainer.recipes names ${unknown.join(', ')}; this facelatch can do ${recipes.map(({ name }) => name).join(', ') || 'none'}`,
    );
  return {
    redis,
    prefix: farm.prefix,
    name: trainer.name || hostname().replaceAll(/[^A-Za-z0-9_.-]/g, '-'),
    device: trainer.device,
    party: { id: await thumbprint(keys.sign), sign: await importKey(keys.sign), decrypt: await importKey(keys.encrypt) },
    doors,
    recipes: trainer.recipes.length === 0 ? recipes : recipes.filter(({ name }) => trainer.recipes.includes(name)),
    threads: trainer.threads,
    folder: resolve(trainer.folder),
    engine: version,
    maxBytes: farm.maxBundleBytes,
    pace: { leaseMs: trainer.leaseMs, checkpointMs: trainer.checkpointMs },
  };
}

export interface TrainerKeys {
  readonly sign: PrivateKey;
  readonly encrypt: PrivateKey;
}

/** Throws Fault `bad-config`. */
export function readTrainerKeys(file: string): TrainerKeys {
  try {
    const { sign, encrypt } = JSON.parse(withoutByteOrderMark(readFileSync(file, 'utf8')));
    return { sign: privateKeyOf(sign, 'Ed25519'), encrypt: privateKeyOf(encrypt, 'X25519') };
  } catch (error) {
    throw new Fault(
      'bad-config',
      `The keys of this trainer in ${file} (trainer.keyFile) cannot be used (${messageOf(error)}): make them with "facelatch trainer key create"`,
      error,
    );
  }
}

const trainerCards = ({ farm }: Config): Card[] => farm.trainers.map((file) => cardIn(file, 'farm.trainers', 'trainer'));

function cardIn(file: string, setting: string, kind: 'door' | 'trainer'): Card {
  const made = kind === 'door' ? '"facelatch key door" at the door' : '"facelatch trainer key create" at the trainer';
  try {
    const card: Record<string, unknown> = JSON.parse(withoutByteOrderMark(readFileSync(file, 'utf8')));
    const name = card[kind];
    if (typeof name !== 'string' || name === '') throw new Error(`it names no ${kind}`);
    return { name, sign: asJwk(publicKeyOf(card.sign, 'Ed25519')), encrypt: asJwk(publicKeyOf(card.encrypt, 'X25519')) };
  } catch (error) {
    throw new Fault(
      'bad-config',
      `${setting} names ${file}, which is not the card of a ${kind} (${messageOf(error)}): ${made} prints one`,
      error,
    );
  }
}

const asJwk = ({ kty, crv, x }: { readonly kty: 'OKP'; readonly crv: 'Ed25519' | 'X25519'; readonly x: string }) => ({ kty, crv, x });

function placeOf({ farm }: Config): Omit<FarmOptions['redis'], 'patienceMs'> {
  const { url, user, caFile, passwordFile, clockSkewS } = farm;
  const password = passwordFile ? readSecretFile('farm.passwordFile', passwordFile) : farm.password;
  return {
    url,
    clockSkewS,
    ...(user && { user }),
    ...(password && { password }),
    ...(caFile && { ca: readSettingFile('farm.caFile', caFile) }),
  };
}
