/** A camera whose pictures and faults a test pushes; newest wins, as in every live camera. */

import type { Clock } from '../../src/base/time.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Camera, Scene } from '../../src/camera/port.ts';
import { newest } from '../../src/camera/slot.ts';

export interface FakeCamera extends Camera {
  /**
   * Shows a picture to the consumer; one pushed before the camera is open is the first that its next opening shows. Resolves when the consumer
   * has come back for the next picture (or has left, or never saw this one because a newer came).
   */
  push(picture: Uint8Array, scene?: Scene): Promise<void>;
  /** The running opening, or the next one, throws this after what was pushed. */
  fail(fault: Error): void;
  /** The running opening, or the next one, ends without a fault after what was pushed, as a replay does. */
  end(): void;
  /** How often it was opened. */
  readonly openings: number;
  readonly isOpen: boolean;
}

interface Shown {
  readonly picture: Uint8Array;
  readonly scene?: Scene;
  readonly seen: () => void;
}

export function fakeCamera(clock: Clock = systemClock, label = 'fake camera'): FakeCamera {
  const waiting: (Shown | { readonly end: Error | undefined })[] = [];
  let bell = Promise.withResolvers<void>();
  let openings = 0;
  let isOpen = false;
  const add = (item: (typeof waiting)[number]) => {
    waiting.push(item);
    bell.resolve();
  };
  const drain = async (push: (shown: Shown) => void, stop: AbortSignal) => {
    stop.addEventListener('abort', () => bell.resolve());
    while (!stop.aborted) {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        if ('picture' in next) push(next);
        else if (next.end) throw next.end;
        else return;
      }
      bell = Promise.withResolvers<void>();
      await bell.promise;
    }
  };
  return {
    label,
    push: (picture, scene) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      add({ picture, seen: resolve, ...(scene ? { scene } : {}) });
      return promise;
    },
    fail: (fault) => add({ end: fault }),
    end: () => add({ end: undefined }),
    get openings() {
      return openings;
    },
    get isOpen() {
      return isOpen;
    },
    frames: async function* (signal) {
      if (signal.aborted) return;
      openings++;
      isOpen = true;
      const unseen = new Set<() => void>();
      let seq = 0;
      const produce = (push: (item: { readonly shown: Shown; readonly seq: number; readonly atMs: number }) => void, stop: AbortSignal) =>
        drain((shown) => {
          unseen.add(shown.seen);
          push({ shown, seq: ++seq, atMs: clock.now() });
        }, stop);
      const answer = (upTo?: () => void) => {
        for (const seen of unseen) {
          unseen.delete(seen);
          seen();
          if (seen === upTo) return;
        }
      };
      try {
        for await (const { shown, seq, atMs } of newest(produce, signal)) {
          yield { seq, capturedAtMs: atMs, picture: shown.picture, ...(shown.scene ? { scene: shown.scene } : {}) };
          answer(shown.seen);
        }
      } finally {
        isOpen = false;
        answer();
      }
    },
  };
}
