/** What the console changes about people beyond the commands: a PIN, and a removal whose proof is shown. */
import { setTimeout as wait } from 'node:timers/promises';
import { setPin } from '../../access/person-rules.ts';
import { hashPin, isNewPin } from '../../access/pin.ts';
import { Type } from '../../base/schema.ts';
import { done, refusal } from '../../command/spec.ts';
import type { RemovalProof } from '../removal/shredder.ts';
import { defineOperation } from './operation.ts';
import { personArg } from './people.ts';

const closed = { additionalProperties: false } as const;
const notFound = refusal('not-found', 'Nobody with that name or id is enrolled: people.list shows who is.');

/** The console waits a minute for an answer; a search that takes longer goes on, and stands in the journal. */
const proofMs = 45_000;

const proofForm = Type.Object(
  {
    files: Type.Integer({ description: 'That were searched.' }),
    bytes: Type.Integer(),
    epoch: Type.Integer({ description: "Of the vault, after the person's key was destroyed." }),
    found: Type.Array(
      Type.Object({ file: Type.String(), kinds: Type.Array(Type.String({ description: '`plain`, `names`, `sealed`.' })) }, closed),
    ),
    unread: Type.Array(Type.String()),
    beside: Type.Array(Type.String({ description: 'Folders that a restore left, with keys of their own.' })),
  },
  { ...closed, description: 'What was left of them in the files of the door.' },
);

const shownProof = ({ files, bytes, epoch, found, unread, beside }: RemovalProof) => ({
  ...{ files, bytes, epoch },
  found: found.map(({ file, kinds }) => ({ file, kinds: [...kinds] })),
  unread: [...unread],
  beside: beside.map(({ path }) => path),
});

export const peopleChanges = [
  defineOperation({
    name: 'people.pin',
    summary: 'Gives a person a PIN, or takes it away together with the rules about it. Only its hash is stored.',
    role: 'admin',
    changes: true,
    args: Type.Object(
      {
        person: personArg,
        pin: Type.Union([Type.String({ pattern: '^[0-9]{4,12}$' }), Type.Null()], { description: 'Digits; null takes it away.' }),
      },
      closed,
    ),
    result: Type.Object({ hasPin: Type.Boolean() }, closed),
    run: async ({ gallery, rooms, entrance }, { person: who, pin }, call) => {
      const person = gallery.find(who);
      if (!person) return notFound;
      const { pinDigits } = rooms.config.access;
      if (pin !== null && !isNewPin(pin, pinDigits)) return refusal('refused', `A PIN is ${pinDigits} to 12 digits (access.pinDigits).`);
      const hash = pin === null ? undefined : await hashPin(rooms.vault, pin);
      const rules = setPin({ gallery: entrance.people, journal: rooms.journal, by: call.who }, person.id, hash);
      return done({ hasPin: rules.hasPin === true });
    },
  }),
  defineOperation({
    name: 'people.erase',
    summary: 'Removes a person with everything that the door holds of them, for good, and gives the proof of it.',
    role: 'admin',
    changes: true,
    args: Type.Object(
      {
        person: Type.String({ minLength: 1, maxLength: 200, description: 'The id.' }),
        name: Type.String({ maxLength: 320, description: 'Their name, typed by whoever asks for it.' }),
        withdraw: Type.Optional(Type.Boolean({ description: 'They take their consent back: that is recorded too.' })),
      },
      closed,
    ),
    result: Type.Object(
      {
        removed: Type.Boolean(),
        proof: Type.Optional(proofForm),
        searching: Type.Boolean({ description: 'The search goes on; its result comes as the event person.shredded.' }),
      },
      closed,
    ),
    run: async ({ gallery, roster, shredder }, { person: id, name, withdraw = false }, call) => {
      const person = gallery.find(id);
      if (person?.id !== id) return notFound;
      if (person.name !== name.trim().normalize('NFC'))
        return refusal('refused', 'The name that was typed is not the name of this person: nothing was removed.');
      const removed = withdraw ? roster.withdraw(id, call.who) : roster.remove(id, call.who);
      const late = new AbortController();
      // A search that fails leaves them removed, without a proof.
      const searched = shredder
        .proofs()
        .catch(() => [])
        .finally(() => late.abort());
      const proofs = await Promise.race([searched, wait(proofMs, undefined, { signal: late.signal }).catch(() => searched)]);
      const proof = proofs?.find((one) => one?.personId === id);
      return done({ removed, searching: proofs === undefined, ...(proof && { proof: shownProof(proof) }) });
    },
  }),
];
