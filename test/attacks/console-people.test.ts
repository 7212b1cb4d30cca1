/**
 * Attacks on people through the console, over real HTTP at a real door: who may not see a face or change a person, files
 * that are no pictures or too much, sessions of others, names and PINs that come back where they must not.
 */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type ConsoleDoor, demoPicture, openConsoleDoor } from '../fakes/console-door.ts';
import { blackPng } from '../fakes/pictures.ts';

let door: ConsoleDoor;
let admin: string;
beforeAll(async () => {
  door = await openConsoleDoor({
    enrolled: ['p01', 'p02'],
    settings: { 'enrolment.maxPictureBytes': 400_000, 'enrolment.maxPictures': 3 },
  });
  admin = await door.cookie('admin');
}, 60_000);
afterAll(() => door?.[Symbol.asyncDispose]());

const idOf = (name: string): string => door.house.gallery.find(name)?.id ?? '';
const own = () => ({ origin: door.url, 'x-facelatch': '1' });

/** As somebody with this cookie; nobody with an empty one. */
const send = (
  path: string,
  {
    cookie = admin,
    body,
    type = 'application/json',
    headers = own(),
  }: {
    readonly cookie?: string;
    readonly body?: object;
    readonly type?: string;
    readonly headers?: Record<string, string>;
  } = {},
) => {
  const isRaw = body instanceof Uint8Array || body instanceof ReadableStream;
  return fetch(`${door.url}/api/v1/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...headers, ...(cookie && { cookie }), ...(body !== undefined && { 'content-type': type }) },
    ...(body !== undefined && { body: isRaw ? body : JSON.stringify(body) }),
    ...(body instanceof ReadableStream && { duplex: 'half' }),
  } as RequestInit);
};
let sessions: string[] = [];
const begun = async (name: string): Promise<string> => {
  const { session } = (await (await send('enrol.start', { body: { name } })).json()) as { session: string };
  sessions.push(session);
  return session;
};
afterEach(async () => {
  for (const session of sessions) await send('enrol.abort', { body: { session } });
  sessions = [];
});
const upload = (session: string, body: Uint8Array | ReadableStream, type = 'image/jpeg', cookie = admin) =>
  send(`enrol/${session}/pictures`, { cookie, body, type });

it('faces, changes of people and exports are for admins alone', async () => {
  const person = idOf('p01');
  const picture = door.house.gallery.picturesAbout(person)[0]?.id;
  const asked: [string, object | undefined][] = [
    [`people/${person}/face`, undefined],
    [`people/${person}/pictures/${picture}`, undefined],
    [`people/${person}/export`, { passphrase: 'long enough to be one' }],
    ['people.choices', {}],
    ['people.confusable', {}],
    ['people.held', { person }],
    ['people.pin', { person, pin: '123456' }],
    ['people.erase', { person, name: 'p01' }],
  ];
  const [viewer, operator] = [await door.cookie('viewer'), await door.cookie('operator')];
  for (const [path, body] of asked) {
    const answers = [];
    for (const cookie of ['', viewer, operator]) answers.push((await send(path, { cookie, ...(body && { body }) })).status);
    expect([path, answers]).toEqual([path, [401, 403, 403]]);
  }
  const session = await begun('Uploaded');
  const uploads = [];
  for (const cookie of ['', viewer, operator]) uploads.push((await upload(session, demoPicture('p03'), 'image/jpeg', cookie)).status);
  expect(uploads).toEqual([401, 403, 403]);
  expect(door.house.gallery.find('p01')?.id).toBe(person);
  expect(door.house.gallery.rules(person)).toEqual({});
});

it('a page of strangers gets no face and sends no picture, although the browser is signed in', async () => {
  const face = `people/${idOf('p01')}/face`;
  expect((await send(face, { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
  const session = await begun('Foreign');
  const foreign = { origin: 'https://evil.example', 'x-facelatch': '1' };
  const body = demoPicture('p03');
  expect((await send(`enrol/${session}/pictures`, { body, type: 'image/jpeg', headers: foreign })).status).toBe(403);
  expect((await send(`enrol/${session}/pictures`, { body, type: 'image/jpeg', headers: { origin: door.url } })).status).toBe(403);
});

it('what the routes of pictures give is a picture, kept by no browser and taken for nothing else', async () => {
  const { headers, status } = await send(`people/${idOf('p01')}/face`);
  expect(status).toBe(200);
  expect([headers.get('content-type'), headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual([
    'image/jpeg',
    'no-store',
    'nosniff',
  ]);
  for (const path of [
    'people/..%2f..%2fvault.key/face',
    'people/%2e%2e/face',
    `people/${idOf('p01')}/pictures/..%2f..%2f..%2fetc%2fpasswd`,
    `people/${idOf('p01')}/pictures/${'0'.repeat(64)}`,
    `people/${idOf('p01')}/pictures/${'0'.repeat(64)}?small=2`,
    `people/${idOf('p02')}/pictures/${door.house.gallery.picturesAbout(idOf('p01'))[0]?.id}`,
    'people/nobody/face',
  ])
    expect([path, (await send(path)).status]).toEqual([path, expect.toSatisfy((code: number) => code === 400 || code === 404)]);
});

it('files that are too large end before they are read, also those that do not say how large they are', async () => {
  const session = await begun('Large');
  const answer = await upload(session, new Uint8Array(400_001));
  expect([answer.status, await answer.json()]).toMatchObject([413, { error: { code: 'oversized' } }]);
  let sent = 0;
  const endless = new ReadableStream({
    pull: (controller) => {
      sent += 65_536;
      controller.enqueue(new Uint8Array(65_536));
      if (sent > 40_000_000) controller.close();
    },
  });
  const status = await upload(session, endless).then(
    (response) => response.status,
    () => 'cut',
  );
  expect([413, 'cut']).toContain(status);
  expect(sent).toBeLessThan(40_000_000);
  expect((await send('enrol.status', { body: { session } })).status).toBe(200);
});

it('bombs, other files and pages in the clothes of a picture are refused as pictures, and the door goes on', async () => {
  const session = await begun('Bombs');
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
  const html = Buffer.from('<!doctype html><script>alert(1)</script>');
  for (const [bytes, type] of [
    [blackPng(20_000), 'image/png'],
    [blackPng(3500).subarray(0, -30), 'image/png'],
    [svg, 'image/png'],
    [html, 'image/jpeg'],
    [Buffer.concat([demoPicture('p03').subarray(0, 2000), html]), 'image/jpeg'],
  ] as const) {
    const answer = await upload(session, new Uint8Array(bytes), type);
    expect([answer.status, await answer.json()]).toMatchObject([200, { accepted: false }]);
  }
  for (const type of ['text/html', 'image/svg+xml', 'application/octet-stream', 'multipart/form-data; boundary=x'])
    expect([type, (await upload(session, new Uint8Array(html), type)).status]).toEqual([type, 415]);
  expect((await upload(session, new Uint8Array())).status).toBe(400);
  await door.show('p01', 12);
  expect(door.events).toContainEqual(expect.objectContaining({ kind: 'access.granted', personId: idOf('p01') }));
}, 60_000);

it('more pictures at once than a session takes are refused, and nobody is stored by that', async () => {
  const session = await begun('Flood');
  const answers = await Promise.all(Array.from({ length: 8 }, () => upload(session, demoPicture('p07'))));
  const codes = answers.map(({ status }) => status);
  expect(codes.every((code) => code === 200 || code === 409 || code === 429)).toBe(true);
  expect(codes.some((code) => code !== 200)).toBe(true);
  expect((await send('enrol.abort', { body: { session } })).status).toBe(200);
  expect(door.house.gallery.find('Flood')).toBeUndefined();
}, 60_000);

it("an admin's session of enrolment is nobody else's", async () => {
  const session = await begun('Mine');
  const other = await door.cookie('admin');
  expect((await upload(session, demoPicture('p08'), 'image/jpeg', other)).status).toBe(409);
  for (const name of ['enrol.status', 'enrol.commit', 'enrol.abort'])
    expect([name, (await send(name, { cookie: other, body: { session } })).status]).toEqual([name, 409]);
  expect((await send('enrol.status', { body: { session } })).status).toBe(200);
});

it('nobody is removed by an id, a name or a guess alone', async () => {
  const person = idOf('p02');
  for (const body of [
    { person, name: 'p01' },
    { person, name: 'P02' },
    { person, name: '' },
    { person: 'p02', name: 'p02' },
    { person: person.slice(0, 8), name: 'p02' },
    { person, name: 'p02', force: true },
  ])
    expect((await send('people.erase', { body })).ok).toBe(false);
  expect(door.house.gallery.find(person)?.name).toBe('p02');
});

it('a PIN comes back nowhere: not in an answer, an event, the journal or a file', async () => {
  const person = idOf('p02');
  const pin = '40718263';
  for (const weak of ['1234', '12345', 'abcdef', '12345678901234', ' 123456', '123456\n', 123456])
    expect([weak, (await send('people.pin', { body: { person, pin: weak } })).ok]).toEqual([weak, false]);
  const answers = [
    await (await send('people.pin', { body: { person, pin } })).text(),
    await (await send('people.person', { body: { person } })).text(),
    await (await send('people.cards', { body: {} })).text(),
    JSON.stringify(door.events),
    JSON.stringify(door.house.journal.query({})),
  ];
  expect(answers[1]).toContain('"hasPin":true');
  expect(answers.some((text) => text.includes(pin) || text.includes('scrypt'))).toBe(false);
});

it('a recipient that is a secret key, a short passphrase, both or neither write no file', async () => {
  const path = `people/${idOf('p02')}/export`;
  const secret = 'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX';
  for (const body of [
    {},
    { passphrase: 'short' },
    { recipients: [] },
    { recipients: [secret] },
    { recipients: ['age1nobody'] },
    { passphrase: 'long enough to be one', recipients: ['age1nobody'] },
  ]) {
    const answer = await send(path, { body });
    const text = await answer.text();
    expect([answer.status, text.includes(secret)]).toEqual([400, false]);
  }
  expect(door.events.some(({ kind }) => kind === 'people.exported')).toBe(false);
  expect(door.house.journal.query({ kinds: ['people.exported'] })).toEqual([]);
});
