/**
 * The one writer and the one route to the relay: takes inputs, asks the reducers (decide.ts for faces, premises.ts for the door itself), and owns the order
 * of effects: journal the intent, move the relay, journal the outcome.
 */
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Denial, Event, PersonId, Request, Requester } from '../events.ts';
import type { Entry, Journal } from '../journal/port.ts';
import type { InputChange, Relay } from '../relay/port.ts';
import { decide, type Granted, type Input, initialState, type Open, type Policy, type State } from './decide.ts';
import type { Answer } from './port.ts';
import { attend, initialPremises, isBlocked, type LockEffect, type Premises, type PremisesInput, type PremisesRules } from './premises.ts';

export interface ControllerOptions {
  readonly journal: Pick<Journal, 'append'>;
  readonly relay: Pick<Relay, 'pulse' | 'hold' | 'safe'>;
  /** Asked at every input: the threshold follows the gallery. `armed` counts until somebody arms or disarms. */
  readonly policy: () => Policy;
  readonly premises: () => PremisesRules;
  /** What the journal remembers from before (`remembered`). */
  readonly before?: { readonly face: State; readonly premises: Premises };
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
  /** A request otherwise than by face; resolves when it was carried out or refused. */
  request(what: Request, by: Requester, more?: { readonly durationMs?: number; readonly personId?: PersonId }): Promise<Answer>;
  /** A refusal that was decided elsewhere (a wrong PIN): journalled. */
  refuse(what: Request, by: Requester, reason: Denial, detail: string): Answer;
  /** A line that comes in has changed. */
  inputChanged(change: InputChange): Promise<void>;
  /** Journals something that is not a decision (camera, daemon); a journal that is down is logged, never thrown. */
  record(event: Event): Entry | undefined;
  /** True while somebody stands there about whom all has been decided and journalled for now. */
  readonly settled: boolean;
  readonly premises: Premises;
  readonly lockedOut: boolean;
}

/** The controller over a journal and a relay. */
export function openController(options: ControllerOptions): Controller {
  const { journal, relay, journalDown, clock, log, onEvent } = options;
  let state: State = options.before?.face ?? initialState;
  let premises: Premises = options.before?.premises ?? initialPremises(options.policy().armed);
  let last: Promise<unknown> = Promise.resolve();

  const policy = (): Policy => {
    const tampered = isBlocked(premises, clock.now());
    return {
      ...options.policy(),
      armed: premises.armed,
      ...(tampered ? { blocked: { reason: 'tampered', detail: 'the tamper switch blocks opening by face' } } : {}),
    };
  };

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

  /** The edge itself with its outcome; the text of what went wrong. */
  const pulse = async (grantSeq: number, durationMs: number, capturedAtMs?: number): Promise<string | undefined> => {
    try {
      await relay.pulse(durationMs);
      const atMs = clock.now();
      premises = attend(premises, { kind: 'pulsed', atMs, durationMs }, options.premises()).state;
      append({
        ...{ kind: 'relay.pulsed', grantSeq, durationMs },
        ...(capturedAtMs === undefined ? {} : { captureToRelayMs: Math.round(atMs - capturedAtMs) }),
      });
      return undefined;
    } catch (error) {
      append({ kind: 'relay.failed', grantSeq, detail: messageOf(error) });
      return messageOf(error);
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
    const failure = await pulse(entry?.seq ?? 0, durationMs, grant.capturedAtMs);
    if (failure !== undefined) undo();
    else if (!entry) onEvent?.(grant);
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

  const carryOut = async (effect: LockEffect, grantSeq: number): Promise<string | undefined> => {
    switch (effect.kind) {
      case 'pulse':
        return pulse(grantSeq, effect.durationMs);
      case 'reset':
        await take({ kind: 'reset', atMs: clock.now() });
        return undefined;
      case 'safe':
      case 'lease':
        try {
          await (effect.kind === 'safe' ? relay.safe() : relay.hold(effect.leaseMs));
          return undefined;
        } catch (error) {
          append({ kind: 'relay.failed', grantSeq, detail: messageOf(error) });
          if (effect.kind === 'lease') await tend({ kind: 'hold-failed', atMs: clock.now() });
          return messageOf(error);
        }
    }
  };

  /** Whether an intent that could not be journalled is carried out all the same: people always get out, and a hold always ends. */
  const withoutRecord = ({ kind, ...rest }: PremisesInput): boolean => {
    if (kind !== 'request') return true;
    const { what, by } = rest as Extract<PremisesInput, { kind: 'request' }>;
    return by.kind === 'exit-button' || what === 'release' || journalDown === 'open';
  };

  const tend = async (input: PremisesInput): Promise<Answer> => {
    const before = premises;
    const decision = attend(premises, input, options.premises());
    premises = decision.state;
    let seq = 0;
    for (const event of decision.events) {
      const entry = append(event);
      if (!entry && !withoutRecord(input)) {
        premises = before;
        return { ok: false, reason: 'journal-down', detail: 'the journal cannot be written' };
      }
      if (event.kind === 'request.refused') return { ok: false, reason: event.reason, detail: event.detail };
      seq ||= entry?.seq ?? 0;
    }
    for (const effect of decision.effects) {
      const failure = await carryOut(effect, seq);
      if (failure !== undefined) return { ok: false, reason: 'relay-failed', detail: failure };
    }
    return { ok: true, seq };
  };

  /** One after the other, whoever asks. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    submit: (input) =>
      inTurn(async () => {
        await take(input);
        if (input.kind === 'tick') await tend({ kind: 'tick', atMs: input.atMs });
      }),
    request: (what, by, more = {}) => inTurn(() => tend({ kind: 'request', atMs: clock.now(), what, by, ...more })),
    refuse: (what, by, reason, detail) => {
      append({ kind: 'request.refused', what, by, reason, detail });
      return { ok: false, reason, detail };
    },
    inputChanged: (change) => inTurn(async () => void (await tend({ kind: 'input', atMs: clock.now(), change }))),
    record: append,
    get settled() {
      return state.presentation?.settled ?? false;
    },
    get premises() {
      return premises;
    },
    get lockedOut() {
      return state.failures.lockedUntilMs !== undefined;
    },
  };
}

function denied(grant: Granted, reason: 'journal-down' | 'stale', detail: string, nowMs: number): Event {
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
