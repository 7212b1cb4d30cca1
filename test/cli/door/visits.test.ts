/** The book of the demo: who came, what the door did, and how attacks were denied. */
import { expect, it } from 'vitest';
import type { Observation } from '../../../src/access/port.ts';
import { openEar } from '../../../src/camera/demo/ear.ts';
import { openVisits } from '../../../src/cli/door/visits.ts';
import type { Event } from '../../../src/events.ts';

const moment = (visit: number, people: readonly string[], manner: string) =>
  ({ frame: { scene: { visit, people, manner, last: false } } }) as unknown as Observation;
const event = (fields: object) => fields as Event;

it('counts attacks apart, says how they were denied, and names each time the door was wrong', () => {
  const book = openVisits(['p01'], (id) => id);
  book.moment(moment(1, ['p01'], 'stands'));
  book.event(event({ kind: 'access.challenged', visit: 1, personId: 'p01', challenge: 'c', what: 'blink', withinMs: 5000 }));
  book.event(event({ kind: 'access.granted', visit: 1, personId: 'p01' }));
  book.moment(moment(2, ['picture:p01'], 'phone'));
  // The second denial of one visit has the reason of the first.
  for (const reason of ['spoof', 'spoof'] as const) book.event(event({ kind: 'access.denied', visit: 2, reason }));
  book.moment(moment(3, ['picture:p01'], 'phone'));
  book.event(event({ kind: 'access.denied', visit: 3, reason: 'not-live' }));
  expect(book.result()).toMatchObject({ visits: 3, wronglyOpened: 0, wronglyShut: 0, mistakes: [] });
  expect(book.result().rows).toEqual([
    { who: 'enrolled', manner: 'stands', visits: 1, opened: 1, shut: 0, challenged: 1, denied: {} },
    { who: 'picture', manner: 'phone', visits: 2, opened: 0, shut: 2, challenged: 0, denied: { spoof: 1, 'not-live': 1 } },
  ]);
  expect(book.table()).toMatch(/picture +phone +2 +0 +2 +0 {2}spoof 1, not-live 1\n/);
  book.moment(moment(4, ['picture:p01'], 'printed photo'));
  book.event(event({ kind: 'access.granted', visit: 4, personId: 'p01' }));
  expect(book.result()).toMatchObject({ wronglyOpened: 1, mistakes: [{ visit: 4, people: ['picture:p01'] }] });
});

it('the people of a visit hear what the door says to them, and nothing that it says to others', () => {
  const ear = openEar();
  ear.heard(event({ kind: 'access.challenged', visit: 3, challenge: 'c', what: 'blink', times: 2 }));
  expect(ear.said(3)).toMatchObject({ challenge: { id: 'c', kind: 'blink', times: 2 }, letIn: false });
  expect(ear.said(4)).toEqual({ letIn: false });
  ear.heard(event({ kind: 'access.granted', visit: 3, personId: 'p01' }));
  expect(ear.said(3)).toMatchObject({ challenge: { id: 'c' }, letIn: true });
});
