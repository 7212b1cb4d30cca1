/** Attacks on the timeline, on kept pictures and on unknown faces: by whoever may not, by what stands in them, and by what is asked for. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { csvLine } from '../../src/console/routes/timeline-csv.ts';
import { type ConsoleDoor, openConsoleDoor } from '../fakes/console-door.ts';
import { visitSettings, visits } from '../fakes/console-visits.ts';

let door: ConsoleDoor;
/** Of an entry with a kept picture, and the picture. */
let kept: { readonly seq: number; readonly id: string };

beforeAll(async () => {
  door = await openConsoleDoor({ settings: visitSettings });
  await visits(door, ['p05']);
  await vi.waitUntil(async () => !(await answered('operator', 'unknown-faces.list', {})).comparing, { timeout: 30_000, interval: 200 });
  const { alone, groups } = await answered('operator', 'unknown-faces.list', {});
  const [entry] = door.house.journal.query({ kinds: ['picture.kept'] });
  if (entry?.event.kind !== 'picture.kept') throw new Error('no picture is kept');
  kept = { seq: entry.event.keptSeq, id: [...alone, ...groups.flat()][0].id };
}, 90_000);
afterAll(() => door?.[Symbol.asyncDispose]());

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
const answered = async (role: 'viewer' | 'operator' | 'admin', name: string, args: object): Promise<any> =>
  (await door.ask(role, name, args)).json();

describe('whoever may not', () => {
  const pictures = () => [`kept-pictures/${kept.seq}/1`, `unknown-faces/${kept.id}`, 'timeline.csv'];

  it('gets no picture and no table without a session, nor as a viewer', async () => {
    for (const path of pictures()) {
      expect((await fetch(`${door.url}/api/v1/${path}`)).status, path).toBe(401);
      expect((await door.ask('viewer', path)).status, path).toBe(403);
    }
    const cookie = `facelatch-${new URL(door.url).port}=${'A'.repeat(43)}`;
    for (const path of pictures()) expect((await fetch(`${door.url}/api/v1/${path}`, { headers: { cookie } })).status, path).toBe(401);
  });

  it('enrols nobody and marks nothing', async () => {
    const before = door.house.journal.head;
    expect((await door.ask('viewer', 'mark', { seq: kept.seq, as: 'stranger' })).status).toBe(403);
    expect((await door.ask('operator', `unknown-faces/${kept.id}`)).headers.get('content-type')).toBe('image/jpeg');
    expect((await door.ask('viewer', 'unknown-faces.picture', { picture: kept.id })).status).toBe(403);
    expect((await door.ask('viewer', 'timeline.picture', { seq: kept.seq })).status).toBe(403);
    expect((await door.ask('operator', 'unknown-faces.enrol', { name: 'Eve', pictures: [kept.id] })).status).toBe(403);
    expect((await door.ask('operator', 'model.promote', { bundle: 'abcd' })).status).toBe(403);
    expect(door.house.journal.query({ after: before, kinds: ['entry.marked', 'person.enrolled', 'enrolment.stepped'] })).toEqual([]);
  });

  it('does not change how strict the door is, as an admin neither', async () => {
    const answer = await door.ask('admin', 'config.set', { path: 'identity.targetFmr', value: 0.5 });
    expect(answer.status).toBe(409);
    expect(door.house.gallery.threshold.fmr).toBeLessThan(0.001);
  });
});

describe('what is asked for', () => {
  it.each([
    'kept-pictures/..%2f..%2fetc/1',
    'kept-pictures/1/..%2f1',
    'kept-pictures/1e9/1',
    'kept-pictures/-1/1',
    'kept-pictures/99999999999999999999/1',
    'unknown-faces/..%2f..%2fdoor-keys.json',
    `unknown-faces/${'a'.repeat(63)}`,
  ])('has a form: %s', async (path) => {
    const answer = await door.ask('operator', path);
    expect([400, 404]).toContain(answer.status);
    expect(answer.headers.get('content-type')).toContain('application/json');
  });

  it('is no text of SQL, and no more than a page', async () => {
    const evil = `x' OR 1=1 --`;
    expect((await answered('viewer', 'timeline.page', { person: evil })).entries).toEqual([]);
    expect((await answered('viewer', 'timeline.page', { kinds: [evil] })).entries).toEqual([]);
    for (const args of [{ limit: 201 }, { before: 'x' }, { since: 5 }, { reasons: ['x'] }, { show: ['x'] }, { unknown: 1 }])
      expect((await door.ask('viewer', 'timeline.page', args)).status, JSON.stringify(args)).toBe(400);
    expect((await door.ask('operator', `timeline.csv?person=${encodeURIComponent(evil)}&show=opened`)).status).toBe(200);
  });

  it('of a picture that is gone enrols nobody', async () => {
    const answer = await door.ask('admin', 'unknown-faces.enrol', { name: 'Eve', pictures: ['a'.repeat(64)] });
    expect(answer.status).toBe(409);
    expect(door.house.gallery.list().map(({ name }) => name)).not.toContain('Eve');
  });
});

/** As text in the page: console-http.test.ts. */
describe('what stands in an entry', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '\u00a0=1', '＝1', '|cmd', '%0A'])(
    'is no formula in a spreadsheet: %j',
    (text) => {
      const [cell = ''] = csvLine([text]).replace(/\r\n$/, '').split(',');
      expect(cell.replace(/^"/, '')).toMatch(/^'/);
    },
  );

  it('stays in its cell and its line', () => {
    expect(csvLine(['a,b', 'say "hi"', 'two\r\nlines', 5, -3, undefined])).toBe('"a,b","say ""hi""","two\r\nlines",5,-3,\r\n');
  });
});
