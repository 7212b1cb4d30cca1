/** The console process writes nothing into the journal but what the console does. */
import { expect, it } from 'vitest';
import { isConsoleEvent } from '../../../src/house/console/said-event.ts';
import { eventOf } from '../../fakes/events.ts';

it('every event of the console is taken, but the one that only the daemon can know', () => {
  const kinds = Object.keys(eventOf).filter((kind) => kind.startsWith('console.')) as (keyof typeof eventOf)[];
  expect(kinds).toHaveLength(14);
  expect(kinds.filter((kind) => !isConsoleEvent(eventOf[kind]))).toEqual(['console.certificate-changed']);
});

it.each([
  eventOf['access.granted'],
  eventOf['key.added'],
  { kind: 'console.made-up', name: 'ada' },
  { kind: 'console.signed-out', name: 'ada' },
  { kind: 'console.signed-out', name: 'ada', address: '::1', personId: 'p-0001' },
  { kind: 'console.signed-out', name: { first: 'ada' }, address: '::1' },
  { kind: 'console.signed-out', name: 'a'.repeat(301), address: '::1' },
  { kind: '__proto__' },
  {},
])('%j is not', (said) => {
  expect(isConsoleEvent(said)).toBe(false);
});
