/**
 * The one writer and the one route to the relay. Inputs go in; the reducers decide (decide.ts for faces, premises.ts
 * for the door itself), and the effects follow in one order: journal the intent, move the relay, journal the outcome.
 * The entrance opens it over the journal and the relay; there is nothing to close.
 */
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type SerialQueue, serialQueue } from '../base/serial.ts';
import type { Clock } from '../base/time.ts';
import type { Denial, DoorRequest, Event, Requester } from '../events.ts';
import type { Entry, Journal, JournalNotes } from '../journal/port.ts';
import type { Challenge } from '../liveness/port.ts';
import type { InputChange, Relay } from '../relay/port.ts';
import { challengeOf, type Prompt, promptOf } from './alive/prompt.ts';
import { decide, initialState } from './decide.ts';
import type { DoorStanding } from './kept.ts';
import { noTries, type PinTries } from './pin-tries.ts';
import type { Answer } from './port.ts';
import {
  attend,
  initialPremises,
  isBlocked,
  type LockEffect,
  type Premises,
  type PremisesInput,
  type PremisesRules,
  type RequestDetails,
} from './premises.ts';
import type { Granted, Input, Open, Policy, State } from './state.ts';

export interface ControllerOptions {
  readonly journal: Pick<Journal, 'append'>;
  /** What the journal stores with each event, in the same transaction. */
  readonly notes?: (standing: DoorStanding) => JournalNotes;
  readonly relay: Pick<Relay, 'pulse' | 'hold' | 'safe'>;
  /** Asked at every input: the threshold follows the gallery. `armed` counts until somebody arms or disarms. */
  readonly policy: () => Policy;
  readonly premises: () => PremisesRules;
  /** How the door stood before the restart (`remembered`). */
  readonly before?: DoorStanding;
  /** What happens when the journal cannot be written. */
  readonly journalDown: 'deny' | 'open';
  readonly clock: Clock;
  readonly log: Log;
  /** Told every decision, for the terminal: the entry, or the event alone when it could not be journalled. */
  readonly onEvent?: (event: Event, entry?: Entry) => void;
}

export interface Controller {
  /** Takes one input and carries out what follows from it, in order. */
  submit(input: Input): Promise<void>;
  /** A request other than by face. Resolves when it was carried out or refused. */
  request(what: DoorRequest, by: Requester, more?: RequestDetails): Promise<Answer>;
  /** Journals a refusal that was decided elsewhere (a wrong PIN). */
  refuse(what: DoorRequest, by: Requester, reason: Denial, detail: string): Answer;
  /** An input line has changed. */
  inputChanged(change: InputChange): Promise<void>;
  /** Journals something that is not a decision (camera, daemon). A journal that is down is logged, never thrown. */
  record(event: Event): Entry | undefined;
  /** True while somebody stands before the door and nothing more has to be decided or journalled about them now. */
  readonly settled: boolean;
  readonly premises: Premises;
  /** Wrong PINs. Set before the event of a try, the counts are stored with it. */
  pins: PinTries;
  /** Whether some face, or every one, is locked out. */
  readonly lockedOut: boolean;
  /** No face opens until a PIN or an operator: too many attempts failed. */
  readonly faceStopped: boolean;
  /** What was asked of the visitor and waits for an answer: in full, with the code of a light. */
  readonly challenge: Challenge | undefined;
  /** What the visitor should do now. */
  readonly prompt: Prompt;
  /** A face was taken for a picture a moment ago. */
  readonly spoofSeen: boolean;
}

/** What one controller holds: its two reducers' states, and the queue in which inputs wait for their turn. */
interface Control {
  readonly options: ControllerOptions;
  readonly inTurn: SerialQueue;
  face: State;
  premises: Premises;
  pins: PinTries;
  /** When a face was last taken for a picture. */
  spoofMs: number;
  /** When a face was last told that the journal is down: it tries again with every few frames. */
  journalDownToldMs: number;
  /** What was done and could not be journalled: it follows as soon as the journal can be written. */
  readonly owed: Event[];
}

const mostOwed = 100;
/** How long it is shown that a face was taken for a picture. */
const spoofShownMs = 60_000;
const journalDownDetail = 'the journal cannot be written';

/** The controller over a journal and a relay. */
export function openController(options: ControllerOptions): Controller {
  const { clock, before } = options;
  const control: Control = {
    options,
    inTurn: serialQueue(),
    face: before?.face ?? initialState,
    premises: before?.premises ?? initialPremises(options.policy().armed),
    pins: before?.pins ?? noTries,
    spoofMs: Number.NEGATIVE_INFINITY,
    journalDownToldMs: Number.NEGATIVE_INFINITY,
    owed: [],
  };
  return {
    submit: (input) =>
      control.inTurn(async () => {
        await submitFace(control, input);
        if (input.kind === 'tick') await submitPremises(control, { kind: 'tick', atMs: input.atMs });
      }),
    request: (what, by, more = {}) =>
      control.inTurn(() => submitPremises(control, { kind: 'request', atMs: clock.now(), what, by, ...more })),
    refuse: (what, by, reason, detail) => {
      append(control, { kind: 'request.refused', what, by, reason, detail });
      return { ok: false, reason, detail };
    },
    inputChanged: (change) =>
      control.inTurn(async () => {
        await submitPremises(control, { kind: 'input', atMs: clock.now(), change });
      }),
    record: (event) => append(control, event),
    get settled() {
      return control.face.presentation?.settled ?? false;
    },
    get premises() {
      return control.premises;
    },
    get pins() {
      return control.pins;
    },
    set pins(pins) {
      control.pins = pins;
    },
    get challenge() {
      return challengeOf(control.face, clock.now());
    },
    get prompt() {
      return promptOf(control.face, clock.now());
    },
    get spoofSeen() {
      return clock.now() - control.spoofMs < spoofShownMs;
    },
    get faceStopped() {
      return control.face.failures.stopped;
    },
    get lockedOut() {
      const { stopped, faces } = control.face.failures;
      return stopped || faces.some(({ lockedUntilMs }) => lockedUntilMs !== undefined);
    },
  };
}

/** The policy at this moment: the owner's, and what the door itself adds to it. */
function policyOf({ options, premises }: Control): Policy {
  const tampered = isBlocked(premises, options.clock.now());
  return {
    ...options.policy(),
    armed: premises.armed,
    ...(tampered ? { blocked: { reason: 'tampered', detail: 'the tamper switch blocks opening by face' } } : {}),
  };
}

/** Undefined where the journal cannot be written. Throws what `onEvent` throws: no fault of the journal. */
function append(control: Control, event: Event): Entry | undefined {
  const { log, onEvent } = control.options;
  const stored: Stored[] = [];
  try {
    write(control, event, stored);
  } catch (error) {
    log.error({ err: messageOf(error), kind: event.kind }, 'journal cannot be written');
  }
  for (const one of stored) onEvent?.(one.event, one.entry);
  const last = stored.at(-1);
  return last?.event === event ? last.entry : undefined;
}

interface Stored {
  readonly event: Event;
  readonly entry: Entry;
}

/** Everything that is owed, then this event; what was written is in `stored`. Throws what the journal throws. */
function write({ options: { journal, notes }, owed, ...standing }: Control, event: Event, stored: Stored[]): void {
  for (let first = owed[0]; first; first = owed[0]) {
    stored.push({ event: first, entry: journal.append(first, notes?.(standing)) });
    owed.shift();
  }
  stored.push({ event, entry: journal.append(event, notes?.(standing)) });
}

/** Faces: decides, then carries out each event with its effect. */
async function submitFace(control: Control, input: Input): Promise<void> {
  const decision = decide(control.face, input, policyOf(control));
  control.face = decision.state;
  for (const event of decision.events) {
    if (event.kind === 'access.denied' && event.reason === 'spoof') control.spoofMs = input.atMs;
    const effect = decision.effects.find((e) => e.grant === event);
    if (effect) await open(control, effect);
    else append(control, event);
  }
}

/** Journals a grant and opens for it. */
async function open(control: Control, { grant, durationMs }: Open): Promise<void> {
  const { clock, journalDown, onEvent } = control.options;
  const { maxFrameAgeMs, cooldownMs } = policyOf(control);
  const entry = append(control, grant);
  if (!entry && journalDown === 'deny') {
    undo(control, grant);
    if (clock.now() - control.journalDownToldMs < cooldownMs) return;
    control.journalDownToldMs = clock.now();
    return onEvent?.(denied(grant, 'journal-down', journalDownDetail, clock.now()));
  }
  // Writing may have taken long (a slow disk): a late answer must not open the door.
  const ageMs = clock.now() - grant.capturedAtMs;
  if (ageMs > maxFrameAgeMs) {
    undo(control, grant);
    append(control, denied(grant, 'stale', `decided ${Math.round(ageMs)} ms after the frame`, clock.now()));
    return;
  }
  const failure = await pulse(control, entry?.seq ?? 0, durationMs, grant.capturedAtMs);
  if (failure !== undefined) undo(control, grant);
  else if (!entry) onEvent?.(grant);
}

/** A grant that did not open the door: its person need not wait for the cool-down. */
function undo(control: Control, { personId }: Granted): void {
  control.face = decide(control.face, { kind: 'undone', atMs: control.options.clock.now(), personId }, policyOf(control)).state;
}

/** Pulses the relay and journals the outcome. Returns what went wrong, if anything. */
async function pulse(control: Control, grantSeq: number, durationMs: number, capturedAtMs?: number): Promise<string | undefined> {
  const { relay, clock, premises } = control.options;
  try {
    await relay.pulse(durationMs);
    const atMs = clock.now();
    control.premises = attend(control.premises, { kind: 'pulsed', atMs, durationMs }, premises()).state;
    append(control, {
      ...{ kind: 'relay.pulsed', grantSeq, durationMs },
      ...(capturedAtMs === undefined ? {} : { captureToRelayMs: Math.round(atMs - capturedAtMs) }),
    });
    return undefined;
  } catch (error) {
    append(control, { kind: 'relay.failed', grantSeq, detail: messageOf(error) });
    return messageOf(error);
  }
}

/** The door itself: decides, journals, then carries out the effects. */
async function submitPremises(control: Control, input: PremisesInput): Promise<Answer> {
  const before: DoorStanding = { face: control.face, premises: control.premises, pins: control.pins };
  const decision = attend(before.premises, input, control.options.premises());
  control.premises = decision.state;
  let seq = 0;
  for (const event of [...decision.events, ...endLockOut(control, input)]) {
    const entry = append(control, event);
    if (!entry && !mayGoUnrecorded(control, input)) {
      Object.assign(control, before);
      return { ok: false, reason: 'journal-down', detail: journalDownDetail };
    }
    if (!entry && control.owed.length < mostOwed) control.owed.push(event);
    if (event.kind === 'request.refused') return { ok: false, reason: event.reason, detail: event.detail };
    seq ||= entry?.seq ?? 0;
  }
  for (const effect of decision.effects) {
    const failure = await carryOut(control, effect, seq);
    if (failure !== undefined) return { ok: false, reason: 'relay-failed', detail: failure };
  }
  return { ok: true, seq };
}

/** Takes back what failed faces and PINs have led to, where that is asked for: before it is stored with the event. */
function endLockOut(control: Control, input: PremisesInput): readonly Event[] {
  if (input.kind !== 'request' || input.what !== 'lockout-reset') return [];
  const { state, events } = decide(control.face, { kind: 'reset', atMs: input.atMs }, policyOf(control));
  control.face = state;
  control.pins = noTries;
  return events;
}

/**
 * Whether an intent is carried out that could not be journalled: people always get out, a hold always ends, and a door
 * is always disarmed.
 */
function mayGoUnrecorded({ options: { journalDown } }: Control, input: PremisesInput): boolean {
  if (input.kind !== 'request') return true;
  return input.by.kind === 'exit-button' || input.what === 'release' || input.what === 'disarm' || journalDown === 'open';
}

async function carryOut(control: Control, effect: LockEffect, grantSeq: number): Promise<string | undefined> {
  const { relay, clock } = control.options;
  switch (effect.kind) {
    case 'pulse':
      return pulse(control, grantSeq, effect.durationMs);
    case 'safe':
    case 'lease':
      try {
        await (effect.kind === 'safe' ? relay.safe() : relay.hold(effect.leaseMs));
        return undefined;
      } catch (error) {
        append(control, { kind: 'relay.failed', grantSeq, detail: messageOf(error) });
        if (effect.kind === 'lease') await submitPremises(control, { kind: 'hold-failed', atMs: clock.now() });
        return messageOf(error);
      }
  }
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
