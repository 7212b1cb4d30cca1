/** A flood of failed sign-ins does not flood the journal, and none is left out. */
import { expect, it } from 'vitest';
import { type ConsoleEvent, failedSignIns, refusedRequests } from '../../src/console/record.ts';
import { fakeClock } from '../fakes/clock.ts';

const begun = () => {
  const events: ConsoleEvent[] = [];
  const clock = fakeClock();
  return { events, clock, failed: failedSignIns({ clock, record: (event) => void events.push(event) }) };
};
const timesOf = (events: readonly ConsoleEvent[]) => events.map((event) => (event.kind === 'console.sign-in-failed' ? event.times : 0));

it('the first failure is told at once, those of the next minute in one event', async () => {
  const { events, clock, failed } = begun();
  for (let n = 0; n < 10; n++) failed.add({ name: 'ada', with: 'password', address: '192.168.1.66' });
  expect(events).toEqual([{ kind: 'console.sign-in-failed', name: 'ada', with: 'password', times: 1, address: '192.168.1.66' }]);
  await clock.advance(60_000);
  failed.flush();
  expect(timesOf(events)).toEqual([1, 9]);
  await clock.advance(60_000);
  failed.flush();
  expect(timesOf(events)).toEqual([1, 9]);
});

it('accounts and addresses are told apart, up to a number', async () => {
  const { events, failed } = begun();
  for (let n = 0; n < 1000; n++) failed.add({ with: 'password', address: `10.0.${n >> 8}.${n & 255}` });
  failed.flush(true);
  expect(events.length).toBeLessThan(40);
  expect(timesOf(events).reduce((sum, times) => sum + times, 0)).toBe(1000);
  expect(events.at(-1)).toEqual({ kind: 'console.sign-in-failed', with: 'password', times: 967 });
});

it('what is not told yet is told at the end', () => {
  const { events, failed } = begun();
  for (let n = 0; n < 3; n++) failed.add({ with: 'token', address: '::1' });
  failed.flush(true);
  expect(timesOf(events)).toEqual([1, 2]);
});

it('requests that are refused are told the same way, with the reason', () => {
  const events: ConsoleEvent[] = [];
  const refused = refusedRequests({ clock: fakeClock(), record: (event) => void events.push(event) });
  for (let n = 0; n < 5; n++) refused.add({ why: 'role', name: 'sam', address: '192.168.1.66' });
  refused.add({ why: 'wrong-host', address: '192.168.1.66' });
  refused.flush(true);
  expect(events).toEqual([
    { kind: 'console.refused', why: 'role', name: 'sam', times: 1, address: '192.168.1.66' },
    { kind: 'console.refused', why: 'wrong-host', times: 1, address: '192.168.1.66' },
    { kind: 'console.refused', why: 'role', name: 'sam', times: 4, address: '192.168.1.66' },
  ]);
});
