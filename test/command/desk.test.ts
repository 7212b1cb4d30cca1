/** What comes to the desk is carried out only when an operator signed it for this door, now, once; everything gets a typed answer. */
import { CompactSign } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { audienceOf } from '../../src/command/gate.ts';
import { importKey, newKey, openDoorKeys, publicKeyOf, thumbprint } from '../../src/command/keys.ts';
import { openUsedCommands } from '../../src/command/limits/used.ts';
import { commands } from '../../src/command/registry.ts';
import type { ReplyBody } from '../../src/command/reply.ts';
import { openSender } from '../../src/command/request.ts';
import { disclose, enclose, signClaims } from '../../src/command/seal.ts';
import { pictureId } from '../../src/identity/picture-id.ts';
import { face, person } from '../contracts/gallery.ts';
import { fakeClock } from '../fakes/clock.ts';
import { fakeSessions } from '../fakes/sessions.ts';
import { mutantsOf } from './mutants.ts';
import { openPost, type Post } from './post.ts';

const posts: Post[] = [];
const open = async (options?: Parameters<typeof openPost>[0]) => {
  const post = await openPost(options);
  posts.push(post);
  return post;
};
afterEach(() => {
  for (const post of posts.splice(0)) post[Symbol.dispose]();
});

const codeOf = (reply: ReplyBody | string | undefined) => (typeof reply === 'object' ? reply.error?.code : reply);
/** The claims of a well-signed `door.open` by the operator, changed as a test wants them. */
async function signedBy(post: Post, nowMs: number, changes: object = {}, typ = 'facelatch-command+jwt') {
  const key = post.operatorKeys.operator;
  const nowS = Math.floor(nowMs / 1000);
  const claims = {
    aud: audienceOf(post.keys),
    iat: nowS,
    exp: nowS + 30,
    jti: `j-${Math.random()}`,
    cmd: 'door.open',
    args: {},
    ...changes,
  };
  return await signClaims(claims, typ as 'facelatch-command+jwt', { kid: await thumbprint(key), key: await importKey(key) });
}
const proved = (text: ReplyBody | string | undefined) => {
  if (typeof text !== 'string') throw new Error(`no signed reply: ${JSON.stringify(text)}`);
  return JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) as ReplyBody;
};

describe('a signed command', () => {
  it('is carried out in the name of its operator, and the door signs the answer for the eyes of the sender', async () => {
    const post = await open();
    const request = await post.senders.operator.request('door.open', {});
    const reply = await post.desk.take({ name: 'door.open', payload: Buffer.from(request.payload), retained: false });
    expect(await request.read(Buffer.from(reply?.payload ?? ''))).toMatchObject({ proved: true, body: { ok: true, result: { seq: 1 } } });
    expect(post.door.calls).toEqual([{ what: 'open', by: { kind: 'operator', name: 'the-operator', via: 'mqtt', requestId: request.id } }]);
    expect(`${request.payload}${reply?.payload}`).not.toMatch(/door\.open|the-operator/);
    expect(Buffer.from(reply?.payload ?? '', 'base64url').toString('latin1')).not.toContain('door.open');
  });

  it.each([0, 1, 2, 3])('with a reply key to which nothing can be enclosed (%i) is not carried out and not answered', async (which) => {
    const point = Buffer.alloc(32);
    // Points of low order: 0, 1, p − 1 and p (RFC 7748, section 7).
    if (which === 1) point[0] = 1;
    if (which > 1) point.fill(0xff).writeUInt8(which === 2 ? 0xec : 0xed, 0);
    if (which > 1) point[31] = 0x7f;
    const post = await open();
    const replyKey = { kty: 'OKP', crv: 'X25519', x: point.toString('base64url') };
    const payload = await signedBy(post, Date.now(), { replyKey });
    const reply = await post.desk.take({ name: 'door.open', payload: Buffer.from(payload), retained: false });
    expect([reply, post.door.calls]).toEqual([undefined, []]);
  });

  it('is carried out once, also by a desk that was started anew, and also after the clock went back', async () => {
    const clock = fakeClock();
    const post = await open({ clock });
    const { payload } = await post.senders.operator.request('door.open', {});
    expect(typeof (await post.say('door.open', payload))).toBe('string');
    for (let i = 0; i < 3; i++) await post.say('door.open', payload);
    expect(post.door.calls).toHaveLength(1);
    using again = openUsedCommands(`${post.folder}/commands.sqlite`);
    const claims = await signedBy(post, clock.wall(), { jti: 'once' });
    await post.say('door.open', claims);
    expect(again.note({ kid: await thumbprint(post.operatorKeys.operator), jti: 'once', iatS: 0, expS: 9e9, inOrder: false }, 0)).toBe(
      'again',
    );
    // A day later all is forgotten, another command sweeps it out, and then the clock is set back.
    clock.jump(86_400_000);
    await post.send('operator', 'door.open');
    const before = post.door.calls.length;
    clock.jump(-86_400_000);
    expect(codeOf(proved(await post.say('door.open', claims)))).toBe('replayed');
    expect(post.door.calls).toHaveLength(before);
  });

  it.each([
    [
      'of an unknown operator',
      'unknown-key',
      async (_post: Post, now: number) => {
        const stranger = await newKey('Ed25519');
        return await signClaims({ iat: now }, 'facelatch-command+jwt', { kid: await thumbprint(stranger), key: await importKey(stranger) });
      },
    ],
    [
      'under another operator’s name',
      'bad-signature',
      async (post: Post, now: number) => {
        const [, claims] = (await signedBy(post, now)).split('.');
        const stranger = await importKey(await newKey('Ed25519'));
        const kid = await thumbprint(post.operatorKeys.operator);
        return await signClaims(JSON.parse(Buffer.from(claims ?? '', 'base64url').toString()), 'facelatch-command+jwt', {
          kid,
          key: stranger,
        });
      },
    ],
    [
      'that was changed',
      'bad-signature',
      async (post: Post, now: number) => {
        const [header, claims, signature] = (await signedBy(post, now, { cmd: 'arm' })).split('.');
        const other = Buffer.from(
          Buffer.from(claims ?? '', 'base64url')
            .toString()
            .replace('"arm"', '"door.open"'),
        ).toString('base64url');
        return [header, other, signature].join('.');
      },
    ],
    [
      'for another door of the same name',
      'wrong-door',
      async (post: Post, now: number) => {
        const other = await openDoorKeys(`${post.folder}/other-door.json`, post.keys.card.door);
        return await signedBy(post, now, { aud: audienceOf(other) });
      },
    ],
    ['that was another command', 'wrong-command', async (post: Post, now: number) => await signedBy(post, now, { cmd: 'door.release' })],
    ['that has expired', 'stale', async (post: Post, now: number) => await signedBy(post, now - 60_000)],
    ['that lives too long', 'stale', async (post: Post, now: number) => await signedBy(post, now, { exp: Math.floor(now / 1000) + 3600 })],
    [
      'that ends before it begins',
      'stale',
      async (post: Post, now: number) => await signedBy(post, now, { exp: Math.floor(now / 1000) - 5 }),
    ],
    ['from the future', 'not-yet', async (post: Post, now: number) => await signedBy(post, now + 60_000)],
    ['with a claim more', 'malformed', async (post: Post, now: number) => await signedBy(post, now, { role: 'admin' })],
    ['without an id', 'malformed', async (post: Post, now: number) => await signedBy(post, now, { jti: undefined })],
    ['with an argument more', 'invalid-arguments', async (post: Post, now: number) => await signedBy(post, now, { args: { force: true } })],
    ['in a reply’s clothes', 'unknown-key', async (post: Post, now: number) => await signedBy(post, now, {}, 'facelatch-reply+jwt')],
    [
      'without a type',
      'unknown-key',
      async (post: Post, now: number) => {
        const kid = await thumbprint(post.operatorKeys.operator);
        const claims = { aud: audienceOf(post.keys), iat: now, exp: now + 9, jti: 'a', cmd: 'door.open', args: {} };
        return await new CompactSign(Buffer.from(JSON.stringify(claims)))
          .setProtectedHeader({ alg: 'Ed25519', kid })
          .sign(await importKey(post.operatorKeys.operator));
      },
    ],
    [
      'with no algorithm',
      'unknown-key',
      async (post: Post, now: number) => {
        const [, claims] = (await signedBy(post, now)).split('.');
        const header = { alg: 'none', kid: await thumbprint(post.operatorKeys.operator), typ: 'facelatch-command+jwt' };
        return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${claims}.AA`;
      },
    ],
    [
      'with the public key as a secret',
      'unknown-key',
      async (post: Post, now: number) => {
        const [, claims] = (await signedBy(post, now)).split('.');
        return await new CompactSign(Buffer.from(claims ?? '', 'base64url'))
          .setProtectedHeader({ alg: 'HS256', kid: await thumbprint(post.operatorKeys.operator), typ: 'facelatch-command+jwt' })
          .sign(Buffer.from(post.operatorKeys.operator.x.padEnd(64, 'A')));
      },
    ],
    [
      'encrypted to another door',
      'bad-signature',
      async (post: Post, now: number) => {
        const other = await openDoorKeys(`${post.folder}/elsewhere.json`, 'elsewhere');
        return await enclose(await signedBy(post, now), await importKey(other.card.encrypt));
      },
    ],
  ])('%s is refused: %s', async (_what, code, make) => {
    const clock = fakeClock();
    const post = await open({ clock });
    const said = proved(await post.say('door.open', await make(post, clock.wall())));
    expect(said.error?.code).toBe(code);
    expect(post.door.calls).toEqual([]);
  });

  it('is refused while the clock is not synchronised', async () => {
    const post = await open({ clockSynchronised: () => false });
    expect((await post.send('operator', 'door.open')).error?.code).toBe('clock-unsynchronised');
    expect(post.door.calls).toEqual([]);
  });

  it('of a viewer does not move the door, nor of an operator the people; an admin may all', async () => {
    const post = await open();
    expect((await post.send('viewer', 'door.open')).error?.code).toBe('role');
    expect((await post.send('operator', 'people.remove', { person: 'Ada' })).error?.code).toBe('role');
    expect((await post.send('viewer', 'people.list')).result).toMatchObject({ people: [{ name: 'Ada' }, { name: 'Grace' }] });
    expect((await post.send('admin', 'people.remove', { person: 'Ada' })).result).toEqual({ removed: true });
    expect((await post.send('admin', 'door.open')).ok).toBe(true);
    expect(post.journal.entries.map((e) => e.event.kind)).toEqual(['person.removed']);
  });

  it('of a key that was removed meanwhile is refused', async () => {
    const post = await open();
    const { payload } = await post.senders.operator.request('door.open', {});
    await post.operators.remove('the-operator');
    expect(proved(await post.say('door.open', payload)).error?.code).toBe('unknown-key');
    expect(post.door.calls).toEqual([]);
  });

  it('that the door denies says why', async () => {
    const post = await open();
    post.door.refusal = { ok: false, reason: 'disarmed', detail: 'the door is disarmed' };
    expect((await post.send('operator', 'door.open')).error).toEqual({
      code: 'denied',
      message: 'the door is disarmed',
      reason: 'disarmed',
    });
  });

  it('cannot be carried out where its use cannot be stored', async () => {
    const post = await open();
    const { payload } = await post.senders.operator.request('door.open', {});
    using _other = openUsedCommands(`${post.folder}/commands.sqlite`);
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(`${post.folder}/commands.sqlite`);
    db.exec('DROP TABLE used');
    db.close();
    const said = proved(await post.say('door.open', payload));
    expect(said.error?.code).toBe('failed');
    expect(post.door.calls).toEqual([]);
  });
});

describe('without a signature', () => {
  it('nothing is done and nothing is told, whatever the command', async () => {
    const clock = fakeClock();
    const post = await open({ clock });
    for (const { name } of commands) {
      await clock.advance(1000);
      expect(codeOf(await post.say(name, '{}')), name).toBe('unsigned');
    }
    expect(post.door.calls).toEqual([]);
  });

  it('a command that mqtt.allowUnsigned names is done, once for each id, and its answer is plain JSON', async () => {
    const post = await open({ allowUnsigned: ['door.open'] });
    expect(await post.say('door.open', '{"id":"a1"}')).toMatchObject({ ok: true, id: 'a1', command: 'door.open', result: { seq: 1 } });
    expect(codeOf(await post.say('door.open', '{"id":"a1"}'))).toBe('replayed');
    expect(codeOf(await post.say('door.hold', '{"args":{"durationMs":5}}'))).toBe('unsigned');
    expect(post.door.calls).toHaveLength(1);
  });

  it('a command that was retained is never done', async () => {
    const post = await open({ allowUnsigned: ['door.open'] });
    expect(codeOf(await post.say('door.open', '{}', true))).toBe('retained');
    expect(post.door.calls).toEqual([]);
  });
});

describe('a flood', () => {
  const many = (post: Post, count: number, name: string, payload: () => Promise<string> | string) =>
    Promise.all(Array.from({ length: count }, async () => codeOf(await post.say(name, await payload()))));

  it('without a signature is answered at a rate of its own, taken or refused, and what an operator signs goes through', async () => {
    const clock = fakeClock();
    const post = await open({ clock, allowUnsigned: ['journal.query', 'disarm'] });
    const refused = (await many(post, 15, 'model.list', () => '{}')).filter((code) => code === 'unsigned');
    expect(refused).toHaveLength(15);
    const replies = await Promise.all(Array.from({ length: 30 }, () => post.say('journal.query', '{}')));
    expect(replies.filter((reply) => reply !== undefined)).toHaveLength(5);
    expect((await post.send('viewer', 'people.list')).ok).toBe(true);
    expect(await post.say('disarm', '{}')).toMatchObject({ ok: true });
    await clock.advance(1000);
    expect((await many(post, 10, 'model.list', () => '{}')).filter((code) => code === 'unsigned')).toHaveLength(5);
  });

  it('of reads with one key leaves the others their commands, makes the door note nothing, and is told so once in a while', async () => {
    const post = await open();
    const list = async () => (await post.senders.viewer.request('people.list', {})).payload;
    const replies: unknown[] = [];
    for (let n = 0; n < 60; n++) replies.push(await post.say('people.list', await list()));
    // Twenty answers, and two of `busy`.
    expect(replies.filter((reply) => reply !== undefined)).toHaveLength(22);
    expect((await post.send('operator', 'people.list')).ok).toBe(true);
    expect((await post.send('admin', 'people.rename', { person: 'Ada', name: 'Ada L' })).ok).toBe(true);
    const { DatabaseSync } = await import('node:sqlite');
    using db = new DatabaseSync(`${post.folder}/commands.sqlite`, { readOnly: true });
    expect(db.prepare('SELECT count(*) AS n FROM used').get()).toEqual({ n: 1 });
  });

  it('of changes with a key takes neither disarm, release nor disable from that same key, nor anything from others', async () => {
    const post = await open();
    const open200 = Array.from({ length: 250 }, () => post.senders.admin.request('door.open', {}));
    for (const { payload } of await Promise.all(open200)) await post.say('door.open', payload);
    expect(post.door.calls).toHaveLength(200);
    for (const name of ['disarm', 'door.release']) expect((await post.send('admin', name)).ok, name).toBe(true);
    expect((await post.send('admin', 'people.disable', { person: 'Ada' })).ok).toBe(true);
    expect((await post.send('operator', 'door.open')).ok).toBe(true);
  });

  it('of changes over many minutes fills the list of used commands for its own key alone', async () => {
    const post = await open();
    const { DatabaseSync } = await import('node:sqlite');
    const [operator, admin] = [await thumbprint(post.operatorKeys.operator), await thumbprint(post.operatorKeys.admin)];
    using db = new DatabaseSync(`${post.folder}/commands.sqlite`);
    db.exec('BEGIN');
    const insert = db.prepare('INSERT INTO used (kid, jti, exp) VALUES (?, ?, 9000000000)');
    for (let n = 0; n < 20_000; n++) insert.run(operator, `${n}`);
    db.exec('COMMIT');
    using used = openUsedCommands(`${post.folder}/commands.sqlite`);
    const use = (kid: string) => used.note({ kid, jti: 'next', iatS: 1, expS: 9_000_000_000, inOrder: false }, 1);
    expect([use(operator), use(admin)]).toEqual(['full', 'first']);
    expect((await post.send('admin', 'door.open')).ok).toBe(true);
    expect((await post.send('operator', 'door.open')).error?.code).toBe('busy');
    expect((await post.send('operator', 'disarm')).ok).toBe(true);
  });

  it('of an operator’s captured command, sent again by others, takes nothing from that operator', async () => {
    const post = await open();
    const { payload } = await post.senders.viewer.request('people.list', {});
    expect((await many(post, 100, 'people.list', () => payload)).filter((code) => code === 'replayed')).toHaveLength(0);
    expect((await post.send('viewer', 'people.list')).ok).toBe(true);
  });

  it('of commands that take long, of one key, leaves others a place', async () => {
    const held = Promise.withResolvers<undefined>();
    const post = await open({ ports: { snapshot: () => held.promise } });
    const waiting = Promise.allSettled(Array.from({ length: 12 }, () => post.send('admin', 'snapshot')));
    await post.send('operator', 'disarm');
    expect((await post.send('operator', 'door.open')).ok).toBe(true);
    held.resolve(undefined);
    const codes = (await waiting).map((end) => (end.status === 'fulfilled' ? end.value.error?.code : 'unanswered'));
    expect(codes.filter((code) => code === 'unavailable')).toHaveLength(8);
  });
});

describe('what is no command', () => {
  it.each([
    ['a bracket', '{', 'malformed'],
    ['a list', '[]', 'malformed'],
    ['a text', '"text"', 'malformed'],
    ['an id that is a number', '{"id":7}', 'malformed'],
    ['a field that there is not', '{"argz":{}}', 'malformed'],
    ['arguments in a list', '{"args":[]}', 'malformed'],
    ['no UTF-8', Buffer.from([0xff, 0xfe]), 'malformed'],
    ['60,000 brackets', '['.repeat(60_000), 'malformed'],
    ['unsigned text that is long', '['.repeat(70_000), 'oversized'],
    ['a byte more than is read', 'x'.repeat(100_001), 'oversized'],
  ])('%s', async (_what, payload, code) => {
    const post = await open({ allowUnsigned: ['door.open'] });
    expect(codeOf(await post.say('door.open', payload))).toBe(code);
    expect(post.door.calls).toEqual([]);
  });

  it('an unknown name is told so; an argument that does not fit is named', async () => {
    const post = await open({ allowUnsigned: ['door.hold'] });
    expect(codeOf(await post.say('door.explode', '{}'))).toBe('unknown-command');
    expect(codeOf(await post.say('constructor', '{}'))).toBe('unknown-command');
    const reply = await post.say('door.hold', '{"id":"h","args":{"durationMs":"long"}}');
    expect(reply).toMatchObject({
      ok: false,
      id: 'h',
      error: { code: 'invalid-arguments', message: expect.stringContaining('/durationMs') },
    });
  });

  it('errors are answered at a bounded rate, and what an operator signs is answered all the same', async () => {
    const clock = fakeClock();
    const post = await open({ clock, errorsPerS: 2 });
    const answered = async (count: number) => {
      const replies = await Promise.all(Array.from({ length: count }, () => post.say('door.open', 'rubbish')));
      return replies.filter((reply) => reply !== undefined).length;
    };
    expect(await answered(10)).toBe(8);
    expect(await answered(10)).toBe(0);
    post.door.refusal = { ok: false, reason: 'disarmed', detail: 'no' };
    expect((await post.send('operator', 'door.open')).error?.code).toBe('denied');
    await clock.advance(1000);
    expect(await answered(10)).toBe(2);
  });
});

it('a reply of anybody else proves nothing to the sender', async () => {
  const post = await open();
  const forger = await openDoorKeys(`${post.folder}/forger.json`, 'front-door');
  const request = await post.senders.operator.request('door.open', {});
  const body = { schema: 1, id: request.id, command: 'door.open', at: new Date().toISOString(), ok: true, result: { seq: 1 } };
  expect(await request.read(Buffer.from(JSON.stringify(body)))).toMatchObject({ proved: false });
  expect(
    await request.read(Buffer.from(await signClaims(body, 'facelatch-reply+jwt', { kid: post.keys.id, key: forger.sign }))),
  ).toMatchObject({
    proved: false,
  });
  // The door's own answer to another request.
  const other = await post.senders.operator.request('door.open', {});
  const reply = await post.desk.take({ name: 'door.open', payload: Buffer.from(other.payload), retained: false });
  expect(await request.read(Buffer.from(reply?.payload ?? ''))).toMatchObject({ proved: false });
  expect(await disclose(reply?.payload ?? '', post.keys.decrypt)).toBeUndefined();
});

it('commands have names of their own, one line for people, and schemas that take nothing they do not know', () => {
  expect(new Set(commands.map((command) => command.name)).size).toBe(commands.length);
  for (const { name, summary, args } of commands) {
    expect(name).toMatch(/^[a-z]+(\.[a-z]+)*$/);
    expect(summary).toMatch(/^[A-Z].{5,120}\.$/);
    expect(args).toMatchObject({ type: 'object', additionalProperties: false });
  }
});

it('a sender needs keys that are keys', async () => {
  const post = await open();
  const operator = await newKey('Ed25519');
  await expect(openSender({ operator, door: { ...post.keys.card, sign: operator }, clock: fakeClock(), lifeS: 5 })).resolves.toBeDefined();
});

describe('what commands do', () => {
  it('people: rules are set, shown without the PIN, journalled, and refused where they name what is not there', async () => {
    const post = await openPost();
    const ada = post.gallery.find('Ada')!.id;
    post.gallery.setRules(ada, { pin: 'scrypt$secret' });
    const change = { uses: 3, groups: ['cleaners'], validUntil: '2026-12-31T18:00+01:00' };
    expect((await post.send('admin', 'people.rule', { person: 'Ada', rules: change })).result).toMatchObject({
      rules: { ...change, hasPin: true },
    });
    expect((await post.send('admin', 'people.disable', { person: 'Ada' })).result).toMatchObject({ rules: { enabled: false } });
    const enabled = await post.send('admin', 'people.enable', { person: 'Ada' });
    expect(JSON.stringify(enabled)).not.toMatch(/scrypt|enabled/);
    expect(post.gallery.rules(ada)).toMatchObject({ pin: 'scrypt$secret', uses: 3, usesAfter: expect.any(Number) });
    expect(post.journal.query({}).map(({ event }) => event)).toMatchObject([
      { kind: 'person.ruled', personId: ada, changed: expect.arrayContaining(['validUntil', 'uses', 'groups']) },
      { kind: 'person.ruled', changed: ['enabled'] },
      { kind: 'person.ruled', changed: ['enabled'] },
    ]);
    expect((await post.send('admin', 'people.rule', { person: 'Ada', rules: { schedule: 'night' } })).error).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('there are office'),
    });
    expect((await post.send('admin', 'people.rule', { person: 'Ada', rules: { pin: '4711' } })).error?.code).toBe('invalid-arguments');
    expect((await post.send('operator', 'people.disable', { person: 'Ada' })).error?.code).toBe('role');
  });

  it('door.left tells the door who has gone', async () => {
    const post = await openPost();
    expect((await post.send('operator', 'door.left', { person: 'Ada' })).result).toEqual({ seq: 1 });
    expect(post.door.calls).toMatchObject([{ what: 'left', value: post.gallery.find('Ada')!.id }]);
    expect((await post.send('operator', 'door.left', { person: 'Eve' })).error?.code).toBe('not-found');
  });

  it('people: list, get, rename, remove, journalled; unknown people are not found, a bad name is refused', async () => {
    const post = await open();
    expect((await post.send('viewer', 'people.get', { person: 'Ada' })).result).toMatchObject({ name: 'Ada', pictures: 1 });
    expect((await post.send('viewer', 'people.get', { person: 'Eve' })).error?.code).toBe('not-found');
    expect((await post.send('admin', 'people.rename', { person: 'Ada', name: 'Ada Lovelace' })).result).toMatchObject({
      name: 'Ada Lovelace',
    });
    expect((await post.send('admin', 'people.rename', { person: 'Grace', name: '\u0007' })).error).toMatchObject({
      code: 'refused',
      reason: 'bad-argument',
    });
    expect(post.journal.entries.map((e) => e.event.kind)).toEqual(['person.renamed']);
  });

  it('people: a journal that is down stops a new name and no removal', async () => {
    const post = await open();
    post.journal.full = true;
    const renamed = await post.send('admin', 'people.rename', { person: 'Ada', name: 'Eve' });
    expect(renamed.error).toMatchObject({ code: 'failed', reason: 'journal-down' });
    const removed = await post.send('admin', 'people.remove', { person: 'Grace' });
    expect(removed.error).toMatchObject({ reason: 'journal-down', message: expect.stringContaining('The person is removed') });
    expect(post.gallery.list().map(({ name }) => name)).toEqual(['Ada']);
  });

  it('people: one picture of several is listed and removed, journalled with who asked; the last one stays', async () => {
    const post = await open();
    post.gallery.enrol(person('Ada', face()));
    const { pictures } = (await post.send('admin', 'people.pictures', { person: 'Ada' })).result as { pictures: { id: string }[] };
    expect(pictures).toMatchObject([{ id: expect.stringMatching(/^[0-9a-f]{64}$/), addedAt: expect.any(String) }, {}]);
    const removed = await post.send('admin', 'people.picture.remove', { person: 'Ada', picture: pictures[0]!.id.slice(0, 12) });
    expect(removed.result).toMatchObject({ name: 'Ada', pictures: 1 });
    const again = await post.send('admin', 'people.picture.remove', { person: 'Ada', picture: pictures[1]!.id });
    expect(again.error).toMatchObject({ code: 'refused', reason: 'bad-argument' });
    expect((await post.send('operator', 'people.pictures', { person: 'Ada' })).error?.code).toBe('role');
    expect(post.journal.entries.map(({ event }) => event)).toEqual([
      { kind: 'person.picture-removed', personId: post.gallery.find('Ada')!.id, left: 1, by: 'the-admin' },
    ]);
  });

  it('door: each order reaches the door; a PIN comes from a keypad and stands in no answer', async () => {
    const post = await open();
    for (const name of ['door.open', 'door.release', 'lockout.reset', 'arm', 'disarm'])
      expect((await post.send('operator', name)).ok).toBe(true);
    const answer = await post.send('operator', 'pin', { pin: '493817' });
    expect(JSON.stringify(answer)).not.toContain('493817');
    expect(post.door.calls.map(({ what }) => what)).toEqual(['open', 'release', 'resetLockOut', 'arm', 'disarm', 'enterPin']);
    expect(post.door.calls.at(-1)).toMatchObject({ by: { kind: 'keypad', via: 'mqtt' }, value: '493817' });
  });

  it('config: no secret is shown; only what may be changed from afar is, and only to what is allowed', async () => {
    const post = await open();
    const { settings } = (await post.send('viewer', 'config.get')).result as { settings: Record<string, unknown> };
    expect(settings).toMatchObject({ 'relay.pulseMs': 3000 });
    expect(Object.keys(settings)).not.toContain('mqtt.password');
    const set = (path: string, value: number) => post.send('admin', 'config.set', { path, value });
    expect((await set('relay.pulseMs', 2000)).result).toEqual({ path: 'relay.pulseMs', before: 3000, value: 2000 });
    expect((await post.send('viewer', 'config.get', { path: 'relay' })).result).toMatchObject({ settings: { 'relay.pulseMs': 2000 } });
    expect((await set('relay.pulseMs', 1e6)).error?.code).toBe('refused');
    expect((await set('relay.pulseMs', 20_000)).error?.message).toContain('relay.maxMs');
    for (const path of ['access.votes', 'identity.targetFmr', 'mqtt.allowUnsigned', 'nothing', '__proto__.x'])
      expect((await set(path, 1)).error?.code, path).toBe('refused');
  });

  it('journal: entries by kind and number, as they are published', async () => {
    const post = await open();
    for (let n = 1; n <= 5; n++) post.journal.append({ kind: 'camera.restored', afterMs: n });
    post.journal.append({ kind: 'daemon.stopped', reason: 'test' });
    const query = async (args: object) =>
      ((await post.send('viewer', 'journal.query', args)).result as { entries: { seq: number }[] }).entries;
    expect((await query({ kinds: ['camera.restored'], limit: 2 })).map(({ seq }) => seq)).toEqual([4, 5]);
    expect((await query({ after: 5 }))[0]).toMatchObject({ seq: 6, kind: 'daemon.stopped', door: 'front-door', schema: 1 });
    expect(await query({ kinds: ['no.such.kind'] })).toEqual([]);
  });

  it('snapshot: only where the owner lets pictures out', async () => {
    const post = await open();
    expect((await post.send('operator', 'snapshot')).error?.code).toBe('unavailable');
    const capturedAt = '2026-01-01T00:00:00.000Z';
    const other = await open({ ports: { snapshot: async () => ({ capturedAt, picture: Buffer.from('jpeg') }) } });
    expect((await other.send('operator', 'snapshot')).result).toEqual({ capturedAt, picture: Buffer.from('jpeg').toString('base64') });
    expect((await other.send('viewer', 'snapshot')).error?.code).toBe('role');
  });

  it('picture: those kept of an entry, one by one, where the owner lets pictures out', async () => {
    const post = await open();
    expect((await post.send('operator', 'picture', { seq: 6 })).error?.code).toBe('unavailable');
    const keptPictures = (seq: number) => (seq === 6 ? [Buffer.from('one'), Buffer.from('two')] : []);
    const other = await open({ ports: { keptPictures } });
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    expect((await other.send('operator', 'picture', { seq: 6 })).result).toEqual({ pictures: 2, picture: base64('one') });
    expect((await other.send('operator', 'picture', { seq: 6, number: 2 })).result).toEqual({ pictures: 2, picture: base64('two') });
    expect((await other.send('operator', 'picture', { seq: 7 })).error?.code).toBe('not-found');
    expect((await other.send('viewer', 'picture', { seq: 6 })).error?.code).toBe('role');
  });

  it('enrol: a session from start to commit; pictures come whole or in parts in any order, and no longer than is allowed', async () => {
    const sessions = fakeSessions();
    const post = await open({ ports: { enrolment: sessions } });
    const ask = (name: string, args: object) => post.send('admin', name, args);
    const { session } = (await ask('enrol.start', { name: 'Ada' })).result as { session: string };
    const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(598, 7)]);
    const b64 = (from: number, to: number) => jpeg.subarray(from, to).toString('base64');
    expect((await ask('enrol.add', { session, picture: b64(0, 600), source: 'a.jpg' })).result).toMatchObject({ accepted: true });
    const part = (index: number, of = 3) => ({ part: { upload: 'u1', index, of } });
    expect((await ask('enrol.add', { session, picture: b64(400, 600), ...part(3) })).result).toEqual({ received: 1, of: 3 });
    expect((await ask('enrol.add', { session, picture: b64(0, 200), ...part(1) })).result).toEqual({ received: 2, of: 3 });
    expect((await ask('enrol.add', { session, picture: b64(200, 400), ...part(2) })).result).toMatchObject({ accepted: true });
    expect((await ask('enrol.add', { session, picture: b64(0, 600), part: { upload: 'u2', index: 1, of: 3 } })).ok).toBe(true);
    expect((await ask('enrol.add', { session, picture: b64(0, 600), part: { upload: 'u2', index: 2, of: 3 } })).error?.reason).toBe(
      'too-large',
    );
    expect((await ask('enrol.take', { session })).result).toMatchObject({ state: 'taking', wanted: 5, prompt: 'Look here' });
    expect(JSON.stringify((await ask('enrol.status', { session })).result)).not.toContain('Ada');
    // Another key with the same rights knows nothing of the session, and cannot slip a part into it.
    const key = await newKey('Ed25519');
    await post.operators.add({ name: 'mallory', role: 'admin', key: publicKeyOf(key, 'Ed25519'), addedAt: '2026-01-01T00:00:00.000Z' });
    const mallory = await openSender({ operator: key, door: post.keys.card, clock: fakeClock(), lifeS: 30 });
    for (const [name, args] of Object.entries({
      'enrol.add': { session, picture: b64(0, 200), ...part(1) },
      'enrol.status': { session },
      'enrol.commit': { session },
      'enrol.abort': { session },
    })) {
      const request = await mallory.request(name, args);
      const reply = await post.desk.take({ name, payload: Buffer.from(request.payload), retained: false });
      expect((await request.read(Buffer.from(reply?.payload ?? ''))).body?.error?.reason, name).toBe('no-such-session');
    }
    expect((await ask('enrol.commit', { session })).result).toMatchObject({
      personId: 'p-9',
      pictures: 2,
      added: [pictureId(jpeg), pictureId(jpeg)],
    });
    expect(sessions.committed).toEqual([{ name: 'Ada', by: 'the-admin', pictures: [600, 600] }]);
    expect((await ask('enrol.commit', { session })).error).toMatchObject({ code: 'refused', reason: 'no-such-session' });
    expect((await ask('enrol.add', { session, picture: '*not base64*' })).error?.code).toBe('invalid-arguments');
  });
});

it('three thousand mutated payloads move no door, change nothing and crash nothing', async () => {
  // So much time passes between two messages that no quota keeps one from being read.
  let nowMs = 0;
  const clock = { ...fakeClock(), now: () => (nowMs += 1000) };
  const post = await open({ errorsPerS: 50, clock, allowUnsigned: ['journal.query', 'model.list'] });
  const next = await mutantsOf(post, 11);
  const before = post.door.calls.length;
  for (let i = 0; i < 3000; i++) {
    const { name, payload } = next();
    const said = await post.say(name, payload);
    if (typeof said === 'object' && said.ok) expect(['journal.query', 'model.list']).toContain(name);
  }
  expect(post.door.calls).toHaveLength(before);
  expect(post.gallery.list()).toHaveLength(2);
  expect(post.journal.entries).toEqual([]);
});
