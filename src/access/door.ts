/**
 * The door for everyone who does not come by face (button, keypad, operators). Each call becomes one request to the
 * controller. PINs are checked here, with a back-off for each person; one that was hashed without the vault is hashed
 * again once it was right. The entrance opens it; there is nothing to close.
 */

import { createHash } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import { serialQueue } from '../base/serial.ts';
import type { Clock } from '../base/time.ts';
import type { PersonId, Requester } from '../events.ts';
import type { Gallery, PersonRules } from '../identity/port.ts';
import type { Entry } from '../journal/port.ts';
import type { Admission } from './admission.ts';
import type { Controller } from './controller.ts';
import { isTheEmergencyPin } from './emergency-pin.ts';
import { hashPin, isPlainHash, isThePin, type PinVault } from './pin.ts';
import { barred, emergency, nobody, withRight, withWrong } from './pin-tries.ts';
import type { Answer, Door } from './port.ts';

export interface DoorOptions {
  readonly controller: Controller;
  readonly gallery: Pick<Gallery, 'find' | 'ids' | 'rules' | 'setRules'>;
  readonly vault: PinVault;
  /** Whether a PIN may come without saying whose it is. */
  readonly pinWithoutName: boolean;
  readonly admission: (personId: PersonId) => Admission;
  readonly togetherMs: () => number;
  /** Where the vault is locked: the hash of the one PIN that opens then, if one is set. Nobody else's PIN is known. */
  readonly emergencyPin: (() => string | undefined) | undefined;
  readonly clock: Clock;
  /** An operator who ends a lock-out vouches for the clock too: the door took the command as a fresh one. */
  readonly onReset: () => void;
}

/** The door over a controller. */
export function openDoor(options: DoorOptions): Door {
  const { controller, onReset } = options;
  // One at a time: tries side by side would each see the count from before the others.
  const inTurn = serialQueue();

  return {
    open: (by) => controller.request('open', by),
    hold: (by, durationMs) => controller.request('hold', by, { durationMs }),
    release: (by) => controller.request('release', by),
    arm: (by) => controller.request('arm', by),
    disarm: (by) => controller.request('disarm', by),
    resetLockOut: (by) => {
      // Who is called so has not signed.
      if (by.kind === 'operator' && by.name !== 'anyone') onReset();
      return controller.request('lockout-reset', by);
    },
    enterPin: (by, pin, who) =>
      inTurn(() =>
        options.emergencyPin
          ? enterEmergencyPin(options, by, pin, options.emergencyPin())
          : enterPin(options, by, pin, who, (owner) => void inTurn(() => hashAgain(options, owner, pin))),
      ),
    left: async (by, personId) => recorded(controller.record({ kind: 'person.left', personId, by })),
  };
}

async function enterPin(
  options: DoorOptions,
  by: Requester,
  pin: string,
  who: string | undefined,
  onPlain: (owner: PinOwner) => void,
): Promise<Answer> {
  const { controller, admission, togetherMs, clock } = options;
  if (who === undefined && !options.pinWithoutName)
    return controller.refuse('open', by, 'wrong-pin', 'say whose PIN it is (person), or set access.pinWithoutName');
  const [against, candidates] = candidatesOf(options, who);
  const why = barred(controller.pins, against.who, against.of, clock.now());
  if (why !== undefined) return controller.refuse('open', by, 'locked-out', why);
  const [owner, another] = await ownersOf(options.vault, pin, candidates);
  if (!owner || another) {
    controller.pins = withWrong(controller.pins, against.who, against.of, clock.now());
    return controller.refuse('open', by, 'wrong-pin', another ? 'more than one person has this PIN: give each their own' : 'no such PIN');
  }
  const { personId, rules } = owner;
  if (isPlainHash(rules.pin ?? '')) onPlain(owner);
  const admitted = admission(personId);
  // Tries without a name are against everybody: a PIN that opens nothing by itself must not buy more of them.
  if (against.who !== nobody || (admitted.ok && rules.pinOpens)) controller.pins = withRight(controller.pins, against.who);
  if (!admitted.ok) return controller.refuse('open', by, admitted.reason, admitted.detail);
  if (rules.pinOpens) {
    await controller.submit({ kind: 'vouched', atMs: clock.now() });
    return controller.request('open', by, { personId });
  }
  await controller.submit({ kind: 'pin', atMs: clock.now(), personId });
  return recorded(controller.record({ kind: 'pin.accepted', personId, withinMs: togetherMs() }));
}

/** Whose PIN it is said to be does not matter: nobody is known. */
async function enterEmergencyPin(
  { controller, clock }: DoorOptions,
  by: Requester,
  pin: string,
  stored: string | undefined,
): Promise<Answer> {
  if (stored === undefined) {
    const why = 'the vault is locked, so the PINs of people are not known, and this door has no emergency PIN (facelatch vault pin)';
    return controller.refuse('open', by, 'vault-locked', why);
  }
  const of = digestOf(stored);
  const why = barred(controller.pins, emergency, of, clock.now());
  if (why !== undefined) return controller.refuse('open', by, 'locked-out', why);
  if (!(await isTheEmergencyPin(pin, stored))) {
    controller.pins = withWrong(controller.pins, emergency, of, clock.now());
    return controller.refuse('open', by, 'wrong-pin', 'the vault is locked, and this is not the emergency PIN');
  }
  controller.pins = withRight(controller.pins, emergency);
  return controller.request('open', by, { emergencyPin: true });
}

interface PinOwner {
  readonly personId: PersonId;
  readonly rules: PersonRules;
}

/** Against whom wrong tries count, and whose PIN it may be. An unknown name is answered as a wrong PIN is. */
function candidatesOf(
  { gallery }: DoorOptions,
  who: string | undefined,
): readonly [{ readonly who: PersonId; readonly of: string }, readonly PinOwner[]] {
  const owner = (personId: PersonId): PinOwner => ({ personId, rules: gallery.rules(personId) });
  const named = who === undefined ? undefined : gallery.find(who);
  const pin = named && gallery.rules(named.id).pin;
  if (named && pin !== undefined) return [{ who: named.id, of: digestOf(pin) }, [owner(named.id)]];
  const everyone = gallery.ids().flatMap((id) => (gallery.rules(id).pin ? [owner(id)] : []));
  return [{ who: nobody, of: '' }, who === undefined ? everyone : []];
}

/** Which PIN it is; nothing about it can be told from this, because the hash it is made of has a random salt. */
const digestOf = (stored: string): string => createHash('sha256').update(stored).digest('base64url').slice(0, 16);

/** Tries all of them, even after a match: the time it takes tells nothing. Nor does it for an unknown name. */
async function ownersOf(vault: PinVault, pin: string, candidates: readonly PinOwner[]): Promise<PinOwner[]> {
  if (candidates.length === 0) await isThePin(vault, pin, '');
  const owners: PinOwner[] = [];
  for (const candidate of candidates) if (await isThePin(vault, pin, candidate.rules.pin ?? '')) owners.push(candidate);
  return owners;
}

/** After the door has answered. Where it cannot be stored now, the next right PIN tries again. */
async function hashAgain({ gallery, vault }: DoorOptions, { personId, rules }: PinOwner, pin: string): Promise<void> {
  try {
    const hashed = await hashPin(vault, pin);
    const now = gallery.rules(personId);
    if (now.pin === rules.pin) gallery.setRules(personId, { ...now, pin: hashed });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

const recorded = (entry: Entry | undefined): Answer =>
  entry ? { ok: true, seq: entry.seq } : { ok: false, reason: 'journal-down', detail: 'the journal cannot be written' };
