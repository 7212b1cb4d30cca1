/**
 * What the console shows of the people who are enrolled: cards in pages, one person in full, what a form may offer,
 * and who resembles whom. Pictures have routes of their own (people-pictures.ts).
 */
import { consentRules } from '../../adapters/consents.ts';
import { Type } from '../../base/schema.ts';
import { done, refusal } from '../../command/spec.ts';
import { learnedOf } from '../../retrain/held/of-person.ts';
import { defineOperation } from './operation.ts';
import { pairForm, pairsIn } from './people-alike.ts';
import { cardsOf, consentForm, consentOf, mostCards, personCardForm, withVisits } from './people-cards.ts';

const closed = { additionalProperties: false } as const;
export const personArg = Type.String({ minLength: 1, maxLength: 200, description: 'Name or id of the person.' });

/** As a name is looked for: without case and accents. */
const plainText = (text: string): string => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();

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
    result: Type.Object({ people: Type.Array(personCardForm), total: Type.Integer(), enrolled: Type.Integer() }, closed),
    run: async (ports, { search = '', from = 0, limit = mostCards }) => {
      const all = ports.gallery.list();
      const wanted = plainText(search.trim());
      const found = wanted === '' ? all : all.filter(({ name }) => plainText(name).includes(wanted));
      const people = await withVisits(ports, await cardsOf(ports, found.slice(from, from + limit)));
      return done({ people, total: found.length, enrolled: all.length });
    },
  }),
  defineOperation({
    name: 'people.person',
    summary: 'One person with their rules and all that they agreed to.',
    role: 'viewer',
    changes: false,
    args: Type.Object({ person: personArg }, closed),
    result: Type.Object({ person: personCardForm, consents: Type.Array(consentForm) }, closed),
    run: async (ports, { person: who }) => {
      const person = ports.gallery.find(who);
      if (!person) return notFound;
      const { config, vault, clock } = ports.rooms;
      const [card] = await withVisits(ports, await cardsOf(ports, [person]));
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
