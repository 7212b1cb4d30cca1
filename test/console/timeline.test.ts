/** The timeline: in a real Chromium, and over the console's API; pages, marks, kept pictures and the table for spreadsheets. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { axeInBothThemes, axeOf } from '../fakes/axe.ts';
import { phone, sharedChromium, type TestBrowser } from '../fakes/browser.ts';
import { type ConsoleDoor, openConsoleDoor } from '../fakes/console-door.ts';
import { visitSettings, visits } from '../fakes/console-visits.ts';

let browser: TestBrowser;
let door: ConsoleDoor;
beforeAll(async () => {
  [browser, door] = await Promise.all([sharedChromium(), openConsoleDoor({ settings: visitSettings })]);
  for (let n = 0; n < 100; n++) door.house.journal.append({ kind: 'door.opened', expected: n > 0 });
  await visits(door, ['p01', 'p05']);
}, 60_000);
afterAll(async () => {
  await door?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

describe('the view', () => {
  it('an operator sees who came, why the door did what it did, and a picture; says what it was; and hears of news', async () => {
    await using operator = await door.signedIn(browser, 'operator', 'timeline');
    const { page } = operator;
    const granted = page.getByRole('article', { name: 'p01 was let in' });
    await granted.waitFor();
    await granted.getByText(/^Likeness [\d.]+, threshold [\d.]+: as alike as the door asks for$/).waitFor();
    const picture = granted.getByRole('img', { name: /^Face of p01/ });
    await picture.waitFor();
    await expect.poll(() => picture.evaluate((image) => Number(Reflect.get(image, 'naturalWidth')))).toBeGreaterThan(0);
    await page.getByRole('article', { name: 'Not let in: no enrolled person is similar enough' }).first().waitFor();

    await granted.getByText('What was it really?').click();
    await granted.getByLabel('That was…').selectOption('right');
    await granted.getByRole('button', { name: 'Save' }).click();
    await granted.getByText('Noted. The next training learns from one picture.').waitFor();
    await granted.getByText(/^Marked by operator\d+: that was right$/).waitFor();

    door.house.journal.append({ kind: 'door.forced-open' });
    await door.house.door.disarm({ kind: 'operator', name: 'olga', via: 'cli', requestId: 'r' });
    await page.getByRole('article', { name: 'olga: disarm the door' }).waitFor();
    await page.getByRole('article', { name: 'The door was opened without a release' }).waitFor();
    // What was said stays with its entry when others come before it.
    expect(await granted.getByText('Noted.').count()).toBe(1);
    await door.house.door.arm({ kind: 'operator', name: 'olga', via: 'cli', requestId: 'r' });
    await axeInBothThemes(operator);
    expect(operator.complaints).toEqual([]);
  }, 60_000);

  it('filters by result and person, and the table has the same', async () => {
    await using operator = await door.signedIn(browser, 'operator', 'timeline');
    const { page } = operator;
    await page.getByRole('article').first().waitFor();
    await page.getByRole('combobox', { name: 'What' }).selectOption('opened');
    await expect.poll(() => page.getByRole('article').count()).toBe(1);
    await page.getByRole('combobox', { name: 'Person' }).selectOption({ label: 'p02' });
    await page.getByText('Nothing fits.').waitFor();
    await page.getByRole('combobox', { name: 'Person' }).selectOption({ label: 'p01' });
    await page.getByRole('article', { name: 'p01 was let in' }).waitFor();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export as CSV' }).click()]);
    expect(file.suggestedFilename()).toBe('facelatch-timeline.csv');
    await page.getByLabel('Until').fill('2020-01-01');
    await page.getByLabel('Until').press('Tab');
    await page.getByText('Nothing fits.').waitFor();
    expect(operator.complaints).toEqual([]);
  }, 60_000);

  it('older entries come with the end of the list, by keyboard too; on a phone nothing is wider than the screen', async () => {
    await using viewer = await door.signedIn(browser, 'viewer', 'timeline', phone);
    const { page } = viewer;
    await page.getByRole('article').first().waitFor();
    expect(await page.getByRole('img', { name: /^Face of/ }).count()).toBe(0);
    expect(await page.getByText('What was it really?').count()).toBe(0);
    const width = await page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(390);
    await page
      .getByText('That is the beginning')
      .scrollIntoViewIfNeeded({ timeout: 1000 })
      .catch(() => undefined);
    for (let n = 0; n < 20 && !(await page.getByText('That is the beginning').count()); n++) {
      const earlier = page.getByRole('button', { name: 'Show earlier' });
      if (await earlier.count()) await earlier.press('Enter').catch(() => undefined);
    }
    await page.getByText('That is the beginning').waitFor();
    expect(await page.getByRole('article').count()).toBeGreaterThan(100);
    await axeOf(viewer);
    expect(viewer.complaints).toEqual([]);
  }, 60_000);
});

const page = async (args: object = {}) => {
  const answer = await door.ask('viewer', 'timeline.page', args);
  expect(answer.status).toBe(200);
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  return (await answer.json()) as any;
};

/** The one of the visit of which pictures are kept. */
const firstDenied = (entries: readonly { readonly event: { readonly kind: string } }[]) =>
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  entries.findLast(({ event }) => event.kind === 'access.denied') as any;

describe('timeline.page', () => {
  it('tells the attempts, the newest first, with names, likeness and how many pictures are kept', async () => {
    const { entries, names } = await page();
    const attempts = entries.filter(({ event }: { event: { kind: string } }) => event.kind.startsWith('access.'));
    const kinds = attempts.map(({ event }: { event: { kind: string } }) => event.kind);
    expect(kinds.toSorted()).toEqual(kinds);
    const [denied, granted] = [firstDenied(attempts), attempts.at(-1)];
    expect(names[granted.event.personId]).toBe('p01');
    expect(granted).toMatchObject({
      pictures: 1,
      event: { likeness: { logit: expect.any(Number) }, threshold: { logit: expect.any(Number) } },
    });
    expect(denied).toMatchObject({ event: { reason: 'unknown' } });
    expect(denied.pictures).toBeGreaterThan(0);
  });

  it('asks for one kind, and for one person by id although the journal has a pseudonym', async () => {
    const [person] = door.house.gallery.list();
    const { entries } = await page({ show: ['opened'], person: person?.id });
    expect(entries.map(({ event }: { event: { kind: string } }) => event.kind)).toEqual(['access.granted']);
    expect((await page({ show: ['opened'], person: 'nobody' })).entries).toEqual([]);
  });

  it('tells marks', async () => {
    const [granted] = (await page({ show: ['opened'] })).entries;
    expect((await door.ask('operator', 'mark', { seq: granted.seq, as: 'right' })).status).toBe(200);
    const [marked] = (await page({ show: ['opened'] })).entries;
    expect(marked.mark).toMatchObject({ as: 'right', by: expect.stringContaining('operator') });
  });
});

describe('kept pictures', () => {
  it('are JPEG for operators, and not for viewers', async () => {
    const denied = firstDenied((await page({ show: ['denied'] })).entries);
    const answer = await door.ask('operator', `kept-pictures/${denied.seq}/1`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('image/jpeg');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect([...new Uint8Array(await answer.arrayBuffer()).subarray(0, 2)]).toEqual([0xff, 0xd8]);
    expect((await door.ask('viewer', `kept-pictures/${denied.seq}/1`)).status).toBe(403);
    expect((await door.ask('operator', `kept-pictures/${denied.seq}/99`)).status).toBe(404);
    expect((await door.ask('operator', 'kept-pictures/0/1')).status).toBe(400);
  });
});

describe('timeline.csv', () => {
  it('has a line for each entry, for operators', async () => {
    const answer = await door.ask('operator', 'timeline.csv?show=opened,denied');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-disposition')).toContain('attachment');
    const lines = (await answer.text()).trim().split('\r\n');
    expect(lines[0]).toContain('seq,at,kind,person');
    expect(new Set(lines.slice(1).map((line) => line.split(',')[2]))).toEqual(new Set(['access.denied', 'access.granted']));
    expect(lines.at(-1)).toContain('p01');
    await expect
      .poll(() => door.events)
      .toContainEqual(expect.objectContaining({ kind: 'console.exported', name: expect.stringMatching(/^operator/) }));
    expect((await door.ask('viewer', 'timeline.csv')).status).toBe(403);
    expect((await door.ask('operator', 'timeline.csv?since=yesterday')).status).toBe(503);
  });
});
