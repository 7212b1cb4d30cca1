/** The timeline over the console's API: pages with names and marks, kept pictures, and the table for spreadsheets. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleDoor, openConsoleDoor } from '../fakes/console-door.ts';
import { visitSettings, visits } from '../fakes/console-visits.ts';

let door: ConsoleDoor;

beforeAll(async () => {
  door = await openConsoleDoor({ settings: visitSettings });
  await visits(door, ['p01', 'p05']);
}, 60_000);
afterAll(() => door?.[Symbol.asyncDispose]());

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
