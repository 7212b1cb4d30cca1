/**
 * The state of the door before it was restarted. In: the journal. Out: armed or not, locked out, tampered with.
 * Nothing else keeps state.
 */

import type { EventKind } from '../events.ts';
import type { Entry, Journal } from '../journal/port.ts';
import { initialState, type State } from './decide.ts';
import { initialPremises, type Premises } from './premises.ts';

export interface Moment {
  /** Monotonic milliseconds. */
  readonly nowMs: number;
  /** Wall-clock milliseconds since 1970. */
  readonly wallMs: number;
}

/** How many entries back each question looks. */
const backwards = 500;

/** The states to begin in. Throws what the journal throws. */
export function remembered(journal: Pick<Journal, 'query'>, armed: boolean, now: Moment): { face: State; premises: Premises } {
  const latest = (kinds: readonly EventKind[]) => journal.query({ kinds, limit: backwards }).toReversed();
  return { face: { ...initialState, failures: failuresOf(latest, now) }, premises: premisesOf(latest, armed, now) };
}

type Latest = (kinds: readonly EventKind[]) => readonly Entry[];

/**
 * What is left of a time that began with an entry. If the wall clock has gone back since (it may not be set yet), all
 * of it is left: waiting too long is the lesser harm.
 */
function leftOf({ at }: Entry, durationMs: number, { wallMs }: Moment): number {
  const passed = wallMs - Date.parse(at);
  return passed < 0 ? durationMs : durationMs - passed;
}

function failuresOf(latest: Latest, now: Moment): State['failures'] {
  for (const entry of latest(['access.granted', 'access.denied', 'lockout.started', 'lockout.ended'])) {
    const { event } = entry;
    if (event.kind === 'access.granted') break;
    if (event.kind === 'access.denied' && event.failures !== undefined) return { inARow: event.failures, level: levelOf(latest) };
    if (event.kind === 'lockout.ended') return event.why === 'reset' ? { inARow: 0, level: 0 } : { inARow: 0, level: levelOf(latest) };
    if (event.kind === 'lockout.started') {
      const left = leftOf(entry, event.durationMs, now);
      return { inARow: 0, level: event.level + 1, ...(left > 0 ? { lockedUntilMs: now.nowMs + left } : {}) };
    }
  }
  return { inARow: 0, level: 0 };
}

/** Lock-outs since the last grant or reset. */
function levelOf(latest: Latest): number {
  for (const { event } of latest(['access.granted', 'lockout.started', 'lockout.ended'])) {
    if (event.kind === 'access.granted' || (event.kind === 'lockout.ended' && event.why === 'reset')) return 0;
    if (event.kind === 'lockout.started') return event.level + 1;
  }
  return 0;
}

function premisesOf(latest: Latest, armed: boolean, now: Moment): Premises {
  const mode = latest(['request.granted']).find(
    ({ event }) => event.kind === 'request.granted' && (event.what === 'arm' || event.what === 'disarm'),
  );
  const isArmed = mode?.event.kind === 'request.granted' ? mode.event.what === 'arm' : armed;
  const [tamper] = latest(['tamper.raised']);
  const left = tamper?.event.kind === 'tamper.raised' ? leftOf(tamper, tamper.event.blockedMs, now) : 0;
  return { ...initialPremises(isArmed), ...(left > 0 ? { blockedUntilMs: now.nowMs + left } : {}) };
}
