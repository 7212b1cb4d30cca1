/**
 * What is held about a person, as a file to give to them: the house is asked piece by piece; a ZIP of the pieces, as an
 * encrypted file of age (age-encryption.org/v1), comes out. It is made here, so that the deciding thread has no part in
 * it. Nothing of it is kept.
 */
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { Encrypter } from 'age-encryption';
import type { FastifyInstance } from 'fastify';
import { Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import { type Static, Type } from '../../base/schema.ts';
import type { AskedHouse } from '../asking.ts';
import { callerIn } from '../authentication.ts';
import type { Answered, Asker } from '../port.ts';
import { TurnedAway } from '../refusal.ts';
import { answer } from './operations.ts';
import { refusedForm } from './refused-form.ts';

/** As at the command line: somebody with the file can try as many as they like. */
const leastPassphrase = 12;
const lockForm = Type.Object(
  {
    passphrase: Type.Optional(Type.String({ minLength: leastPassphrase, maxLength: 1024 })),
    recipients: Type.Optional(
      Type.Array(Type.String({ maxLength: 4096 }), { minItems: 1, maxItems: 16, description: 'Recipients of age (age1…).' }),
    ),
  },
  { additionalProperties: false, description: 'Who can open it: one of the two.' },
);

interface Begun {
  readonly texts: Readonly<Record<string, string>>;
  readonly pictures: readonly string[];
  readonly kept: readonly { readonly seq: number; readonly pictures: number }[];
}

type AskPiece = (name: string, args: object) => Promise<Answered>;

export function personExportRoute(app: FastifyInstance, { house }: { readonly house: AskedHouse }): void {
  app.post<{ Params: { person: string }; Body: Static<typeof lockForm> }>(
    '/people/:person/export',
    {
      config: { role: 'admin', rateLimit: { max: 20, timeWindow: 60_000 } },
      schema: {
        ...{ summary: 'What is held about a person, as an encrypted ZIP.', operationId: 'people.export', tags: ['people'] },
        description: 'A file of age (age-encryption.org) with a ZIP in it. The journal says people.exported. Role: admin.',
        params: Type.Object({ person: Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$', description: 'The id of the person.' }) }),
        body: lockForm,
        response: { 200: Type.String({ description: 'application/octet-stream' }), default: refusedForm },
      },
    },
    async (request, reply) => {
      const { person } = request.params;
      const encrypter = encrypterFor(request.body);
      const ask = askPatiently(house, callerIn(request));
      const begun = await ask('people.archive', { person });
      if (!begun.ok) return answer(reply, begun);
      const sealed = await encrypter.encrypt(ReadableStream.from(zipOf(begun.result as Begun, person, ask)));
      return await reply
        .header('cache-control', 'no-store')
        .header('x-no-compression', '1')
        .header('content-disposition', 'attachment; filename="person.zip.age"')
        .type('application/octet-stream')
        .send(Readable.from(sealed));
    },
  );
}

function encrypterFor({ passphrase, recipients }: Static<typeof lockForm>): Encrypter {
  if ((passphrase === undefined) === (recipients === undefined))
    throw new TurnedAway(400, 'bad-request', 'Say who can open the file: give a passphrase, or recipients of age');
  const encrypter = new Encrypter();
  if (passphrase !== undefined) encrypter.setPassphrase(passphrase);
  for (const recipient of recipients ?? [])
    try {
      encrypter.addRecipient(recipient);
    } catch {
      throw new TurnedAway(400, 'bad-request', 'This is no recipient of age (age1…): "age-keygen -y" prints the recipient of a key');
    }
  return encrypter;
}

/** Others may keep the door busy: a piece is asked for again for a while. */
const patience = { times: 40, ms: 250 };

const askPatiently =
  (house: AskedHouse, caller: Asker): AskPiece =>
  async (name, args) => {
    for (let tries = 1; ; tries++) {
      const answered = await house.ask(name, args, caller);
      if (answered.ok || answered.error.code !== 'busy' || tries === patience.times) return answered;
      await wait(patience.ms);
    }
  };

/** Throws where a piece is missing: a file with something left out would be a false answer; one that is cut is none. */
async function* zipOf({ texts, pictures, kept }: Begun, person: string, ask: AskPiece): AsyncGenerator<Uint8Array> {
  const written: Uint8Array[] = [];
  const zip = new Zip((error, piece) => {
    if (error) throw error;
    written.push(piece);
  });
  const add = (name: string, bytes: Uint8Array, isText: boolean) => {
    // Pictures are compressed already.
    const file = isText ? new ZipDeflate(name) : new ZipPassThrough(name);
    zip.add(file);
    file.push(bytes, true);
    return written.splice(0);
  };
  for (const [name, text] of Object.entries(texts)) yield* add(name, Buffer.from(text), true);
  for (const [i, id] of pictures.entries()) {
    const answered = await ask('people.picture', { person, picture: id, small: false });
    // One of which only the template is kept.
    if (!answered.ok && answered.error.code === 'not-found') continue;
    const { picture } = piece<{ picture: Uint8Array }>(answered);
    yield* add(`pictures/${numbered(i)}${picture[0] === 0x89 ? '.png' : '.jpg'}`, picture, false);
  }
  for (const { seq, pictures: count } of kept)
    for (let i = 0; i < count; i++) {
      const { picture } = piece<{ picture: string }>(await ask('timeline.picture', { seq, number: i + 1 }));
      yield* add(`kept/${seq}-${numbered(i)}.jpg`, Buffer.from(picture, 'base64'), false);
    }
  const journal = new ZipDeflate('journal.jsonl');
  zip.add(journal);
  for (let after: number | undefined, isMore = true; isMore; ) {
    const args = { person, ...(after !== undefined && { after }) };
    const { lines, next } = piece<{ lines: readonly string[]; next?: number }>(await ask('people.archive.entries', args));
    after = next;
    isMore = next !== undefined;
    journal.push(Buffer.from(lines.map((line) => `${line}\n`).join('')), !isMore);
    yield* written.splice(0);
  }
  zip.end();
  yield* written.splice(0);
}

function piece<Result>(answered: Answered): Result {
  if (answered.ok) return answered.result as Result;
  throw new Error(answered.error.message);
}

const numbered = (i: number): string => String(i + 1).padStart(2, '0');
