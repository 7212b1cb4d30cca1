/** A clock that stands still until a test moves it: sleepers wake in order when `advance` passes their time. */
import type { Clock } from '../../src/base/time.ts';

export interface FakeClock extends Clock {
  /** Moves both clocks on by `ms`, waking sleepers on the way, and lets their continuations run. */
  advance(ms: number): Promise<void>;
  /** Moves only the wall clock (a jump). */
  jump(ms: number): void;
  readonly sleepers: number;
}

export function fakeClock(startWallMs = Date.UTC(2026, 0, 5, 12)): FakeClock {
  let nowMs = 0;
  let wallOffsetMs = startWallMs;
  const sleeping: { at: number; wake: () => void }[] = [];
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    now: () => nowMs,
    wall: () => nowMs + wallOffsetMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const entry = { at: nowMs + ms, wake: resolve };
        sleeping.push(entry);
        signal?.addEventListener('abort', () => {
          const index = sleeping.indexOf(entry);
          if (index >= 0) sleeping.splice(index, 1);
          reject(signal.reason);
        });
      }),
    advance: async (ms) => {
      const end = nowMs + ms;
      await settle();
      for (;;) {
        sleeping.sort((a, b) => a.at - b.at);
        const next = sleeping[0];
        if (!next || next.at > end) break;
        sleeping.shift();
        nowMs = Math.max(nowMs, next.at);
        next.wake();
        await settle();
      }
      nowMs = end;
      await settle();
    },
    jump: (ms) => {
      wallOffsetMs += ms;
    },
    get sleepers() {
      return sleeping.length;
    },
  };
}
