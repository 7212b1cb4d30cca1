/**
 * From candidate to champion and back: a bundle that is whole, trusted and measured goes in. Every template is made
 * with it before the one switch, and whoever guards the door takes the new network with its gallery and threshold
 * together. What is refused is refused with the reason.
 */

import { Fault, messageOf } from '../base/errors.ts';
import type { Event } from '../events.ts';
import type { FaceReader } from '../face/port.ts';
import type { Gallery } from '../identity/port.ts';
import type { BundleVerdict } from './bundle.ts';
import type { BundleRefusal, NetworkComparison } from './port.ts';
import type { Registry } from './registry/registry.ts';

/**
 * A network ready to guard the door: its reader, and the gallery with its templates and the threshold it is
 * calibrated for.
 */
export interface Guard extends AsyncDisposable {
  /** The bundle, or `base`. */
  readonly id: string;
  readonly reader: FaceReader;
  readonly gallery: Gallery;
}

export interface PromotionParts {
  readonly registry: Registry;
  /** A new one, or one that looks already: beside the champion, or in its place. */
  readonly openGuard: (id: string) => Promise<Guard>;
  /** Closes a guard that is not taken over, unless it looks already. */
  readonly release: (guard: Guard) => Promise<void>;
  /** Makes the templates that are missing; between pictures it waits until nobody stands at the door. */
  readonly renew: (guard: Guard) => Promise<void>;
  /** The gallery that guards the door now. */
  readonly guarding: Pick<Gallery, 'templates'>;
  /** Measures a candidate against the champion. */
  readonly compare: (id: string) => Promise<NetworkComparison>;
  /**
   * Where a daemon runs in this process: takes over the new guard, without a gap. Absent: the daemon, if there is
   * one, follows the pointer by itself.
   */
  readonly take?: (guard: Guard) => void;
  readonly record: (event: Event) => void;
}

type Refused = { readonly ok: false; readonly reason: BundleRefusal; readonly detail: string };
export type PromotionOutcome = { readonly ok: true; readonly detail: string } | Refused;

export interface Promotion {
  /** `comparison`: made already; `force`: against the comparison, by somebody at the machine itself. */
  promote(id: string, by: string, how?: PromotionHow): Promise<PromotionOutcome>;
  /** Undefined where there is nothing to go back to. */
  rollback(by: string, why?: RollbackReason, detail?: string): Promise<{ readonly to: string; readonly from: string } | undefined>;
}

interface PromotionHow {
  readonly comparison?: NetworkComparison;
  readonly force?: boolean;
}
type RollbackReason = Extract<Event, { kind: 'model.rolled-back' }>['why'];

/** Somebody may enrol while templates are made: after this many rounds they wait. */
const mostRounds = 5;

export function promotionOf(parts: PromotionParts): Promotion {
  return {
    promote: (id, by, how = {}) => promote(parts, id, by, how),
    rollback: (by, why = 'asked', detail = 'asked for') => rollback(parts, by, why, detail),
  };
}

async function promote(parts: PromotionParts, id: string, by: string, how: PromotionHow): Promise<PromotionOutcome> {
  const { registry, record, take } = parts;
  if (registry.champion()?.id === id) return { ok: true, detail: 'it guards the door already' };
  const verdict = await registry.verify(id);
  if (!verdict.ok) return refuse(parts, id, verdict.reason, verdict.detail);
  const rests = await measured(parts, id, how);
  if (!rests.ok) return rests;
  const { detail, forced } = rests;
  const guard = await prepared(parts, id);
  if ('ok' in guard) return guard;
  // Nothing is awaited from here to the end: no frame comes between the pointer and the door.
  registry.promote(id, detail);
  record({ kind: 'model.promoted', bundle: id, version: verdict.manifest.version, by, forced, detail });
  if (take) take(guard);
  else await parts.release(guard);
  return { ok: true, detail };
}

async function rollback(parts: PromotionParts, by: string, why: RollbackReason, detail: string): ReturnType<Promotion['rollback']> {
  const { registry, record } = parts;
  for (;;) {
    const before = registry.before();
    if (!before) return undefined;
    if (before !== 'base' && !isSound(await registry.verify(before.id))) {
      // Not this one, then: the next on the stack, and at last the network of the configuration.
      registry.skip();
      continue;
    }
    const guard = parts.take && (await parts.openGuard(before === 'base' ? 'base' : before.id));
    const done = registry.rollback(`rolled back (${why}): ${detail}`);
    if (!done) return undefined;
    const to = done.to === 'base' ? 'base' : done.to.id;
    record({ kind: 'model.rolled-back', bundle: to, from: done.from.id, why, by, detail });
    if (guard) parts.take?.(guard);
    return { to, from: done.from.id };
  }
}

function refuse({ registry, record }: PromotionParts, bundle: string, reason: BundleRefusal, detail: string): Refused {
  registry.note(bundle, `refused (${reason}): ${detail}`);
  record({ kind: 'model.refused', bundle, reason, detail });
  return { ok: false, reason, detail };
}

/** What the promotion rests on; `forced`: it goes against the comparison, or without one. */
async function measured(
  parts: PromotionParts,
  id: string,
  { comparison, force = false }: PromotionHow,
): Promise<Refused | { readonly ok: true; readonly detail: string; readonly forced: boolean }> {
  try {
    const { ok, detail, reason = 'worse' } = comparison ?? (await parts.compare(id));
    if (ok) return { ok, detail, forced: false };
    return force ? { ok: true, detail: `against the comparison: ${detail}`, forced: true } : refuse(parts, id, reason, detail);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return force
      ? { ok: true, detail: `not measured: ${messageOf(error)}`, forced: true }
      : refuse(parts, id, 'unmeasured', messageOf(error));
  }
}

/** The network with every template that the door has now, or why it cannot have them. */
async function prepared(parts: PromotionParts, id: string): Promise<Guard | Refused> {
  const guard = await opened(parts, id);
  if ('ok' in guard) return guard;
  try {
    for (let round = 0; round < mostRounds; round++) {
      if (round > 0 && guard.gallery.stale === 0) break;
      await parts.renew(guard);
      guard.gallery.refresh();
    }
    const { templates: now } = parts.guarding;
    if (guard.gallery.templates >= now) return guard;
    await parts.release(guard);
    return refuse(parts, id, 'no-templates', `only ${guard.gallery.templates} of ${now} templates can be made with it`);
  } catch (error) {
    await parts.release(guard);
    if (error instanceof Fault && error.code === 'model-unfit') return refuse(parts, id, 'wrong-shape', messageOf(error));
    throw error;
  }
}

async function opened(parts: PromotionParts, id: string): Promise<Guard | Refused> {
  try {
    return await parts.openGuard(id);
  } catch (error) {
    // It cannot guard this door as it is set: no calibration, or one under which nobody would ever be let in.
    if (error instanceof Fault && (error.code.startsWith('model-') || error.code === 'bad-config'))
      return refuse(parts, id, 'unfit', messageOf(error));
    throw error;
  }
}

/** A rollback is exempt from one rule: what was before is older. */
function isSound(verdict: BundleVerdict): boolean {
  return verdict.ok || verdict.reason === 'old-version';
}
