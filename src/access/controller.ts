/**
 * The one writer and the one route to the relay: takes inputs, asks `decide`, and owns the order of effects: journal the intent, pulse the relay,
 * journal the outcome.
 */
import { messageOf } from '../errors.ts';
import type { Entry, Journal } from '../journal/port.ts';
import type { Log } from '../log.ts';
import type { Relay } from '../relay/port.ts';
import type { Clock } from '../time.ts';
import { type AccessEvent, decide, type Input, initialState, type Open, type Policy, type State } from './decide.ts';
import type { Event } from './port.ts';

export interface ControllerOptions {
  readonly journal: Pick<Journal, 'append'>;
  readonly relay: Pick<Relay, 'pulse'>;
  /** Asked at every input: the threshold follows the gallery. */
  readonly policy: () => Policy;
  /** What happens when the journal cannot be written. */
  readonly journalDown: 'deny' | 'open';
  readonly clock: Clock;
  readonly log: Log;
  /** Told of everything that was decided, for the terminal: the entry, or the bare event when it could not be journalled. */
  readonly onEvent?: (event: Event, entry?: Entry) => void;
}

export interface Controller {
  /** Takes one input and carries out what follows from it, in order. */
  submit(input: Input): Promise<void>;
  /** Journals something that is not a decision (camera, daemon); a journal that is down is logged, never thrown. */
  record(event: Event): void;
  /** True while somebody stands there about whom all has been decided and journalled for now. */
  readonly settled: boolean;
}

/** The controller over a journal and a relay. */
export function openController({ journal, relay, policy, journalDown, clock, log, onEvent }: ControllerOptions): Controller {
  let state: State = initialState;
  let last = Promise.resolve();

  const append = (event: Event): Entry | undefined => {
    try {
      const entry = journal.append(event);
      onEvent?.(event, entry);
      return entry;
    } catch (error) {
      log.error({ err: messageOf(error), kind: event.kind }, 'journal cannot be written');
      return undefined;
    }
  };

  const open = async ({ grant, durationMs }: Open) => {
    const { maxFrameAgeMs } = policy();
    const entry = append(grant);
    if (!entry && journalDown === 'deny') return onEvent?.(denied(grant, 'journal-down', 'the journal cannot be written', clock.now()));
    const undo = () => {
      state = decide(state, { kind: 'undone', atMs: clock.now(), personId: grant.personId }, policy()).state;
    };
    // Writing may have taken long (a slow disk): a late answer must not open the door.
    const ageMs = clock.now() - grant.capturedAtMs;
    if (ageMs > maxFrameAgeMs) {
      undo();
      append(denied(grant, 'stale', `decided ${Math.round(ageMs)} ms after the frame`, clock.now()));
      return;
    }
    try {
      await relay.pulse(durationMs);
      const captureToRelayMs = Math.round(clock.now() - grant.capturedAtMs);
      if (!entry) onEvent?.(grant);
      append({ kind: 'relay.pulsed', grantSeq: entry?.seq ?? 0, durationMs, captureToRelayMs });
    } catch (error) {
      undo();
      append({ kind: 'relay.failed', grantSeq: entry?.seq ?? 0, detail: messageOf(error) });
    }
  };

  const take = async (input: Input) => {
    const decision = decide(state, input, policy());
    state = decision.state;
    for (const event of decision.events) {
      const effect = decision.effects.find((e) => e.grant === event);
      if (effect) await open(effect);
      else append(event);
    }
  };
  return {
    submit: (input) => {
      const turn = last.then(() => take(input));
      last = turn.catch(() => undefined);
      return turn;
    },
    record: (event) => void append(event),
    get settled() {
      return state.presentation?.settled ?? false;
    },
  };
}

function denied(
  grant: Extract<AccessEvent, { kind: 'access.granted' }>,
  reason: 'journal-down' | 'stale',
  detail: string,
  nowMs: number,
): Event {
  return {
    kind: 'access.denied',
    reason,
    detail,
    likeness: grant.likeness,
    bestPersonId: grant.personId,
    capturedAtMs: grant.capturedAtMs,
    ageMs: Math.round(nowMs - grant.capturedAtMs),
    ...(grant.visit === undefined ? {} : { visit: grant.visit }),
  };
}
