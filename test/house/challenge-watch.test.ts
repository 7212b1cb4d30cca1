import { expect, it } from 'vitest';
import type { OutputsAnswer, OutputsRequest } from '../../src/adapters/challenge-outputs.ts';
import { openLog } from '../../src/base/log.ts';
import { watchChallenges } from '../../src/house/challenge-watch.ts';
import type { Challenge } from '../../src/liveness/port.ts';
import { fakeClock } from '../fakes/clock.ts';

const challenge = (id: string, issuedAtMs: number): Challenge => ({ id, kind: 'turn-left', issuedAtMs, deadlineMs: issuedAtMs + 8000 });
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function watched(call: (request: OutputsRequest) => Promise<OutputsAnswer> = async () => ({ troubles: [] })) {
  const clock = fakeClock();
  const asked: OutputsRequest[] = [];
  const counts = { opened: 0, ended: 0 };
  const watch = watchChallenges({
    open: async () => {
      counts.opened++;
      return {
        info: { troubles: [] },
        call: (request) => {
          asked.push(request);
          return call(request);
        },
        [Symbol.asyncDispose]: async () => void counts.ended++,
      };
    },
    clock,
    log: openLog('silent'),
  });
  return { clock, asked, counts, watch };
}

it('shows a challenge once, with its age, and ends it when nothing waits for an answer', async () => {
  const { clock, asked, watch } = watched();
  await clock.advance(70);
  const one = challenge('a', 20);
  watch.tick(undefined);
  watch.tick(one);
  watch.tick(one);
  await settle();
  expect(asked).toEqual([{ shown: one, sinceMs: 50 }]);
  watch.tick(undefined);
  watch.tick(undefined);
  await settle();
  expect(asked.at(-1)).toEqual({ sinceMs: 0 });
  expect(asked).toHaveLength(2);
});

it('never waits for the outputs, and ends what is shown with the house', async () => {
  const { asked, watch, counts } = watched((request) => (request.shown ? new Promise(() => undefined) : Promise.resolve({ troubles: [] })));
  watch.tick(challenge('a', 0));
  await settle();
  await watch[Symbol.asyncDispose]();
  expect(asked.at(-1)).toEqual({ sinceMs: 0 });
  expect(counts.ended).toBe(1);
});

it('opens outputs that failed again with the next challenge', async () => {
  const { watch, counts } = watched(() => Promise.reject(new Error('the thread ended')));
  watch.tick(challenge('a', 0));
  await settle();
  expect(counts.opened).toBe(1);
  watch.tick(challenge('b', 0));
  await settle();
  expect(counts.opened).toBe(2);
});
