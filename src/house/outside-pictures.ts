/**
 * Pictures from outside at a running door: each is cleaned in a process of its own, and handed on to be read when
 * nobody waits before the door. wire.ts opens it; it ends with the door.
 */
import type { Clock } from '../base/time.ts';
import { picturesFromOutside } from '../face/from-outside.ts';
import type { OutsidePictures } from '../face/port.ts';
import { pauseOf } from '../retrain/pause.ts';

/** A face that the door has not decided on holds pictures back this long, then only now and then. Milliseconds. */
const patienceMs = 3000;
const lookAgainMs = 100;

export interface DoorOutsidePictures extends OutsidePictures, Disposable {
  /** Somebody is there whom the door has not decided on. */
  saw(): void;
}

export function outsidePictures(
  clock: Clock,
  open: (options: { signal: AbortSignal }) => OutsidePictures = picturesFromOutside,
): DoorOutsidePictures {
  const over = new AbortController();
  const pictures = open({ signal: over.signal });
  const visitor = pauseOf({ clock, mostMs: patienceMs });
  return {
    saw: visitor.saw,
    clean: async (encoded) => {
      const cleaned = await pictures.clean(encoded);
      while (visitor.still() && !over.signal.aborted) await clock.sleep(lookAgainMs, over.signal).catch(() => undefined);
      return cleaned;
    },
    [Symbol.dispose]: () => over.abort(),
  };
}
