/**
 * The door for everyone who does not come by face (button, keypad, operators). Each call becomes one request to the
 * controller. PINs are checked here, with a back-off of their own. The entrance opens it; there is nothing to close.
 */

import { serialQueue } from '../base/serial.ts';
import type { Clock } from '../base/time.ts';
import type { PersonId } from '../events.ts';
import type { PersonRules } from '../identity/port.ts';
import type { Admission } from './admission.ts';
import type { Controller } from './controller.ts';
import { isThePin } from './pin.ts';
import type { Door } from './port.ts';

export interface DoorOptions {
  readonly controller: Controller;
  /** Everyone who has a PIN. */
  readonly pins: () => readonly { readonly personId: PersonId; readonly rules: PersonRules }[];
  readonly admission: (personId: PersonId) => Admission;
  readonly togetherMs: () => number;
  readonly clock: Clock;
}

/** This many wrong PINs in a row cost nothing. After them each costs a wait, twice as long each time. */
const freeTries = 3;
const firstWaitMs = 30_000;
const mostWaitMs = 3_600_000;

/** The door over a controller. */
export function openDoor({ controller, pins, admission, togetherMs, clock }: DoorOptions): Door {
  let wrong = 0;
  let waitUntilMs = Number.NEGATIVE_INFINITY;
  // One at a time: tries side by side would each see the count from before the others.
  const inTurn = serialQueue();

  /** Tries all of them, even after a match: the time it takes tells nothing. */
  const ownersOf = async (pin: string) => {
    const owners: { readonly personId: PersonId; readonly rules: PersonRules }[] = [];
    for (const person of pins()) if (await isThePin(pin, person.rules.pin ?? '')) owners.push(person);
    return owners;
  };
  const enterPin: Door['enterPin'] = async (by, pin) => {
    const leftMs = waitUntilMs - clock.now();
    if (leftMs > 0) return controller.refuse('open', by, 'locked-out', `too many wrong PINs: wait ${Math.ceil(leftMs / 1000)} s`);
    const [owner, another] = await ownersOf(pin);
    if (!owner || another) {
      wrong++;
      if (wrong >= freeTries) waitUntilMs = clock.now() + Math.min(mostWaitMs, firstWaitMs * 2 ** (wrong - freeTries));
      const detail = another ? 'more than one person has this PIN: give each their own' : 'no such PIN';
      return controller.refuse('open', by, 'wrong-pin', detail);
    }
    const { personId, rules } = owner;
    wrong = 0;
    const admitted = admission(personId);
    if (!admitted.ok) return controller.refuse('open', by, admitted.reason, admitted.detail);
    if (rules.pinOpens) return controller.request('open', by, { personId });
    await controller.submit({ kind: 'pin', atMs: clock.now(), personId });
    const entry = controller.record({ kind: 'pin.accepted', personId, withinMs: togetherMs() });
    return entry ? { ok: true, seq: entry.seq } : { ok: false, reason: 'journal-down', detail: 'the journal cannot be written' };
  };
  return {
    open: (by) => controller.request('open', by),
    hold: (by, durationMs) => controller.request('hold', by, { durationMs }),
    release: (by) => controller.request('release', by),
    arm: (by) => controller.request('arm', by),
    disarm: (by) => controller.request('disarm', by),
    resetLockOut: (by) => {
      wrong = 0;
      waitUntilMs = Number.NEGATIVE_INFINITY;
      return controller.request('lockout-reset', by);
    },
    enterPin: (by, pin) => inTurn(() => enterPin(by, pin)),
    left: async (by, personId) => {
      const entry = controller.record({ kind: 'person.left', personId, by });
      return entry ? { ok: true, seq: entry.seq } : { ok: false, reason: 'journal-down', detail: 'the journal cannot be written' };
    },
  };
}
