/**
 * People at a real door: what of them is given out, and in a real Chromium enrolment by the browser's camera, by files and
 * at the door; rules, PIN, pictures, removal.
 */
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { strFromU8, unzipSync } from 'fflate';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { axeInBothThemes, axeOf } from '../fakes/axe.ts';
import { filmed, phone, sharedChromium, type TestBrowser } from '../fakes/browser.ts';
import { type ConsoleDoor, demoPicture, openConsoleDoor } from '../fakes/console-door.ts';
import { stands } from '../fakes/console-visits.ts';
import { blackPng } from '../fakes/pictures.ts';

let browser: TestBrowser;
let door: ConsoleDoor;
beforeAll(async () => {
  [browser, door] = await Promise.all([
    sharedChromium(),
    openConsoleDoor({
      settings: {
        'access.schedules': { office: ['Mon-Fri 08:00-18:00'] },
        'access.groups': { family: {}, guests: { pin: true, secondPerson: true } },
        'enrolment.intervalMs': 400, // a prompt stays long enough to be read
        'enrolment.maxPictureBytes': 400_000,
      },
    }),
  ]);
}, 60_000);
afterAll(async () => {
  await door?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

const idOf = (name: string): string => door.house.gallery.find(name)?.id ?? '';

async function begin(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByRole('button', { name: 'Go on to the pictures' }).click();
  await page.getByRole('heading', { name: `Pictures of ${name}` }).waitFor();
}

it('a resident is let in while pictures are uploaded, and each picture is judged', async () => {
  const cookie = await door.cookie('admin');
  const send = async (path: string, type: string, body: string | Uint8Array) => {
    const headers = { cookie, origin: door.url, 'x-facelatch': '1', 'content-type': type };
    return await fetch(`${door.url}/api/v1/${path}`, { method: 'POST', headers, body: Buffer.from(body) });
  };
  const { session } = (await (await send('enrol.start', 'application/json', '{"name":"Guest"}')).json()) as { session: string };
  const uploads = (['p05', 'p06'] as const).flatMap((person) =>
    (['neutral', 'smiling'] as const).map((look) => send(`enrol/${session}/pictures`, 'image/jpeg', demoPicture(person, look))),
  );
  await door.show('p01');
  expect(door.events.filter(({ kind }) => kind === 'access.granted')).not.toEqual([]);
  const answers = await Promise.all(uploads.map(async (answer) => (await (await answer).json()) as { accepted?: boolean }));
  expect(answers.filter(({ accepted }) => typeof accepted === 'boolean')).toHaveLength(4);
  await send('enrol.abort', 'application/json', JSON.stringify({ session }));
});

it('an export holds pictures, rules, templates and every entry in which the person stands, and the journal says so', async () => {
  const id = door.house.gallery.find('p01')?.id ?? '';
  const identity = await generateX25519Identity();
  const answer = await door.ask('admin', `people/${id}/export`, { recipients: [await identityToRecipient(identity)] });
  expect([answer.status, answer.headers.get('content-disposition')]).toEqual([200, 'attachment; filename="person.zip.age"']);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const files = unzipSync(await decrypter.decrypt(new Uint8Array(await answer.arrayBuffer())));
  expect(Object.keys(files).toSorted()).toEqual([
    ...['README.txt', 'journal.jsonl', 'person.json', 'pictures.json', 'pictures/01.jpg', 'templates.json', 'visits.json'],
  ]);
  expect(Buffer.from(files['pictures/01.jpg'] ?? []).equals(Buffer.from(demoPicture('p01')))).toBe(true);
  const kinds = strFromU8(files['journal.jsonl'] ?? new Uint8Array())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).event.kind);
  expect(kinds).toEqual(expect.arrayContaining(['person.enrolled', 'access.granted', 'people.exported']));
  expect(JSON.parse(strFromU8(files['person.json'] ?? new Uint8Array()))).toMatchObject({ id, name: 'p01' });
  expect(door.house.journal.query({ kinds: ['people.exported'] }).map(({ event }) => event)).toMatchObject([
    { personId: id, by: expect.stringMatching(/^admin/) },
  ]);
  expect((await door.ask('admin', 'people/nobody-there/export', { passphrase: 'a passphrase for this test' })).status).toBe(404);
}, 60_000);

it('cards show who is enrolled, a search finds them without accents, and a viewer sees no picture and no button', async () => {
  await using admin = await door.signedIn(browser, 'admin', 'people', phone);
  const { page } = admin;
  await page.getByText('2 people are enrolled').waitFor();
  await page.locator('.person-card img').first().waitFor();
  await axeInBothThemes(admin);
  await page.getByLabel('Search by name').fill('P0́1');
  await page.getByText('1 person found').waitFor();
  expect(admin.complaints).toEqual([]);

  await using viewer = await door.signedIn(browser, 'viewer', 'people');
  await viewer.page.getByText('2 people are enrolled').waitFor();
  expect(await viewer.page.locator('.person-card img').count()).toBe(0);
  expect(await viewer.page.getByRole('link', { name: 'Enrol a person' }).count()).toBe(0);
  await viewer.page.goto(`${door.url}/#/people/enrol`);
  await viewer.page.getByText('Only an admin can do this').waitFor();
  expect(viewer.complaints).toEqual([]);
}, 60_000);

it("a person is enrolled with the browser's camera: three poses, each judged by the door, stored at the last step", async () => {
  await using admin = await door.signedIn(browser, 'admin', 'people/enrol', phone);
  const { page } = admin;
  const grants = () => door.events.filter((event) => event.kind === 'access.granted').length;
  const before = grants();
  await begin(page, 'Grace');
  await axeInBothThemes(admin);
  await page.getByRole('button', { name: 'Open the camera' }).click();
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByText('All three pictures are taken.').waitFor({ timeout: 60_000 });
  await axeInBothThemes(admin);
  expect(door.house.gallery.find('Grace')).toBeUndefined();
  await page.getByRole('button', { name: 'Enrol Grace' }).click();
  await page.getByText(/Grace is enrolled with \d+ pictures/).waitFor();
  expect(door.house.gallery.find('Grace')?.pictures).toBeGreaterThanOrEqual(3);
  expect(grants()).toBe(before);
  await door.show(filmed, 12);
  expect(door.events).toContainEqual(expect.objectContaining({ kind: 'access.granted', personId: idOf('Grace') }));
  await page.getByRole('link', { name: 'Set times and rules' }).click();
  await page.getByRole('heading', { name: 'Grace', level: 1 }).waitFor();
  expect(admin.complaints).toEqual([]);
}, 120_000);

it('uploaded files are judged one by one, with what is wrong and with both faces where somebody is enrolled already', async () => {
  await using admin = await door.signedIn(browser, 'admin', 'people/enrol');
  const { page } = admin;
  await begin(page, 'Hopper');
  await page.getByRole('button', { name: 'Upload' }).click();
  const files = page.locator('input[type=file]');
  const jpeg = (name: string, buffer: Uint8Array) => ({ name, mimeType: 'image/jpeg', buffer: Buffer.from(buffer) });
  const grey = await sharp({ create: { width: 640, height: 480, channels: 3, background: '#888888' } })
    .jpeg()
    .toBuffer();
  await files.setInputFiles([
    jpeg('known.jpg', demoPicture('p01', 'smiling')),
    jpeg('nobody.jpg', grey),
    jpeg('text <img src=x onerror=alert(1)>.jpg', Buffer.from('no picture')),
    { name: 'bomb.png', mimeType: 'image/png', buffer: blackPng(9000) },
    { name: 'large.heic', mimeType: 'image/heic', buffer: Buffer.alloc(400_001, 1) },
    jpeg('good-1.jpg', demoPicture('p04')),
    jpeg('good-2.jpg', demoPicture('p04', 'smiling')),
    jpeg('good-1-again.jpg', demoPicture('p04')),
  ]);
  await page.getByText('2 good pictures').waitFor({ timeout: 60_000 });
  await page.locator('.people-shots li').nth(7).waitFor();
  const verdicts = await page.locator('.people-shots li > .tag').allInnerTexts();
  expect(verdicts).toEqual(['not taken', 'not taken', 'not taken', 'not taken', 'not taken', 'taken', 'taken', 'not taken']);
  const said = await page.locator('.people-shots li').allInnerTexts();
  expect(said[0]).toMatch(/enrolled already/);
  expect(said[1]).toMatch(/No face/);
  expect(said[2]).toMatch(/no picture that the door can read/);
  expect(said[3]).toMatch(/no picture that the door can read|too large/);
  expect(said[4]).toMatch(/too large/);
  expect(said[7]).toMatch(/same picture/);
  await page.getByText('This looks like p01, who is enrolled already').waitFor();
  expect(await page.locator('.people-pair img').count()).toBe(2);
  await axeInBothThemes(admin);
  await page.getByRole('button', { name: 'Enrol Hopper' }).click();
  await page.getByText('Hopper is enrolled with 2 pictures').waitFor();
  expect(admin.complaints).toEqual([]);
}, 120_000);

it('at the door, the prompts come to the page as they change', async () => {
  await using admin = await door.signedIn(browser, 'admin', 'people/enrol');
  const { page } = admin;
  for (let n = 0; n < 3; n++) await door.show('p05', 1);
  await begin(page, 'Turing');
  await page.getByRole('button', { name: 'At the door' }).click();
  await page.getByLabel('Pictures', { exact: true }).fill('2');
  // A prompt may be gone before anybody looks: a good picture ends it.
  await page.evaluate(`globalThis.shown = []; new MutationObserver(() => shown.push(document.body.innerText))
    .observe(document.body, { subtree: true, childList: true, characterData: true })`);
  await page.getByRole('button', { name: 'Take pictures at the door' }).click();
  const over = new AbortController();
  const filming = stands(door, 'p05', over.signal);
  await page
    .getByText('2 good pictures')
    .waitFor()
    .finally(() => over.abort());
  await filming;
  expect(await page.evaluate('shown.some((text) => text.includes("Look straight at the camera"))')).toBe(true);
  await page.getByRole('button', { name: 'Enrol Turing' }).click();
  await page.getByText(/Turing is enrolled with/).waitFor();
  expect(admin.complaints).toEqual([]);
}, 120_000);

it('leaving the page ends the session, and nothing of it is stored', async () => {
  await using admin = await door.signedIn(browser, 'admin', 'people/enrol');
  const { page } = admin;
  await begin(page, 'Nobody');
  await page.getByRole('button', { name: 'Upload' }).click();
  await page
    .locator('input[type=file]')
    .setInputFiles([{ name: 'a.jpg', mimeType: 'image/jpeg', buffer: Buffer.from(demoPicture('p06')) }]);
  await page.getByText('1 good picture', { exact: true }).waitFor();
  const ended = page.waitForRequest((request) => request.url().endsWith('/enrol.abort'));
  await page.getByRole('link', { name: 'All people' }).click();
  await (await ended).response();
  expect(door.house.gallery.find('Nobody')).toBeUndefined();
  const steps = door.house.journal.query({ kinds: ['enrolment.stepped'], limit: 1 }).map(({ event }) => event);
  expect(steps).toMatchObject([{ step: 'aborted' }]);
}, 60_000);

it('rules, PIN and name of a person are changed, and the door knows it', async () => {
  await using admin = await door.signedIn(browser, 'admin', `people/${idOf('p02')}`);
  const { page } = admin;
  await page.getByRole('heading', { name: 'p02', level: 1 }).waitFor();
  await page.getByLabel('Schedule').selectOption('office');
  await page.getByLabel('Number of uses (empty: unlimited)').fill('3');
  await page.getByLabel('Valid until').fill('2099-01-31T18:00');
  await page.getByRole('checkbox', { name: /guests/ }).check();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved. The door knows it already.').waitFor();
  expect(door.house.gallery.rules(idOf('p02'))).toMatchObject({
    ...{ schedule: 'office', uses: 3, groups: ['guests'] },
    validUntil: '2099-01-31T17:00:00.000Z',
  });
  await page.getByText('3 uses left').waitFor();

  await page.getByLabel('New PIN, 6 to 12 digits').fill('482915');
  await page.getByRole('button', { name: 'Set the PIN' }).click();
  await page.getByText('The PIN is set.').waitFor();
  await page.getByLabel('The face opens only together with the PIN').check();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect
    .poll(() => door.house.gallery.rules(idOf('p02')))
    .toMatchObject({ pinNeeded: true, pin: expect.not.stringContaining('482915') });
  await page.getByText('PIN with the face').first().waitFor();

  await page.getByRole('button', { name: 'Rename' }).click();
  await page.getByLabel('Name', { exact: true }).fill('<b>Ada</b> "Lovelace"');
  await page.getByRole('button', { name: 'Save' }).first().click();
  await page.getByRole('heading', { name: '<b>Ada</b> "Lovelace"', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Disable' }).click();
  await page.getByText('disabled', { exact: true }).waitFor();
  expect(door.house.gallery.rules(idOf('<b>Ada</b> "Lovelace"'))).toMatchObject({ enabled: false });
  expect(admin.complaints).toEqual([]);
  await axeInBothThemes(admin);
}, 60_000);

it('a picture is looked at and removed, but never the last', async () => {
  await using admin = await door.signedIn(browser, 'admin', `people/${idOf('Hopper')}`);
  const { page } = admin;
  await page.getByRole('button', { name: 'Look at picture 2' }).click();
  await page.getByRole('dialog').locator('img').waitFor();
  await axeOf(admin);
  await page.getByRole('button', { name: 'Remove this picture' }).click();
  await page.getByRole('button', { name: 'Look at picture 2' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Look at picture 1' }).click();
  await page.getByText('The last picture cannot be removed').waitFor();
  expect(await page.getByRole('button', { name: 'Remove this picture' }).isDisabled()).toBe(true);
  expect(door.house.gallery.find('Hopper')?.pictures).toBe(1);
  expect(admin.complaints).toEqual([]);
}, 60_000);

it('a removal says what goes, takes the typed name, and shows the proof', async () => {
  const id = idOf('Hopper');
  await using admin = await door.signedIn(browser, 'admin', `people/${id}`, phone);
  const { page } = admin;
  await page.getByRole('button', { name: 'Remove…' }).click();
  await page.getByText('1 picture with its templates').waitFor();
  const now = page.getByRole('button', { name: 'Remove for good' });
  await page.getByLabel(/Type the name/).fill('hopper');
  expect(await now.isDisabled()).toBe(true);
  await axeOf(admin);
  await page.getByLabel(/Type the name/).fill('Hopper');
  await now.click();
  await page.getByText('Nothing of the person was found.').waitFor();
  await page.getByText(/Their key is destroyed/).waitFor();
  expect(admin.complaints).toEqual([]);
  expect(door.house.gallery.find(id)).toBeUndefined();
  expect(door.events).toContainEqual(expect.objectContaining({ kind: 'person.shredded', personId: id, hits: 0 }));
  const by = expect.stringMatching(/^admin\d+$/);
  const changes = door.house.journal.query({ kinds: ['person.ruled', 'person.renamed', 'person.removed'] }).map(({ event }) => event);
  expect(changes.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['person.ruled', 'person.renamed', 'person.removed']));
  expect(changes).toEqual(changes.map(() => expect.objectContaining({ by })));
  await axeInBothThemes(admin);
}, 60_000);
