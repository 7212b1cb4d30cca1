/** A door that remembers who asked for what; it can be told to refuse. */

import type { Answer, Door } from '../../src/access/port.ts';
import type { Requester } from '../../src/events.ts';

export interface FakeDoor extends Door {
  readonly calls: { readonly what: keyof Door; readonly by: Requester; readonly value?: number | string }[];
  /** Set: what comes back instead of a journal entry. */
  refusal?: Extract<Answer, { readonly ok: false }>;
}

export function fakeDoor(): FakeDoor {
  const take = async (what: keyof Door, by: Requester, value?: number | string): Promise<Answer> => {
    door.calls.push({ what, by, ...(value === undefined ? {} : { value }) });
    return door.refusal ?? { ok: true, seq: door.calls.length };
  };
  const door: FakeDoor = {
    calls: [],
    open: (by) => take('open', by),
    hold: (by, durationMs) => take('hold', by, durationMs),
    release: (by) => take('release', by),
    arm: (by) => take('arm', by),
    disarm: (by) => take('disarm', by),
    resetLockOut: (by) => take('resetLockOut', by),
    left: (by, personId) => take('left', by, personId),
    enterPin: (by, pin) => take('enterPin', by, pin),
  };
  return door;
}
