/**
 * How the door begins after a restart: from its note in the journal or, where an older version wrote the journal, from
 * the entries. In: the journal. Out: the states to begin in.
 */
import type { EventKind } from '../events.ts';
import type { Entry, Journal } from '../journal/port.ts';
import { initialState } from './decide.ts';
import { type DoorStanding, keptName, type Moment, standingOf } from './kept.ts';
import { noTries } from './pin-tries.ts';
import { initialPremises } from './premises.ts';

/** Entries read at a time. */
const pageRows = 500;

/**
 * `damaged`: there is a note that cannot be read; then the door begins disarmed. Throws what the journal throws.
 */
export function remembered(
  journal: Pick<Journal, 'query' | 'note'>,
  armed: boolean,
  now: Moment,
): { readonly standing: DoorStanding; readonly damaged: boolean } {
  const text = journal.note(keptName);
  if (text === undefined) return { standing: fromEntries(journal, armed, now), damaged: false };
  const kept = standingOf(text, now);
  return { standing: kept ?? { face: initialState, premises: initialPremises(false), pins: noTries }, damaged: kept === undefined };
}

function fromEntries(journal: Pick<Journal, 'query'>, armed: boolean, now: Moment): DoorStanding {
  const mode = newest(
    journal,
    'request.granted',
    ({ event }) => event.kind === 'request.granted' && (event.what === 'arm' || event.what === 'disarm'),
  );
  const isArmed = mode?.event.kind === 'request.granted' ? mode.event.what === 'arm' : armed;
  const tamper = newest(journal, 'tamper.raised', ({ event }) => event.kind === 'tamper.raised' && event.what === undefined);
  const leftMs = tamper?.event.kind === 'tamper.raised' ? tamper.event.blockedMs - passedSince(tamper, now) : 0;
  return {
    face: initialState,
    premises: { ...initialPremises(isArmed), ...(leftMs > 0 ? { blockedUntilMs: now.nowMs + leftMs } : {}) },
    pins: noTries,
  };
}

/** However far back it is. */
function newest(journal: Pick<Journal, 'query'>, kind: EventKind, fits: (entry: Entry) => boolean): Entry | undefined {
  for (let upTo: number | undefined; ; ) {
    const page = journal.query({ kinds: [kind], limit: pageRows, ...(upTo === undefined ? {} : { upTo }) });
    const found = page.findLast(fits);
    const [first] = page;
    if (found || !first || page.length < pageRows) return found;
    upTo = first.seq - 1;
  }
}

function passedSince({ at }: Entry, { wallMs, sure }: Moment): number {
  return sure ? Math.max(0, wallMs - Date.parse(at)) : 0;
}
