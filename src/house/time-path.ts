/**
 * What happens as time passes: ten times a second the lock, learning, the published states and systemd; every second
 * what other processes changed.
 */
import type { Entrance } from '../access/entrance.ts';
import { Fault, messageOf } from '../base/errors.ts';
import type { Event } from '../events.ts';
import { destroyAgain } from '../vault/witness.ts';
import { endUnlocked, lookForKey } from './locked.ts';
import type { Loops } from './loops.ts';
import type { Rooms } from './rooms.ts';
import { summaryOf } from './standing.ts';

export function onTick(rooms: Rooms, entrance: Pick<Entrance, 'tick' | 'controller'>, { status }: Pick<Loops, 'status'>): void {
  const { learning, publishing, listeners, relay } = rooms;
  entrance.tick();
  rooms.challenges?.tick(entrance.controller.challenge);
  learning?.tick();
  endUnlocked(rooms);
  publishing?.showStates();
  rooms.console?.tick();
  rooms.retention?.tick();
  listeners.serviceManager?.attend({ relayHeld: relay.held, turns: status.turns, status: summaryOf(rooms, status) });
}

/** Keys that a removal has left to be wrapped again, a few at a time. */
function settled({ vault, log }: Rooms): boolean {
  try {
    return vault.settle() !== 'more';
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    log.warn({ room: 'vault', code: error.code, err: messageOf(error) }, 'keys cannot be wrapped again now');
    return true;
  }
}

/** Another keyring in its place, or what other processes destroyed in it. */
export function lookAtKeyring(rooms: Pick<Rooms, 'vault' | 'journal' | 'log' | 'lock' | 'keyring'>, record: (event: Event) => void): void {
  const { vault, journal, log } = rooms;
  try {
    if (rooms.lock || vault.changes === rooms.keyring) return;
    const replaced = destroyAgain({ vault, notes: journal });
    rooms.keyring = vault.changes;
    if (!replaced) return;
    log.error({ room: 'vault', ...replaced }, 'another keyring is in the place of the one of before');
    record(replaced);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    log.warn({ room: 'vault', code: error.code, err: messageOf(error) }, 'the keyring cannot be compared with the one of before');
  }
}

/** Takes in what other processes changed in the people and the trained networks; true where there is more of it. */
export function takeInChanges(rooms: Rooms, record: (event: Event) => void): boolean {
  const { gallery } = rooms.eyes;
  lookForKey(rooms, record);
  lookAtKeyring(rooms, record);
  try {
    if (gallery.refresh()) rooms.log.info({ room: 'identity', templates: gallery.templates }, 'people changed');
    rooms.people = gallery.people;
    rooms.learning?.refresh(rooms.people);
    rooms.evidence?.look();
    rooms.liveness?.refresh(gallery);
  } catch (error) {
    // Those known so far stay known, unless the file itself is gone; the next second tries again.
    if (!(error instanceof Fault)) throw error;
    rooms.log.warn({ room: 'identity', code: error.code, err: messageOf(error) }, 'changes to the people cannot be read');
  }
  rooms.operators?.look();
  rooms.backups?.tick();
  for (const finding of gallery.findings()) {
    rooms.log.error({ room: 'identity', ...finding }, 'the file of the people was changed from outside');
    record(finding);
  }
  return settled(rooms) ? gallery.unread : true;
}
