/** Keys and signed commands from the command line, to a door behind a real broker. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/time.ts';
import { argsOf } from '../../../src/cli/remote/send-args.ts';
import { partsOf } from '../../../src/command/parts.ts';
import { commands } from '../../../src/command/registry.ts';
import { openJournal } from '../../../src/journal/sqlite.ts';
import { openPost, type Post } from '../../command/post.ts';
import { type Mosquitto, openMosquitto } from '../../fakes/mosquitto.ts';
import { fakeSessions } from '../../fakes/sessions.ts';
import { publishing, until } from '../../mqtt/witness.ts';
import { begin, demoPicture, facelatch, jsonOf, temporaryFolder } from '../facelatch.ts';

const home = temporaryFolder();
const env = { XDG_CONFIG_HOME: home.path, HOME: home.path };
let broker: Mosquitto;
let post: Post;
let door: ReturnType<typeof publishing>;
const run = (...args: string[]) => facelatch(args, env);
const send = (...args: string[]) => run('send', 'front-door', ...args, '--broker', broker.url, '--timeout', '5');
const sessions = fakeSessions();
const parts = partsOf({ clock: systemClock, maxBytes: 1_000_000, maxAtOnce: 2, patienceMs: 60_000 });

beforeAll(async () => {
  broker = await openMosquitto();
  post = await openPost({ clock: systemClock, maxBytes: 1_000_000, ports: { enrolment: sessions, parts } });
  door = publishing({ journal: post.journal, broker: { url: broker.url }, desk: post.desk });
  await until(() => door.status().commands === 'hearing');
});
afterAll(async () => {
  await door.stop();
  await broker[Symbol.asyncDispose]();
  post[Symbol.dispose]();
  home[Symbol.dispose]();
});

describe('from a new key to an open door', () => {
  const key = () => join(home.path, 'facelatch', 'operator-key.json');

  it('key create makes a private file, prints the public part, and overwrites nothing', async () => {
    const made = await run('key', 'create');
    expect(made).toMatchObject({ code: 0 });
    expect(jsonOf(made)).toEqual({ kty: 'OKP', crv: 'Ed25519', x: expect.any(String) });
    expect(statSync(key()).mode & 0o777).toBe(0o600);
    expect(made.stdout + made.stderr).not.toContain(JSON.parse(readFileSync(key(), 'utf8')).d);
    writeFileSync(join(home.path, 'ada.json'), made.stdout);
    expect(await run('key', 'create')).toMatchObject({ code: 2, stderr: expect.stringContaining('not overwritten') });
  });

  it('send without the card of the door says how to get it', async () => {
    expect(await send('door.open')).toMatchObject({ code: 2, stderr: expect.stringContaining('facelatch key door') });
  });

  it('key door prints the card; a stranger’s command is refused and the door says so itself', async () => {
    const card = await run('key', 'door', '--state', post.folder);
    expect(jsonOf(card)).toEqual(post.keys.card);
    mkdirSync(join(home.path, 'facelatch', 'doors'), { recursive: true });
    writeFileSync(join(home.path, 'facelatch', 'doors', 'front-door.json'), card.stdout);
    expect(await send('door.open')).toMatchObject({ code: 1, stdout: expect.stringContaining('unknown-key') });
    expect(post.door.calls).toEqual([]);
  });

  it('key add lets the operator in at once, key list shows them, and the door opens', async () => {
    const added = await run('key', 'add', 'ada', join(home.path, 'ada.json'), '--role', 'admin', '--state', post.folder);
    expect(added).toMatchObject({ code: 0 });
    using journal = openJournal({ file: join(post.folder, 'journal.sqlite'), clock: systemClock });
    const [operator] = jsonOf(await run('key', 'list', '--state', post.folder, '--json')).operators.slice(-1);
    expect(journal.query({}).map(({ event }) => event)).toEqual([
      // Those that the post wrote as an earlier version did.
      ...['viewer', 'operator', 'admin'].map((role) => expect.objectContaining({ kind: 'key.sealed', name: `the-${role}`, role })),
      { kind: 'key.listed', operators: 3, by: 'start', digest: expect.any(String) },
      { kind: 'key.added', name: 'ada', role: 'admin', key: operator.kid, digest: expect.any(String) },
    ]);
    expect(jsonOf(await run('key', 'list', '--state', post.folder, '--json')).operators.at(-1)).toMatchObject({
      name: 'ada',
      role: 'admin',
    });
    expect(await send('door.open')).toMatchObject({
      code: 0,
      stdout: 'The lock of front-door was released (journal entry 1)\n',
      stderr: '',
    });
    expect(await send('door.hold', 'durationMs=5000')).toMatchObject({ code: 0 });
    expect(post.door.calls.map(({ what, value }) => [what, value])).toEqual([
      ['open', undefined],
      ['hold', 5000],
    ]);
    expect(post.door.calls[0]?.by).toMatchObject({ kind: 'operator', name: 'ada', via: 'mqtt' });
  });

  it('a refusal of the door is exit 1 with its reason', async () => {
    post.door.refusal = { ok: false, reason: 'disarmed', detail: 'the door is disarmed' };
    expect(await send('door.open', '--json')).toMatchObject({ code: 1, stdout: expect.stringContaining('"reason":"disarmed"') });
    delete post.door.refusal;
  });

  it('enrol sends every picture, in parts where it is long, tells each outcome, and commits', async () => {
    const long = join(home.path, 'long.jpg');
    // What stands behind the end of a JPEG is not decoded.
    writeFileSync(long, Buffer.concat([readFileSync(demoPicture(1, 'smiling')), Buffer.alloc(300_000, 1)]));
    const files = [demoPicture(1, 'neutral'), long];
    const ids = files.map((file) => createHash('sha256').update(readFileSync(file)).digest('hex'));
    const lines = ids.toSorted().map((id) => `${id}\n`);
    const digest = createHash('sha256').update(lines.join('')).digest('hex');
    expect(await send('enrol', 'Ada', ...files)).toMatchObject({
      code: 0,
      stdout: `Ada is enrolled with 2 pictures, all of them yours\ndigest ${digest}\n`,
    });
    expect(sessions.committed).toEqual([{ name: 'Ada', by: 'ada', pictures: files.map((file) => readFileSync(file).length) }]);
  });

  it('an enrolment that somebody has slipped a picture into is no success', async () => {
    sessions.slipIn = Buffer.from('a third person');
    const ended = await send('enrol', 'Ada', demoPicture(1, 'neutral'));
    sessions.slipIn = undefined;
    expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining('you did not send 1 picture of them') });
  });

  it('an enrolment that fails on the way leaves nothing', async () => {
    const bad = join(home.path, 'refused.jpg');
    writeFileSync(bad, 'refuse me');
    const done = await send('enrol', 'Eve', bad);
    expect(done).toMatchObject({ code: 1, stderr: expect.stringContaining('no face') });
    expect(sessions.committed.map(({ name }) => name)).not.toContain('Eve');
  });

  it('key remove ends it at once', async () => {
    expect(await run('key', 'remove', 'ada', '--state', post.folder)).toMatchObject({ code: 0 });
    using journal = openJournal({ file: join(post.folder, 'journal.sqlite'), clock: systemClock });
    expect(journal.query({ limit: 1 })).toMatchObject([{ event: { kind: 'key.removed', name: 'ada', role: 'admin' } }]);
    expect(await run('key', 'remove', 'ada', '--state', post.folder)).toMatchObject({ code: 1 });
    expect(await send('door.open')).toMatchObject({ code: 1, stdout: expect.stringContaining('unknown-key') });
  });
});

describe('wrong use', () => {
  it.each([
    ['door.hold', [], 'takes durationMs=INTEGER'],
    ['door.hold', ['duration=5'], 'takes durationMs=INTEGER'],
    ['door.hold', ['durationMs=soon'], 'takes durationMs=INTEGER'],
    ['door.open', ['now=1'], 'door.open takes nothing, not "now=1"'],
    ['people.get', [], 'people.get takes person=TEXT: person is missing'],
    ['enrol.add', ['session=s', 'picture=@/nowhere.jpg'], '/nowhere.jpg does not exist'],
  ])('%s %j is told before anything is sent', (name, pairs, said) => {
    const known = commands.find((command) => command.name === name)!;
    expect(() => argsOf(known, pairs, undefined)).toThrow(said);
  });

  it('a secret is not taken from the command line, and fits in where it was asked for', () => {
    const unlock = commands.find(({ name }) => name === 'vault.unlock')!;
    const refused = /passphrase is not taken from the command line/;
    expect(() => argsOf(unlock, ['passphrase=four plain words'], undefined)).toThrow(refused);
    expect(() => argsOf(unlock, ['passphrase'], undefined)).toThrow(refused);
    expect(() => argsOf(unlock, [], '{"passphrase":"four plain words"}')).toThrow(refused);
    expect(argsOf(unlock, [], undefined, { passphrase: 'four plain words' })).toEqual({ passphrase: 'four plain words' });
  });

  it.each([
    [['door.explode'], 'There is no command'],
    [['door.open', '--key', '/nowhere/key.json'], 'facelatch key create'],
  ])('send %j is one clear error, exit 2', async (args, said) => {
    const { code, stderr } = await send(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('a door that is not there, and a broker that is not there, are told in time, exit 3', async () => {
    const card = join(home.path, 'back.json');
    writeFileSync(card, JSON.stringify({ ...post.keys.card, door: 'back-door' }));
    const args = ['send', 'back-door', 'door.open', '--card', card];
    expect(await run(...args, '--broker', broker.url, '--timeout', '1')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('did not answer'),
    });
    expect(await run(...args, '--broker', 'mqtt://127.0.0.1:1')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('refuses connections'),
    });
  });

  it('a stop while it waits ends it, exit 130', async () => {
    const card = join(home.path, 'back.json');
    const running = begin(['send', 'back-door', 'door.open', '--card', card, '--broker', broker.url, '--timeout', '60'], env);
    const heard = new Promise<void>((resolve) => {
      void import('mqtt').then(async ({ connectAsync }) => {
        const client = await connectAsync(broker.url);
        client.on('message', () => void client.endAsync(true).then(() => resolve()));
        await client.subscribeAsync('facelatch/back-door/cmd/#');
      });
    });
    await heard;
    running.stop();
    expect(await running.done).toMatchObject({ code: 130 });
    expect(existsSync(card)).toBe(true);
  });
});
