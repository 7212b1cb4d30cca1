/**
 * The retraining room for this door: a configuration in; its store, registry, samples and job runner out. The daemon
 * and the command line share it; learning/open.ts adds what only a running door has.
 */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CryptoKey } from 'jose';
import { galleryOf, manyReaderOf, modelFolder, readerOf, stateFolder } from '../adapters/basics.ts';
import { doorKeysOf } from '../adapters/command.ts';
import { vaultOf } from '../adapters/vault.ts';
import { Fault } from '../base/errors.ts';
import type { Signer } from '../base/jws.ts';
import type { Log } from '../base/log.ts';
import type { NetworkPlace } from '../base/model/place.ts';
import { withoutByteOrderMark } from '../base/secret.ts';
import { type Clock, systemClock } from '../base/time.ts';
import { version } from '../base/version.ts';
import { importKey, publicKeyOf, thumbprint } from '../command/keys.ts';
import { openEmbedderNetwork } from '../face/manifest/embedder.ts';
import type { FaceReader } from '../face/port.ts';
import type { ManyReader } from '../face/readers.ts';
import type { Gallery } from '../identity/port.ts';
import type { EmbedderShape, Expected, Inspect } from '../retrain/bundle.ts';
import type { LearningPlace } from '../retrain/held/of-person.ts';
import { jobRunner, type RunnerOptions } from '../retrain/job-runner.ts';
import type { Farm } from '../retrain/port.ts';
import type { Guard } from '../retrain/promotion.ts';
import { openRegistry, type Registry } from '../retrain/registry/registry.ts';
import { type BundleEntry, championPlace, checkRegistryRows, listBundles } from '../retrain/registry/rows.ts';
import { type Samples, samplesIn } from '../retrain/samples.ts';
import { openRetrainStore, type RetrainStore } from '../retrain/store.ts';
import type { Networks } from '../retrain/task.ts';
import type { Config } from '../settings/load.ts';
import type { Vault } from '../vault/port.ts';
import { jobSeal, keyOfJob } from './job-seal.ts';

export const storeFile = (config: Config): string => join(stateFolder(config), 'retrain.sqlite');
const bundlesFolder = (config: Config): string => join(stateFolder(config), 'models');
export const jobsFolder = (config: Config): string => join(stateFolder(config), 'jobs');
/** The program of the training process, and what learns and measures in it: a module that it imports. */
export const processModules = {
  program: fileURLToPath(new URL('./process-entry.ts', import.meta.url)),
  workshop: fileURLToPath(new URL('./workshop.ts', import.meta.url)),
};

/** An embedder as the registry compares it. */
const inspect: Inspect = (place): EmbedderShape => {
  const { sha256, output, input } = openEmbedderNetwork(place);
  const { width, height, channels, layout } = input;
  return { embedder: sha256, dimension: output.dimension, input: `${width}×${height} ${channels} ${layout}` };
};

/**
 * The embedder that guards this door: the champion trained here, or the one that the configuration names. For
 * commands that only look: they leave out a damaged champion, and the daemon goes back to the network before it.
 */
export function guardingEmbedder(config: Config): NetworkPlace {
  const base = modelFolder(config.face.embedder);
  const file = join(config.state.folder, 'retrain.sqlite');
  if (!existsSync(file)) return base;
  try {
    using vault = vaultOf(config);
    using store = openRetrainStore(storeFile(config), vault);
    return championPlace(store, bundlesFolder(config), statedHash(base)) ?? base;
  } catch (error) {
    if (error instanceof Fault) return base;
    throw error;
  }
}

/** The networks trained for this door, for commands that only look; none where nothing was trained. */
export function trainedNetworks(config: Config): readonly BundleEntry[] {
  if (!existsSync(join(config.state.folder, 'retrain.sqlite'))) return [];
  using vault = vaultOf(config);
  using store = openRetrainStore(storeFile(config), vault);
  return listBundles(store);
}

/** Where the retraining room of this door keeps what it learned. */
export const learningPlace = (config: Config, store: RetrainStore): LearningPlace => ({
  store,
  bundles: bundlesFolder(config),
  jobs: jobsFolder(config),
});

/** The reader of the network that guards this door. */
export const doorReaderOf = (config: Config): Promise<FaceReader> => readerOf(config, guardingEmbedder(config));

/** The same for so many pictures. */
export const manyDoorReaderOf = (config: Config, pictures: number): Promise<ManyReader> =>
  manyReaderOf(config, pictures, guardingEmbedder(config));

/** As the manifest states it; opening the network checks it. */
function statedHash(folder: string): string {
  try {
    return String((JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { sha256?: unknown }).sha256).toLowerCase();
  } catch {
    return '';
  }
}

const keptPrefix = 'kept:';
/** The id of a guard whose network is neither the configuration's nor in the registry. */
export const keptId = (folder: string): string => `${keptPrefix}${folder}`;

/** The room's parts that need no network to be running. */
export interface Retraining {
  readonly vault: Vault;
  readonly store: RetrainStore;
  readonly registry: Registry;
  readonly signer: Signer;
  readonly networks: Networks;
  /** The embedder of the configuration. */
  readonly base: string;
  /** The network of a bundle, of `base`, or of a kept copy (`keptId`). */
  readonly placeOf: (id: string) => NetworkPlace;
  readonly championPlace: () => NetworkPlace;
  /** Where a damaged store was moved when it was opened. */
  readonly movedAway?: string;
}

/**
 * Opens it; the store lives as long as the registry, and the vault longer. Throws Faults of the store, the door's keys
 * and the configured embedder.
 */
export async function openRetraining(config: Config, vault: Vault): Promise<Retraining & Disposable> {
  const keys = await doorKeysOf(config);
  const base = modelFolder(config.face.embedder);
  const { store, movedAway } = storeOrNew(storeFile(config), vault);
  const expected: Expected = {
    door: `${config.door.id}#${keys.id}`,
    base: inspect(base),
    inspect,
    trusted: async (kid) => (kid === keys.id ? keys.verify : await trainerKey(config, kid)),
  };
  const bundles = bundlesFolder(config);
  const registry = openRegistry({ store, folder: bundles, expected });
  const keptAt = (folder: string) => (dirname(folder) === bundles ? registry.place(basename(folder)) : folder);
  const placeOf = (id: string) =>
    id === 'base' ? base : id.startsWith(keptPrefix) ? keptAt(id.slice(keptPrefix.length)) : registry.place(id);
  return {
    vault,
    store,
    registry,
    signer: { kid: keys.id, key: keys.sign },
    networks: {
      detector: modelFolder(config.face.detector),
      threads: config.retrain.threads,
      provider: config.face.provider,
      limits: config.face.quality,
      others: config.retrain.others,
    },
    base,
    placeOf,
    championPlace: () => placeOf(registry.champion()?.id ?? 'base'),
    ...(movedAway !== undefined && { movedAway }),
    [Symbol.dispose]: () => registry[Symbol.dispose](),
  };
}

/**
 * The key of one of this door's trainers. Its card is read each time, so that a trainer that is removed loses its
 * trust at once.
 */
async function trainerKey({ farm }: Config, kid: string): Promise<CryptoKey | undefined> {
  for (const file of farm.trainers) {
    try {
      const key = publicKeyOf((JSON.parse(withoutByteOrderMark(readFileSync(file, 'utf8'))) as { sign?: unknown }).sign, 'Ed25519');
      if ((await thumbprint(key)) === kid) return await importKey(key);
    } catch {
      // No card, so nobody is trusted by it; the farm says what is wrong with the file.
    }
  }
  return undefined;
}

/** A damaged store must not keep the door shut: it is moved aside, and the network of the configuration guards. */
function storeOrNew(file: string, vault: Vault): { readonly store: RetrainStore; readonly movedAway?: string } {
  try {
    return { store: checkedStore(file, vault) };
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'registry-damaged')) throw error;
    const aside = `${file}.damaged-${Date.now()}`;
    for (const end of ['', '-wal', '-shm']) if (existsSync(`${file}${end}`)) renameSync(`${file}${end}`, `${aside}${end}`);
    return { store: openRetrainStore(file, vault), movedAway: aside };
  }
}

function checkedStore(file: string, vault: Vault): RetrainStore {
  const store = openRetrainStore(file, vault);
  try {
    checkRegistryRows(store);
    return store;
  } catch (error) {
    store[Symbol.dispose]();
    throw error;
  }
}

export async function openGuard(
  config: Config,
  { placeOf, vault }: Pick<Retraining, 'placeOf' | 'vault'>,
  id: string,
  clock: Clock,
): Promise<Guard> {
  const reader = await readerOf(config, placeOf(id));
  try {
    return guardOf(id, reader, galleryOf(config, reader.embedder, vault, clock));
  } catch (error) {
    await reader[Symbol.asyncDispose]();
    throw error;
  }
}

export function guardOf(id: string, reader: Guard['reader'], gallery: Gallery): Guard {
  return {
    id,
    reader,
    gallery,
    [Symbol.asyncDispose]: async () => {
      await reader[Symbol.asyncDispose]();
      gallery[Symbol.dispose]();
    },
  };
}

export function samplesOf(config: Config, { store }: Pick<Retraining, 'store'>, gallery: Pick<Gallery, 'list' | 'pictures'>): Samples {
  return samplesIn({ store, gallery, clock: systemClock, ...config.retrain });
}

export type RunnerParts = Pick<RunnerOptions, 'samples' | 'process' | 'record' | 'log' | 'onStatus' | 'onLine' | 'promote' | 'farm'> & {
  readonly retraining: Retraining;
  readonly log: Log;
};

export function runnerOf(config: Config, { retraining, ...parts }: RunnerParts): ReturnType<typeof jobRunner> {
  const { store, registry, signer, networks, base, championPlace: champion } = retraining;
  return jobRunner({
    ...parts,
    ...{ store, registry, signer, networks, base, champion },
    clock: systemClock,
    keyOf: (job) => keyOfJob(store.vault, job),
    sealOf: jobSeal,
    folder: jobsFolder(config),
    engine: version,
    targetFmr: config.identity.targetFmr,
    checkLabels: config.retrain.checkLabels,
  });
}

/**
 * Where jobs go that are trained on a farm; undefined where none is set. Loaded only then. Throws Fault `bad-config`.
 */
export async function farmOf(config: Config, log: Log): Promise<Farm | undefined> {
  if (config.farm.url === '') return undefined;
  const { doorFarm } = await import('./farm.ts');
  return doorFarm(config, await doorKeysOf(config), log);
}
