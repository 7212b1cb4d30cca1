/** Cards of people: what they may do now, what they agreed to, and when they came last, for the console. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { shownRules } from '../../access/person-rules.ts';
import { consentRules } from '../../adapters/consents.ts';
import { Fault } from '../../base/errors.ts';
import { type Static, Type } from '../../base/schema.ts';
import type { ConsentRecord, Consents, Person } from '../../identity/port.ts';
import type { ConsolePorts } from './operation.ts';

const closed = { additionalProperties: false } as const;
const time = Type.String({ format: 'date-time' });

export const consentForm = Type.Object(
  {
    version: Type.String(),
    how: Type.String(),
    by: Type.String({ description: 'Who asked for it.' }),
    givenAt: time,
    withdrawnAt: Type.Optional(time),
    endedAt: Type.Optional(time),
  },
  closed,
);
const rulesForm = Type.Object(
  {
    enabled: Type.Optional(Type.Boolean()),
    schedule: Type.Optional(Type.String()),
    validFrom: Type.Optional(Type.String()),
    validUntil: Type.Optional(Type.String()),
    uses: Type.Optional(Type.Integer()),
    groups: Type.Optional(Type.Array(Type.String())),
    hasPin: Type.Optional(Type.Boolean()),
    pinOpens: Type.Optional(Type.Boolean()),
    pinNeeded: Type.Optional(Type.Boolean()),
  },
  closed,
);
export const personCardForm = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    enrolledAt: Type.String(),
    pictures: Type.Integer({ minimum: 0 }),
    recognised: Type.Boolean({ description: 'False: no template of the network in use; the door does not know this face.' }),
    admitted: Type.Boolean({ description: 'Whether the door would let them in now.' }),
    why: Type.Optional(Type.String({ description: 'Why not: a reason of a denial.' })),
    whyDetail: Type.Optional(Type.String({ description: 'Why not, as the door says it.' })),
    needs: Type.Array(Type.String(), { description: 'What else it takes now: `pin`, `second-person`.' }),
    rules: rulesForm,
    usesLeft: Type.Optional(Type.Integer({ minimum: 0 })),
    consent: Type.Optional(consentForm),
    lastVisit: Type.Optional(time),
  },
  closed,
);
type Card = Static<typeof personCardForm>;

/** Pages are small: of each person the journal is asked. */
export const mostCards = 48;

function cardOf({ rooms, entrance }: ConsolePorts, person: Person, known: ReadonlySet<string>, consents: Consents | undefined): Card {
  const { id, name, enrolledAt, pictures } = person;
  const rules = rooms.eyes.gallery.rules(id);
  const admission = entrance.admission(id);
  const consent = consents?.inForce(id);
  const { groups, ...shown } = shownRules(entrance.people.rules(id));
  return {
    ...{ id, name, enrolledAt, pictures, recognised: known.has(id), admitted: admission.ok },
    ...(admission.ok ? { needs: [...admission.needs] } : { needs: [], why: admission.reason, whyDetail: admission.detail }),
    rules: { ...shown, ...(groups && { groups: [...groups] }) },
    ...(rules.uses !== undefined && { usesLeft: Math.max(0, rules.uses - usedOr(entrance, id, rules.uses)) }),
    ...(consent && { consent: consentOf(consent) }),
  };
}

/** A journal that cannot be read lets nobody in by uses. */
function usedOr({ used }: ConsolePorts['entrance'], id: string, otherwise: number): number {
  try {
    return used(id);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return otherwise;
  }
}

export const consentOf = ({ version, how, by, givenAt, withdrawnAt, endedAt }: ConsentRecord): Static<typeof consentForm> => ({
  ...{ version, how, by, givenAt },
  ...(withdrawnAt !== undefined && { withdrawnAt }),
  ...(endedAt !== undefined && { endedAt }),
});

const templated = ({ rooms }: ConsolePorts): ReadonlySet<string> => new Set(rooms.eyes.gallery.enrolled().map(({ id }) => id));

/** So many at a time, a millisecond or two of the thread. */
const atOnce = 8;

export async function cardsOf(ports: ConsolePorts, people: readonly Person[]): Promise<Card[]> {
  const known = templated(ports);
  const all: Card[] = [];
  for (let from = 0; from < people.length; from += atOnce) {
    all.push(...cardsTogether(ports, people.slice(from, from + atOnce), known));
    await nextTurn();
  }
  return all;
}

function cardsTogether(ports: ConsolePorts, people: readonly Person[], known: ReadonlySet<string>): Card[] {
  const { config, vault, clock } = ports.rooms;
  const make = (consents?: Consents) => people.map((person) => cardOf(ports, person, known, consents));
  try {
    return consentRules(config, vault, clock).book(make);
  } catch (error) {
    // A damaged file of consents hides nobody.
    if (!(error instanceof Fault)) throw error;
    return make();
  }
}

/** Adds when each was let in last, where the journal tells it in time. */
export async function withVisits({ rooms }: ConsolePorts, all: readonly Card[]): Promise<Card[]> {
  const found: Card[] = [];
  for (const card of all) {
    const entries = await rooms.entries.query({ personId: card.id, kinds: ['access.granted', 'request.granted'], limit: 1 });
    const last = typeof entries === 'string' ? undefined : entries.at(-1);
    found.push({ ...card, ...(last && { lastVisit: last.at }) });
  }
  return found;
}
