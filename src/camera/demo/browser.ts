/**
 * A camera in a browser: the console's page sends what this device's camera sees, and frames come out. For trying
 * facelatch on a laptop; whoever may send pictures decides what the door sees, so it guards no real lock
 * (settings/rules.ts).
 */
import { Fault } from '../../base/errors.ts';
import type { Clock } from '../../base/time.ts';
import type { Camera } from '../port.ts';
import { newest } from '../slot.ts';

export interface BrowserCamera extends Camera {
  /** A JPEG from the page. It is dropped while nobody reads the camera. */
  push(picture: Uint8Array): void;
}

/** A page that sends nothing for so long has gone. Milliseconds. */
const goneMs = 5000;

/** Waits for the first picture as long as it takes; afterwards a page that goes is Fault `camera-ended`. */
export function browserCamera(clock: Clock): BrowserCamera {
  const state: { take: ((picture: Uint8Array) => void) | undefined; lastAtMs: number | undefined } = {
    take: undefined,
    lastAtMs: undefined,
  };
  return {
    label: 'browser camera (the console, Live)',
    push: (picture) => {
      state.lastAtMs = clock.now();
      state.take?.(picture);
    },
    frames: (signal) => {
      let seq = 0;
      state.lastAtMs = undefined;
      return newest(async (push, over) => {
        state.take = (picture) => push({ seq: ++seq, capturedAtMs: clock.now(), picture });
        try {
          while (!over.aborted) {
            await clock.sleep(goneMs / 5, over).catch(() => undefined);
            if (state.lastAtMs !== undefined && clock.now() - state.lastAtMs > goneMs && !over.aborted)
              throw new Fault(
                'camera-ended',
                'The browser sends no pictures any more: open the console, Live, and let it be the camera again',
              );
          }
        } finally {
          state.take = undefined;
        }
      }, signal);
    },
  };
}
