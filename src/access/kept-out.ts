/**
 * Who is kept out although that could not be stored: a full disk must not let in whom the owner has just disabled. In:
 * the people. Out: their rules as they count. It is tried again until it is stored; a restart before then loses it.
 */
import { Fault } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import type { PersonId } from '../events.ts';
import type { Gallery } from '../identity/port.ts';

export interface KeptOut extends Pick<Gallery, 'rules' | 'setRules'> {
  /** Tries again, at most every few seconds. */
  tick(): void;
  readonly size: number;
}

const againMs = 5000;

export function keptOut(gallery: Pick<Gallery, 'rules' | 'setRules'>, clock: Pick<Clock, 'now'>): KeptOut {
  const unstored = new Set<PersonId>();
  let triedMs = Number.NEGATIVE_INFINITY;
  const rules = (id: PersonId) => (unstored.has(id) ? { ...gallery.rules(id), enabled: false } : gallery.rules(id));
  return {
    rules,
    setRules: (id, given) => {
      try {
        gallery.setRules(id, given);
        unstored.delete(id);
      } catch (error) {
        if (given.enabled === false && error instanceof Fault && error.code !== 'not-found') unstored.add(id);
        throw error;
      }
    },
    tick: () => {
      if (unstored.size === 0 || clock.now() - triedMs < againMs) return;
      triedMs = clock.now();
      for (const id of unstored) {
        try {
          gallery.setRules(id, rules(id));
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          if (error.code !== 'not-found') return; // the disk is still full
        }
        unstored.delete(id); // stored, or the person is gone
      }
    },
    get size() {
      return unstored.size;
    },
  };
}
