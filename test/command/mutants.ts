/** Payloads that a broker in the wrong hands might send: a seed in; requests, plain, signed and encrypted, changed in every way one can think of, out. */
import { newKey } from '../../src/command/keys.ts';
import { openSender } from '../../src/command/request.ts';
import { disclose } from '../../src/command/seal.ts';
import { randomOf } from '../fakes/embeddings.ts';
import type { Post } from './post.ts';

export interface Mutant {
  readonly name: string;
  readonly payload: Buffer;
}

const names = [
  'door.open',
  'door.hold',
  'people.remove',
  'people.picture.remove',
  'enrol.add',
  'config.set',
  'pin',
  'journal.query',
  'model.list',
  'constructor',
  'door',
];
const pieces = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ':',
  ',',
  'null',
  'true',
  '-1',
  '1e999',
  '""',
  '\\u0000',
  '__proto__',
  'args',
  'id',
  'eyJ',
  '.',
  '..',
  'é',
  '\uFFFF',
];

/** Endless; the same for each seed. What the corpus holds of genuine commands was used up before, so no change can bring one to life. */
export async function mutantsOf(post: Post, seed: number): Promise<() => Mutant> {
  const random = randomOf(seed);
  const corpus = await corpusOf(post);
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const changes: ((bytes: Buffer) => Buffer)[] = [
    (b) => {
      const copy = Buffer.from(b);
      if (copy.length > 0) copy[below(copy.length)] = below(256);
      return copy;
    },
    (b) => b.subarray(0, below(b.length + 1)),
    (b) => b.subarray(below(b.length + 1)),
    (b) => spliced(b, below(b.length + 1), below(8), Buffer.from(pick(pieces))),
    (b) => spliced(b, below(b.length + 1), 0, Buffer.from(Array.from({ length: below(16) }, () => below(256)))),
    (b) => spliced(b, below(b.length + 1), 0, b.subarray(below(b.length + 1))),
    (b) => Buffer.concat([b.subarray(0, below(b.length + 1)), pick(corpus).subarray(below(50))]),
    (b) =>
      Buffer.from(
        b
          .toString('latin1')
          .split('.')
          .toSorted(() => random() - 0.5)
          .join('.'),
        'latin1',
      ),
    () => Buffer.from(pick(pieces).repeat(below(200))),
  ];
  return () => {
    let payload = pick(corpus);
    for (let left = 1 + below(3); left > 0; left--) payload = pick(changes)(payload);
    return { name: pick(names), payload };
  };
}

const spliced = (bytes: Buffer, at: number, drop: number, insert: Buffer) =>
  Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(Math.min(bytes.length, at + drop))]);

async function corpusOf(post: Post): Promise<Buffer[]> {
  const clock = { wall: Date.now };
  const stranger = await openSender({ operator: await newKey('Ed25519'), door: post.keys.card, clock, lifeS: 60 });
  const corpus = [
    '',
    '{}',
    '{"id":"1","args":{}}',
    '{"schema":1,"id":"a","args":{"durationMs":5000},"replyTo":"facelatch/front-door/reply/x"}',
    '{"args":{"person":"Ada","name":"Eve"}}',
    '{"args":{"path":"relay.pulseMs","value":1}}',
    '{"args":{"session":"s","picture":"/9j/4AAQ","part":{"upload":"u","index":1,"of":2}}}',
  ];
  for (const name of ['door.open', 'people.list']) {
    const { payload } = await post.senders.admin.request(name, {});
    await post.say(name, payload);
    corpus.push(payload, (await disclose(payload, post.keys.decrypt)) ?? '', (await stranger.request(name, {})).payload);
  }
  return corpus.map((text) => Buffer.from(text));
}
