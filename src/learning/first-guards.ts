/**
 * Which network guards the door when it starts. In: the registry of trained networks, the people, and copies of
 * networks that their templates may still be of. Out: what guards, and the network that is to guard as soon as
 * everybody has a template of it. learning/open.ts calls it.
 */
import { join } from 'node:path';
import { doorSeal, galleryOf, root, stateFolder } from '../adapters/basics.ts';
import { Fault, messageOf } from '../base/errors.ts';
import { openEmbedderNetwork } from '../face/manifest/embedder.ts';
import type { Guard } from '../retrain/promotion.ts';
import type { Config } from '../settings/load.ts';
import { type KeptNetworks, keptNetworks } from './kept-networks.ts';
import { keptId, openGuard } from './parts.ts';
import type { SuccessionParts } from './succession.ts';

type FirstParts = Pick<SuccessionParts, 'config' | 'retraining' | 'clock' | 'log' | 'record'>;

export const keptNetworksOf = (config: Config): KeptNetworks =>
  keptNetworks({
    folder: join(stateFolder(config), 'networks'),
    before: join(root, 'before', 'embedder'),
    seal: doorSeal(config, 'facelatch kept networks 1'),
  });

/**
 * `coming`: the network that should guard, where an earlier one recognises people whom it cannot recognise yet; `guard`
 * is that earlier one then. Throws what opening the configured network throws.
 */
export async function firstGuards(
  parts: FirstParts & { readonly kept: Pick<KeptNetworks, 'folders'> },
): Promise<{ readonly guard: Guard; readonly coming?: Guard }> {
  const { log } = parts;
  const guard = await firstGuard(parts);
  const { unrecognised } = guard.gallery;
  const earlier = unrecognised.length === 0 ? undefined : await earlierGuard(parts, unrecognised.length);
  if (!earlier) return { guard };
  log.warn({ network: earlier.reader.embedder.name, people: unrecognised.length }, 'the network before guards until templates are made');
  return { guard: earlier, coming: guard };
}

/** Of the networks that templates may be of: the one that knows most of the people, if it knows more. */
async function earlierGuard({ config, retraining, kept, clock, log }: Parameters<typeof firstGuards>[0], lacking: number) {
  const { registry, placeOf } = retraining;
  const former = await registry.wholeFormer();
  let best: { readonly folder: string; readonly lacking: number } = { folder: '', lacking };
  for (const folder of [...(former === undefined ? [] : [registry.folder(former)]), ...kept.folders()]) {
    try {
      using gallery = galleryOf(config, openEmbedderNetwork(placeOf(keptId(folder))).info, retraining.vault, clock);
      if (gallery.unrecognised.length < best.lacking) best = { folder, lacking: gallery.unrecognised.length };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.warn({ folder, code: error.code, err: messageOf(error) }, 'a copy of an earlier network cannot be used');
    }
  }
  if (best.folder === '') return undefined;
  try {
    return await openGuard(config, retraining, keptId(best.folder), clock);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    log.warn({ folder: best.folder, code: error.code, err: messageOf(error) }, 'a copy of an earlier network cannot be opened');
    return undefined;
  }
}

/** What only the network before needed: its copy, and its templates, which must not outlive it. */
export function tidy({
  kept,
  retraining: { base, registry },
  eyes,
  log,
}: { readonly kept: KeptNetworks } & Pick<SuccessionParts, 'retraining' | 'eyes' | 'log'>): void {
  try {
    kept.keepOnly(base);
    const ofBase = registry.list().filter((bundle) => bundle.base === registry.base);
    eyes.gallery.keepTemplates([...ofBase.map(({ embedder }) => embedder), registry.base]);
  } catch (error) {
    log.warn({ err: messageOf(error) }, 'what only the network before needed cannot be removed');
  }
}

const theDoor = 'the door';

/**
 * What guards at the start: the champion, or, where it is damaged or not to be trusted, what was before it; the
 * pointer follows. Throws what opening the configured network throws.
 */
async function firstGuard({ config, retraining, clock, log, record }: FirstParts): Promise<Guard> {
  const { registry } = retraining;
  if (retraining.movedAway !== undefined) {
    const detail = `the registry was damaged and is now ${retraining.movedAway}; trained networks must be added again`;
    log.error({ file: retraining.movedAway }, 'ALARM: the registry of trained networks was damaged and moved away');
    record({ kind: 'model.rolled-back', bundle: 'base', from: 'unknown', why: 'damaged', by: theDoor, detail });
  }
  for (let champion = registry.champion(); champion; champion = registry.champion()) {
    const verdict = await registry.verify(champion.id);
    try {
      if (verdict.ok) return await openGuard(config, retraining, champion.id, clock);
    } catch (error) {
      if (!(error instanceof Fault && error.code.startsWith('model-'))) throw error;
      log.error({ network: champion.id, code: error.code, err: messageOf(error) }, 'the champion cannot be opened');
    }
    const detail = verdict.ok ? 'it cannot be opened' : `${verdict.reason}: ${verdict.detail}`;
    log.error(
      { network: champion.id, detail },
      'ALARM: the trained network in use is damaged or not to be trusted; the one before it guards the door',
    );
    const back = registry.rollback(`damaged: ${detail}`);
    if (!back) break;
    const bundle = back.to === 'base' ? 'base' : back.to.id;
    record({ kind: 'model.rolled-back', bundle, from: champion.id, why: 'damaged', by: theDoor, detail });
  }
  refuseFormer({ retraining, log, record });
  return openGuard(config, retraining, 'base', clock);
}

/** A champion that learned on another network than the one in use is of no use here: said once. */
function refuseFormer({ retraining: { registry }, log, record }: Pick<FirstParts, 'retraining' | 'log' | 'record'>): void {
  const former = registry.former();
  const refused = 'refused (wrong-base)';
  if (!former || former.note.startsWith(refused)) return;
  const detail =
    `it was trained on another network (${former.base.slice(0, 12)}) than the one in use now (${registry.base.slice(0, 12)}), ` +
    'which guards the door as it is; run "facelatch retrain" to train it for this door';
  registry.note(former.id, `${refused}: ${detail}`);
  record({ kind: 'model.refused', bundle: former.id, reason: 'wrong-base', detail });
  log.warn({ network: former.id, detail }, 'a trained network does not guard');
}
