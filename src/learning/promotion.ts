/**
 * Promotion at this door: what it needs of retraining, samples and the training process is put together here, for the
 * running door and for the commands beside it. Whoever opens it closes it; it owns the training process.
 */
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { galleryOf, renewTemplates, stateFolder } from '../adapters/basics.ts';
import { journalOf } from '../adapters/journal.ts';
import { vaultOf } from '../adapters/vault.ts';
import { systemClock } from '../base/time.ts';
import type { Event } from '../events.ts';
import type { Gallery } from '../identity/port.ts';
import { enrolledOf } from '../retrain/data/dataset.ts';
import type { NetworkComparison } from '../retrain/port.ts';
import { type TrainingProcess, trainingProcess } from '../retrain/process.ts';
import { type Guard, type Promotion, type PromotionParts, promotionOf } from '../retrain/promotion.ts';
import type { Samples } from '../retrain/samples.ts';
import { writePictures } from '../retrain/task.ts';
import type { Config } from '../settings/load.ts';
import { jobSeal, passingKey } from './job-seal.ts';
import { embedderOf } from './networks.ts';
import { jobsFolder, openGuard, openRetraining, processModules, type Retraining, samplesOf } from './parts.ts';

export interface PromotionOptions {
  readonly retraining: Retraining;
  /** What guards the door now. */
  readonly gallery: Gallery;
  /** A module that exports `workshopOf`, in place of the shipped one. */
  readonly workshop?: string | undefined;
  readonly record: (event: Event) => void;
  /** Resolves when nobody stands at the door; rejects when the door closes. */
  readonly untilQuiet: () => Promise<void>;
  readonly signal: AbortSignal;
  /** Where the door runs in this process. */
  readonly running?: Pick<PromotionParts, 'openGuard' | 'release'> & { readonly take: (guard: Guard) => void };
}

export interface PromotionRoom extends AsyncDisposable {
  readonly samples: Samples;
  readonly process: TrainingProcess;
  readonly promotion: Promotion;
}

export function openPromotion(config: Config, options: PromotionOptions): PromotionRoom {
  const { retraining, gallery, workshop = processModules.workshop, record, untilQuiet, signal, running } = options;
  const samples = samplesOf(config, retraining, gallery);
  const process = trainingProcess({
    program: processModules.program,
    workshop,
    priority: config.retrain.priority,
    // The next daemon finds by it a process that was left behind.
    ...(running && { pidFile: join(stateFolder(config), 'training.pid') }),
  });
  const promotion = promotionOf({
    registry: retraining.registry,
    openGuard: running?.openGuard ?? ((id) => openGuard(config, retraining, id, systemClock)),
    release: running?.release ?? (async (guard) => await guard[Symbol.asyncDispose]()),
    renew: async (guard) => void (await renewTemplates(guard.gallery, guard.reader, untilQuiet)),
    guarding: gallery,
    compare: (id) => compare(config, { retraining, samples, process, signal }, id),
    ...(running && { take: running.take }),
    record,
  });
  return { samples, process, promotion, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}

type ComparedWith = Pick<PromotionOptions, 'retraining' | 'signal'> & Pick<PromotionRoom, 'samples' | 'process'>;

async function compare(config: Config, { retraining, samples, process, signal }: ComparedWith, id: string): Promise<NetworkComparison> {
  const pictures = join(jobsFolder(config), `compare-${id.slice(0, 12)}-${Date.now()}`);
  const { training, frozen } = samples.dataset();
  const key = passingKey(basename(pictures));
  writePictures(pictures, { training: { people: [], strangers: [] }, frozen, enrolled: enrolledOf([training, frozen]) }, jobSeal(key));
  try {
    const { targetFmr } = config.identity;
    const [champion, candidate] = [retraining.championPlace(), retraining.placeOf(id)];
    const task = { kind: 'compare', key, pictures, champion, candidate, targetFmr, seed: 1, networks: retraining.networks } as const;
    return await process.run(task, { signal, onProgress: () => undefined, onLog: () => undefined });
  } finally {
    rmSync(pictures, { recursive: true, force: true });
  }
}

export interface CommandPromotion extends PromotionRoom {
  readonly retraining: Retraining;
  readonly record: (event: Event) => void;
}

/**
 * For a command: everything from the state folder. A running daemon follows the registry's pointer within a second,
 * without a stop.
 */
export async function openCommandPromotion(
  config: Config,
  { workshop, signal }: Pick<PromotionOptions, 'workshop' | 'signal'>,
): Promise<CommandPromotion> {
  await using opening = new AsyncDisposableStack();
  const vault = opening.use(vaultOf(config));
  const retraining = opening.use(await openRetraining(config, vault));
  const journal = opening.use(journalOf(config));
  const gallery = opening.use(galleryOf(config, embedderOf(config), vault));
  const record = (event: Event) => void journal.append(event);
  const untilQuiet = async () => signal.throwIfAborted();
  const room = opening.use(openPromotion(config, { retraining, gallery, workshop, record, untilQuiet, signal }));
  const resources = opening.move();
  return { ...room, retraining, record, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
