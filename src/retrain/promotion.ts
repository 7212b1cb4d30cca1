/**
 * From candidate to champion and back: a bundle that is whole, trusted and measured goes in; every template is made anew before the one switch; whoever guards the door
 * takes the new network with its gallery and threshold at once. What is refused is refused with the reason.
 */

import { Fault } from '../base/errors.ts';
import type { Event } from '../events.ts';
import type { FaceReader } from '../face/port.ts';
import type { Gallery } from '../identity/port.ts';
import type { Verdict } from './bundle.ts';
import type { BundleRefusal, Comparison } from './port.ts';
import type { Registry } from './registry.ts';

/** A network ready to guard the door: its reader, and the gallery with the templates it made and the threshold it is calibrated for. */
export interface Twin extends AsyncDisposable {
  /** The bundle, or `base`. */
  readonly id: string;
  readonly reader: FaceReader;
  readonly gallery: Gallery;
}

export interface PromotionParts {
  readonly registry: Registry;
  readonly openTwin: (id: string) => Promise<Twin>;
  /** Makes the templates that the twin lacks; resolves between pictures only when nobody stands at the door. */
  readonly renew: (twin: Twin) => Promise<void>;
  /** The gallery that guards the door now. */
  readonly guarding: () => Pick<Gallery, 'templates'>;
  /** Measures a candidate against the champion. */
  readonly compare: (id: string) => Promise<Comparison>;
  /** Where a daemon runs in this process: takes the twin over, without a gap. Absent: the daemon, if there is one, follows the pointer by itself. */
  readonly take?: (twin: Twin) => void;
  readonly record: (event: Event) => void;
}

export type PromotionOutcome =
  | { readonly ok: true; readonly detail: string }
  | { readonly ok: false; readonly reason: BundleRefusal; readonly detail: string };

export interface Promotion {
  /** `comparison`: made already; `force`: against the comparison, by somebody at the machine itself. */
  promote(id: string, by: string, how?: { readonly comparison?: Comparison; readonly force?: boolean }): Promise<PromotionOutcome>;
  /** Undefined where there is nothing to go back to. */
  rollback(
    by: string,
    why?: Extract<Event, { kind: 'model.rolled-back' }>['why'],
    detail?: string,
  ): Promise<{ readonly to: string; readonly from: string } | undefined>;
}

/** Somebody may enrol while templates are made: a few rounds, then it is their turn to wait. */
const mostRounds = 5;

export function promotionOf(parts: PromotionParts): Promotion {
  const { registry, record } = parts;
  const refuse = (bundle: string, reason: BundleRefusal, detail: string): Extract<PromotionOutcome, { ok: false }> => {
    registry.note(bundle, `refused (${reason}): ${detail}`);
    record({ kind: 'model.refused', bundle, reason, detail });
    return { ok: false, reason, detail };
  };

  /** What the promotion rests on; `forced`: it goes against the comparison, or without one. */
  const measured = async (
    id: string,
    comparison: Comparison | undefined,
    force: boolean,
  ): Promise<Extract<PromotionOutcome, { ok: false }> | { readonly ok: true; readonly detail: string; readonly forced: boolean }> => {
    try {
      const { ok, detail } = comparison ?? (await parts.compare(id));
      if (ok) return { ok, detail, forced: false };
      return force ? { ok: true, detail: `against the comparison: ${detail}`, forced: true } : refuse(id, 'worse', detail);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return force ? { ok: true, detail: `not measured: ${error.message}`, forced: true } : refuse(id, 'unmeasured', error.message);
    }
  };

  const opened = async (id: string): Promise<Twin | PromotionOutcome> => {
    try {
      return await parts.openTwin(id);
    } catch (error) {
      // It cannot guard this door as it is set: no calibration, or one under which nobody would ever be let in.
      if (error instanceof Fault && (error.code.startsWith('model-') || error.code === 'bad-config'))
        return refuse(id, 'unfit', error.message);
      throw error;
    }
  };

  /** The twin with every template that the door has now, or why it cannot have them. */
  const prepared = async (id: string): Promise<Twin | PromotionOutcome> => {
    const twin = await opened(id);
    if ('ok' in twin) return twin;
    try {
      for (let round = 0; round < mostRounds; round++) {
        if (round > 0 && twin.gallery.stale === 0) break;
        await parts.renew(twin);
        twin.gallery.refresh();
      }
      const { templates: now } = parts.guarding();
      if (twin.gallery.templates >= now) return twin;
      await twin[Symbol.asyncDispose]();
      return refuse(id, 'no-templates', `only ${twin.gallery.templates} of ${now} templates can be made with it`);
    } catch (error) {
      await twin[Symbol.asyncDispose]();
      if (error instanceof Fault && error.code === 'model-unfit') return refuse(id, 'wrong-shape', error.message);
      throw error;
    }
  };

  return {
    promote: async (id, by, { comparison, force = false } = {}) => {
      if (registry.champion()?.id === id) return { ok: true, detail: 'it guards the door already' };
      const verdict = await registry.verify(id);
      if (!verdict.ok) return refuse(id, verdict.reason, verdict.detail);
      const rests = await measured(id, comparison, force);
      if (!rests.ok) return rests;
      const { detail, forced } = rests;
      const twin = await prepared(id);
      if ('ok' in twin) return twin;
      // From here to the end nothing is awaited: no frame comes between the pointer and the door.
      registry.promote(id, detail);
      record({
        kind: 'model.promoted',
        bundle: id,
        version: verdict.manifest.version,
        by,
        forced,
        detail,
      });
      if (parts.take) parts.take(twin);
      else await twin[Symbol.asyncDispose]();
      return { ok: true, detail };
    },
    rollback: async (by, why = 'asked', detail = 'asked for') => {
      for (;;) {
        const before = registry.before();
        if (!before) return undefined;
        if (before !== 'base' && !isSound(await registry.verify(before.id))) {
          // Not this one, then: the next on the stack, and at last the network of the configuration.
          registry.skip();
          continue;
        }
        const twin = parts.take && (await parts.openTwin(before === 'base' ? 'base' : before.id));
        const done = registry.rollback(`rolled back (${why}): ${detail}`);
        if (!done) return undefined;
        const to = done.to === 'base' ? 'base' : done.to.id;
        record({ kind: 'model.rolled-back', bundle: to, from: done.from.id, why, by, detail });
        if (twin) parts.take?.(twin);
        return { to, from: done.from.id };
      }
    },
  };
}

/** A rollback is exempt from one rule: what was before is older. */
function isSound(verdict: Verdict): boolean {
  return verdict.ok || verdict.reason === 'old-version';
}
