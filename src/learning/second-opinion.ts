/** A new champion beside the network before it: each frame with a face is read by both, the decisions are counted, and the door hears when they differ too often, or when it has proved itself. */

import type { Observation } from '../access/port.ts';
import { Fault } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Event } from '../events.ts';
import type { Identification, Match } from '../identity/port.ts';
import { type ProbationRules, watchDecisions } from '../retrain/probation.ts';
import type { Twin } from '../retrain/promotion.ts';
import type { Probation, Registry } from '../retrain/registry.ts';

export interface BesideParts {
  readonly other: Twin;
  readonly rules: ProbationRules & { readonly absenceMs: number };
  readonly registry: Pick<Registry, 'setProbation'>;
  readonly from: Probation;
  readonly identify: (matches: readonly Match[], twin: Twin) => Identification;
  readonly onProved: (count: Probation) => void;
  readonly onGoBack: (detail: string) => void;
  readonly log: Log;
}

export interface Beside {
  looked(moment: Observation): void;
  decided(event: Event, atMs: number): void;
  /** Resolves when what was begun is done. */
  end(): Promise<void>;
}

const mostCandidates = 16;

export function watchBeside({ other, rules, registry, from, identify, onProved, onGoBack, log }: BesideParts): Beside {
  const watch = watchDecisions(rules, from);
  let turn: Promise<void> = Promise.resolve();
  let reading = false;
  let over = false;
  let decidedUpToMs = Number.NEGATIVE_INFINITY;
  let lastFaceMs = Number.NEGATIVE_INFINITY;
  const inTurn = (work: () => Promise<void> | void) => {
    turn = turn.then(async () => {
      if (over) return;
      try {
        await work();
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        // The network before has failed, not the one that guards: it is watched no more.
        over = true;
        log.warn({ code: error.code, err: error.message }, 'the network before cannot be asked any more');
      }
    });
  };
  return {
    looked: ({ frame, reading: champion }) => {
      if (over || reading || !champion.faces[0]?.embedding) return;
      reading = true;
      inTurn(async () => {
        try {
          const [face] = (await other.reader.read(frame.picture)).faces;
          if (!face?.embedding || frame.capturedAtMs <= decidedUpToMs) return;
          if (frame.capturedAtMs - lastFaceMs > rules.absenceMs) watch.left();
          lastFaceMs = frame.capturedAtMs;
          const found = identify(other.gallery.match(face.embedding, mostCandidates), other);
          watch.saw(found.kind === 'person' ? found.match.personId : undefined);
        } finally {
          reading = false;
        }
      });
    },
    decided: (event, atMs) => {
      const granted = event.kind === 'access.granted';
      if (!granted && !(event.kind === 'access.denied' && (event.reason === 'unknown' || event.reason === 'ambiguous'))) return;
      inTurn(() => {
        decidedUpToMs = atMs;
        const { verdict, detail } = watch.decided(granted ? event.personId : undefined);
        if (verdict === 'go-on') return registry.setProbation(watch.count);
        over = true;
        if (verdict === 'proved') onProved(watch.count);
        else onGoBack(detail);
      });
    },
    end: async () => {
      over = true;
      await turn;
    },
  };
}
