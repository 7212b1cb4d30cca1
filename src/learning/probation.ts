/**
 * A champion on probation: for its first decisions, over restarts too, the network before it reads the same frames.
 * Frames and the champion's decisions go in; the count goes to the registry, and out comes that the champion has
 * proved itself, or that the two differ too often. The champion decides; the network before only looks.
 * learning/succession.ts opens it; it ends with the door.
 */

import type { Observation } from '../access/port.ts';
import { Fault, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type SerialQueue, serialQueue } from '../base/serial.ts';
import type { Clock } from '../base/time.ts';
import type { Event } from '../events.ts';
import { identify } from '../identity/threshold.ts';
import type { Guard } from '../retrain/promotion.ts';
import type { ProbationCount } from '../retrain/registry/rows.ts';
import type { Config } from '../settings/load.ts';
import type { Eyes } from './eyes.ts';
import { openGuard, type Retraining } from './parts.ts';

export interface ProbationParts {
  readonly config: Config;
  readonly retraining: Retraining;
  readonly eyes: Eyes;
  readonly clock: Clock;
  readonly log: Log;
  readonly record: (event: Event) => void;
  /** Where this rejects, the next decision asks for it again. */
  readonly onGoBack: (detail: string) => Promise<void>;
}

export interface Probation {
  /** Whether a champion is watched now. */
  readonly watched: boolean;
  /** Where the champion is on probation and the network before it is open: from now on both look. */
  begin(): void;
  /** The champion no longer guards. */
  giveUp(): void;
  /** After a start in the middle of a probation, opens the network before again. */
  resume(): Promise<void>;
  looked(moment: Observation): void;
  decided(event: Event, atMs: number): void;
  /** Resolves when what was begun is done. */
  end(): Promise<void>;
}

/** One champion beside the network before it. */
interface Beside {
  readonly other: Guard;
  readonly watch: DecisionWatch;
  readonly inTurn: SerialQueue;
  reading: boolean;
  over: boolean;
  decidedUpToMs: number;
  lastFaceMs: number;
}

interface State extends ProbationParts {
  beside: Beside | undefined;
}

const mostCandidates = 16;

export function openProbation(parts: ProbationParts): Probation {
  const state: State = { ...parts, beside: undefined };
  return {
    get watched() {
      return state.beside !== undefined;
    },
    begin: () => begin(state),
    giveUp: () => {
      void end(state.beside);
      state.beside = undefined;
    },
    resume: () => resume(state),
    looked: (moment) => state.beside && looked(state, state.beside, moment),
    decided: (event, atMs) => state.beside && decided(state, state.beside, event, atMs),
    end: () => end(state.beside),
  };
}

function begin(state: State): void {
  const { config, retraining, eyes } = state;
  const { probation } = retraining.registry;
  const other = eyes.before;
  if (!probation || !other || eyes.current.id === 'base') return;
  state.beside = {
    other,
    watch: watchDecisions(config.retrain, probation),
    inTurn: serialQueue(),
    reading: false,
    over: false,
    decidedUpToMs: Number.NEGATIVE_INFINITY,
    lastFaceMs: Number.NEGATIVE_INFINITY,
  };
}

async function resume(state: State): Promise<void> {
  const { config, retraining, eyes, clock, log } = state;
  const before = retraining.registry.before();
  if (!retraining.registry.probation || !before || eyes.current.id === 'base' || eyes.before) return;
  try {
    eyes.keepBeside(await openGuard(config, retraining, before === 'base' ? 'base' : before.id, clock));
    begin(state);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    log.warn({ code: error.code, err: messageOf(error) }, 'the network before cannot be watched beside the new one');
  }
}

/** The network before reads the frame too; while it does, other frames are left out. */
function looked(state: State, beside: Beside, { frame, reading: champion, mask }: Observation): void {
  if (beside.over || beside.reading || !champion.faces[0]?.embedding) return;
  beside.reading = true;
  const { access, identity } = state.config;
  void inTurn(state, beside, async () => {
    try {
      const { reader, gallery } = beside.other;
      const [face] = (await reader.read(frame.picture, mask && { mask })).faces;
      if (!face?.embedding || frame.capturedAtMs <= beside.decidedUpToMs) return;
      if (frame.capturedAtMs - beside.lastFaceMs > access.absenceMs) beside.watch.left();
      beside.lastFaceMs = frame.capturedAtMs;
      const found = identify(gallery.match(face.embedding, mostCandidates), gallery.threshold, identity.ambiguityMargin);
      beside.watch.saw(found.kind === 'person' ? found.match.personId : undefined);
    } finally {
      beside.reading = false;
    }
  });
}

function decided(state: State, beside: Beside, event: Event, atMs: number): void {
  const granted = event.kind === 'access.granted';
  if (!granted && !(event.kind === 'access.denied' && (event.reason === 'unknown' || event.reason === 'ambiguous'))) return;
  const { retraining, eyes, record } = state;
  void inTurn(state, beside, () => {
    beside.decidedUpToMs = atMs;
    const { verdict, detail } = beside.watch.decided(granted ? event.personId : undefined);
    if (verdict === 'go-on') return retraining.registry.setProbation(beside.watch.count);
    beside.over = true;
    if (verdict === 'go-back') return void goBack(state, beside, detail); // not waited for: it ends this queue
    retraining.registry.setProbation(undefined);
    record({ kind: 'model.proved', bundle: eyes.current.id, ...beside.watch.count });
    void eyes.drop();
  });
}

async function goBack({ onGoBack, log }: State, beside: Beside, detail: string): Promise<void> {
  try {
    await onGoBack(detail);
  } catch (error) {
    log.error({ err: messageOf(error) }, 'the network before cannot be put back now');
    beside.over = false;
  }
}

function inTurn({ log }: State, beside: Beside, work: () => Promise<void> | void): Promise<void> {
  return beside.inTurn(async () => {
    if (beside.over) return;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      // The network before has failed, not the one that guards: it is watched no longer.
      beside.over = true;
      log.warn({ code: error.code, err: messageOf(error) }, 'the network before cannot be asked any more');
    }
  });
}

async function end(beside: Beside | undefined): Promise<void> {
  if (!beside) return;
  beside.over = true;
  await beside.inTurn(() => undefined);
}

/** Whom a network saw in one frame; undefined: nobody it knows. */
type Seen = string | undefined;

interface DecisionWatch {
  /** The other network's finding for a frame with a face good enough to be compared. */
  saw(other: Seen): void;
  /** Whoever was there has left: what was seen of them no longer counts. */
  left(): void;
  /** The champion has decided about whoever is there: for a person, or that it is nobody it knows. */
  decided(champion: Seen): { readonly verdict: 'go-on' | 'proved' | 'go-back'; readonly agreed: boolean; readonly detail: string };
  readonly count: ProbationCount;
}

/**
 * Counts how often two networks differ. `decisions`: the champion has proved itself after so many; `maxDisagreement`:
 * the share of those that may differ. `before`: the count so far.
 */
export function watchDecisions(
  rules: { readonly decisions: number; readonly maxDisagreement: number },
  before: ProbationCount,
): DecisionWatch {
  let { decisions, disagreements } = before;
  let frames: Seen[] = [];
  return {
    get count() {
      return { decisions, disagreements };
    },
    saw: (other) => {
      frames = [...frames, other].slice(-50);
    },
    left: () => {
      frames = [];
    },
    decided: (champion) => {
      const other = mostFrequent(frames);
      // Nothing to compare with: the other network saw no frame of it.
      if (frames.length === 0) return { verdict: 'go-on', agreed: true, detail: 'not watched' };
      frames = [];
      decisions++;
      const agreed = champion === other;
      if (!agreed) disagreements++;
      const detail = `${disagreements} of ${decisions} decisions differed from those of the network before`;
      // Two names for one face: somebody would come in as somebody else.
      if (!agreed && champion !== undefined && other !== undefined)
        return { verdict: 'go-back', agreed, detail: 'it took a face for one person, the network before for another' };
      if (disagreements > rules.maxDisagreement * rules.decisions) return { verdict: 'go-back', agreed, detail };
      return { verdict: decisions >= rules.decisions ? 'proved' : 'go-on', agreed, detail };
    },
  };
}

function mostFrequent(frames: readonly Seen[]): Seen {
  const counts = new Map<Seen, number>();
  for (const seen of frames) counts.set(seen, (counts.get(seen) ?? 0) + 1);
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0];
}
