/** Debouncing, on a clock the test moves. */
import { expect, it } from 'vitest';
import { polledInputs } from '../../src/relay/inputs.ts';
import type { InputChange } from '../../src/relay/port.ts';
import { fakeClock } from '../fakes/clock.ts';

const setUp = () => {
  const clock = fakeClock();
  const levels = { contact: false, exit: false };
  const line = (name: keyof typeof levels) => ({ read: () => levels[name], [Symbol.dispose]: () => undefined });
  const inputs = polledInputs({
    lines: new Map([
      ['contact', line('contact')],
      ['exit', line('exit')],
    ]),
    ...{ debounceMs: 50, clock, label: 'two lines' },
  });
  const stop = new AbortController();
  const changes: InputChange[] = [];
  const done = (async () => {
    for await (const change of inputs.changes(stop.signal)) changes.push(change);
  })();
  const end = async () => {
    stop.abort();
    await done;
  };
  return { clock, levels, changes, end };
};

it('tells the present level of each input first', async () => {
  const { clock, changes, end } = setUp();
  await clock.advance(10);
  expect(changes).toMatchObject([
    { input: 'contact', active: false },
    { input: 'exit', active: false },
  ]);
  await end();
});

it('tells a change once it has lasted, and nothing of a bounce', async () => {
  const { clock, levels, changes, end } = setUp();
  await clock.advance(100);
  levels.exit = true;
  await clock.advance(30);
  levels.exit = false;
  await clock.advance(200);
  expect(changes.length).toBe(2);
  levels.exit = true;
  await clock.advance(100);
  expect(changes.slice(2)).toMatchObject([{ input: 'exit', active: true }]);
  levels.exit = false;
  await clock.advance(100);
  expect(changes.slice(3)).toMatchObject([{ input: 'exit', active: false }]);
  await end();
});
