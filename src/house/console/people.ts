/**
 * What the console shows of the people who are enrolled: cards in pages, one person in full, what a form may offer,
 * and who resembles whom. Pictures have routes of their own (people-pictures.ts).
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { shownRules } from '../../access/person-rules.ts';
import { consentRules } from '../../adapters/consents.ts';
import { Fault } from '../../base/errors.ts';
import { type Static, Type } from '../../base/schema.ts';
import { done, refusal } from '../../command/spec.ts';
import type { ConsentRecord, Consents, Person } from '../../identity/port.ts';
import { learnedOf } from '../../retrain/held/of-person.ts';
import { type ConsolePorts, defineOperation } from './operation.ts';

const closed = { additionalProperties: false } as const;
export const personArg = Type.String({ minLength: 1, maxLength: 200, description: 'Name or id of the person.' });
const time = Type.String({ format: 'date-time' });

const consentForm = Type.Object(
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
const cardForm = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    enrolledAt: Type.String(),
    pictures: Type.Integer({ minimum: 0 }),
    recognised: Type.Boolean({ description: 'False: no template of the network in use; the door does not know this face.' }),
    admitted: Type.Boolean({ description: 'Whether the door would let them in now.' }),
    why: Type.Optional(Type.String({ description: 'Why not: a reason of a denial.' })),
    needs: Type.Array(Type.String(), { description: 'What else it takes now: `pin`, `second-person`.' }),
    rules: rulesForm,
    usesLeft: Type.Optional(Type.Integer({ minimum: 0 })),
    consent: Type.Optional(consentForm),
    lastVisit: Type.Optional(time),
  },
  closed,
);
type Card = Static<typeof cardForm>;

/** Pages are small: of each person the journal is asked. */
const mostCards = 48;

/** As a name is looked for: without case and accents. */
const plainText = (text: string): string => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();

function cardOf({ rooms, entrance }: ConsolePorts, person: Person, known: ReadonlySet<string>, consents: Consents | undefined): Card {
  const { id, name, enrolledAt, pictures } = person;
  const rules = rooms.eyes.gallery.rules(id);
  const admission = entrance.admission(id);
  const consent = consents?.inForce(id);
  const { groups, ...shown } = shownRules(entrance.people.rules(id));
  return {
    ...{ id, name, enrolledAt, pictures, recognised: known.has(id), admitted: admission.ok },
    ...(admission.ok ? { needs: [...admission.needs] } : { needs: [], why: admission.reason }),
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

const consentOf = ({ version, how, by, givenAt, withdrawnAt, endedAt }: ConsentRecord): Static<typeof consentForm> => ({
  ...{ version, how, by, givenAt },
  ...(withdrawnAt !== undefined && { withdrawnAt }),
  ...(endedAt !== undefined && { endedAt }),
});

const templated = ({ rooms }: ConsolePorts): ReadonlySet<string> => new Set(rooms.eyes.gallery.enrolled().map(({ id }) => id));

/** So many at a time, a millisecond or two of the thread. */
const atOnce = 8;

async function cards(ports: ConsolePorts, people: readonly Person[]): Promise<Card[]> {
  const known = templated(ports);
  const all: Card[] = [];
  for (let from = 0; from < people.length; from += atOnce) {
    all.push(...cardsOf(ports, people.slice(from, from + atOnce), known));
    await nextTurn();
  }
  return all;
}

function cardsOf(ports: ConsolePorts, people: readonly Person[], known: ReadonlySet<string>): Card[] {
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
async function withVisits({ rooms }: ConsolePorts, all: readonly Card[]): Promise<Card[]> {
  const found: Card[] = [];
  for (const card of all) {
    const entries = await rooms.entries.query({ personId: card.id, kinds: ['access.granted', 'request.granted'], limit: 1 });
    const last = typeof entries === 'string' ? undefined : entries.at(-1);
    found.push({ ...card, ...(last && { lastVisit: last.at }) });
  }
  return found;
}

const pairForm = Type.Object(
  {
    people: Type.Array(Type.Object({ id: Type.String(), name: Type.String(), hasPinNeeded: Type.Boolean() }, closed)),
    logit: Type.Number(),
    passes: Type.Boolean({ description: 'One could come in as the other; otherwise the door may find both ambiguous.' }),
  },
  closed,
);
type Pair = Static<typeof pairForm>;

/** So long one look at resemblances may take. Milliseconds. */
const lookingMs = 10_000;

/** Each template against everyone, one a turn of the thread. */
async function pairsIn({ rooms, gallery }: ConsolePorts): Promise<{ readonly pairs: Pair[]; readonly complete: boolean }> {
  const { gallery: compared } = rooms.eyes;
  const least = compared.threshold.logit - rooms.config.identity.ambiguityMargin;
  const found = new Map<string, { ids: readonly [string, string]; logit: number }>();
  const untilMs = performance.now() + lookingMs;
  let complete = true;
  for (const { id, templates } of compared.enrolled()) {
    for (const template of templates) {
      for (const { personId, logit } of compared.match(template, 8)) {
        const ids = [id, personId].toSorted() as [string, string];
        if (personId !== id && logit >= least && logit > (found.get(ids.join())?.logit ?? Number.NEGATIVE_INFINITY))
          found.set(ids.join(), { ids, logit });
      }
      await nextTurn();
    }
    complete &&= performance.now() < untilMs;
    if (!complete) break;
  }
  const named = (id: string) => ({ id, name: gallery.find(id)?.name ?? id, hasPinNeeded: compared.rules(id).pinNeeded === true });
  const pairs = [...found.values()].toSorted((a, b) => b.logit - a.logit).slice(0, 50);
  return { complete, pairs: pairs.map(({ ids, logit }) => ({ people: ids.map(named), logit, passes: logit >= compared.threshold.logit })) };
}

const groupForm = Type.Object(
  { name: Type.String(), schedule: Type.Optional(Type.String()), pin: Type.Boolean(), secondPerson: Type.Boolean() },
  closed,
);

const notFound = refusal('not-found', 'Nobody with that name or id is enrolled: people.list shows who is.');

export const peopleOperations = [
  defineOperation({
    name: 'people.cards',
    summary: 'Everyone who is enrolled, in pages, with what they may do and when they last came in.',
    role: 'viewer',
    changes: false,
    args: Type.Object(
      {
        search: Type.Optional(Type.String({ maxLength: 100, description: 'A part of the name.' })),
        from: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'How many to leave out.' })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: mostCards })),
      },
      closed,
    ),
    result: Type.Object({ people: Type.Array(cardForm), total: Type.Integer(), enrolled: Type.Integer() }, closed),
    run: async (ports, { search = '', from = 0, limit = mostCards }) => {
      const all = ports.gallery.list();
      const wanted = plainText(search.trim());
      const found = wanted === '' ? all : all.filter(({ name }) => plainText(name).includes(wanted));
      const people = await withVisits(ports, await cards(ports, found.slice(from, from + limit)));
      return done({ people, total: found.length, enrolled: all.length });
    },
  }),
  defineOperation({
    name: 'people.person',
    summary: 'One person with their rules and all that they agreed to.',
    role: 'viewer',
    changes: false,
    args: Type.Object({ person: personArg }, closed),
    result: Type.Object({ person: cardForm, consents: Type.Array(consentForm) }, closed),
    run: async (ports, { person: who }) => {
      const person = ports.gallery.find(who);
      if (!person) return notFound;
      const { config, vault, clock } = ports.rooms;
      const [card] = await withVisits(ports, await cards(ports, [person]));
      const consents = consentRules(config, vault, clock).book((book) => book.of(person.id).map(consentOf));
      return card ? done({ person: card, consents }) : notFound;
    },
  }),
  defineOperation({
    name: 'people.choices',
    summary: 'What rules and enrolments of this door may name: schedules, groups, limits.',
    role: 'admin',
    changes: false,
    args: Type.Object({}, closed),
    result: Type.Object(
      {
        schedules: Type.Array(Type.String()),
        groups: Type.Array(groupForm),
        pinDigits: Type.Integer(),
        consentRequired: Type.Boolean(),
        templatesOnly: Type.Boolean({ description: 'Pictures are not kept.' }),
        maxPictureBytes: Type.Integer(),
        maxPictures: Type.Integer(),
        keptPictures: Type.Integer(),
        cameraWorks: Type.Boolean({ description: "Whether pictures can be taken with the door's own camera." }),
        isDoorGuarded: Type.Boolean(),
      },
      closed,
    ),
    run: ({ rooms }) => {
      const { access, privacy, enrolment } = rooms.config;
      return done({
        schedules: Object.keys(access.schedules),
        groups: Object.entries(access.groups).map(([name, { schedule, pin = false, secondPerson = false }]) => ({
          ...{ name, pin, secondPerson },
          ...(schedule !== undefined && { schedule }),
        })),
        pinDigits: access.pinDigits,
        consentRequired: privacy.consent === 'required',
        templatesOnly: privacy.templatesOnly,
        maxPictureBytes: enrolment.maxPictureBytes,
        maxPictures: enrolment.maxPictures,
        keptPictures: enrolment.keptPictures,
        cameraWorks: rooms.camera.latest !== undefined,
        isDoorGuarded: rooms.lock === undefined,
      });
    },
  }),
  defineOperation({
    name: 'people.confusable',
    summary: 'Pairs of people who resemble each other so much that the door may take one for the other.',
    role: 'admin',
    changes: false,
    args: Type.Object({}, closed),
    result: Type.Object({ pairs: Type.Array(pairForm), complete: Type.Boolean() }, closed),
    run: async (ports) => done(await pairsIn(ports)),
  }),
  defineOperation({
    name: 'people.held',
    summary: 'What a removal of this person would erase.',
    role: 'admin',
    changes: false,
    args: Type.Object({ person: personArg }, closed),
    result: Type.Object(
      {
        name: Type.String(),
        pictures: Type.Integer(),
        keptPictures: Type.Integer({ description: 'Pictures of visits that are kept for training.' }),
        networks: Type.Integer({ description: 'Trained networks that learned from them.' }),
        training: Type.Boolean({ description: 'Whether a training is under way, which would be cancelled.' }),
        hasPin: Type.Boolean(),
        consents: Type.Integer(),
      },
      closed,
    ),
    run: (ports, { person: who }) => {
      const person = ports.gallery.find(who);
      if (!person) return notFound;
      const { config, vault, clock, learning, eyes } = ports.rooms;
      const learned = learning && learnedOf(learning.place, person.id);
      return done({
        ...{ name: person.name, pictures: person.pictures },
        keptPictures: learned?.keptPictures ?? 0,
        networks: learned?.networks.length ?? 0,
        training: (learned?.jobs.length ?? 0) > 0,
        hasPin: eyes.gallery.rules(person.id).pin !== undefined,
        consents: consentRules(config, vault, clock).book((book) => book.of(person.id).length),
      });
    },
  }),
];
