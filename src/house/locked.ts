/**
 * A house whose vault is locked: it knows nobody, and opens by button, signed command and emergency PIN. In: why the
 * vault is locked. Out: a gallery in which nobody is, ports that say why for commands about people, and what unlocks
 * it. wire.ts opens it; once it is unlocked, the house ends and is opened again with its people.
 */
import { readerOf, thresholdOf } from '../adapters/basics.ts';
import { lookAtKeyFile, unlockVault, vaultFiles, vaultLock, vaultOf } from '../adapters/vault.ts';
import { emergencyPinOf } from '../adapters/vouched/emergency-pin.ts';
import { Fault, messageOf } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import type { CommandPorts } from '../command/spec.ts';
import { unlockingKey } from '../command/unlocking-key.ts';
import type { Event } from '../events.ts';
import type { EmbedderInfo, FaceReader } from '../face/port.ts';
import type { EnrolmentSessions, Gallery } from '../identity/port.ts';
import { type Eyes, openEyes } from '../learning/eyes.ts';
import { guardOf } from '../learning/parts.ts';
import type { Config } from '../settings/load.ts';
import { clearUnfinishedKeys } from '../vault/key-file.ts';
import type { Vault } from '../vault/port.ts';
import type { Rooms } from './rooms.ts';

/** What keeps a vault shut; other faults end the start. */
const locks: ReadonlySet<string> = new Set(['vault-locked', 'vault-unfit', 'vault-damaged', 'vault-down']);

/**
 * How long a start waits for a key file whose share does not answer. Then the door opens locked, because its button
 * must not wait for a key. (The relay cannot be opened before the vault: a keeper gives up on a daemon that reads a
 * large gallery for the first time.) Milliseconds.
 */
const firstLookMs = 1000;
/** How long a running door lets one look take. Nobody waits for it. */
const laterLookMs = 30_000;

/** The vault; a locked one says so to whoever asks it for anything. */
export async function houseVault(config: Config, clock: Clock): Promise<{ readonly vault: Vault; readonly lock: Fault | undefined }> {
  await lookAtKeyFile(config, firstLookMs);
  clearUnfinishedKeys(vaultFiles(config).beside);
  try {
    return { vault: vaultOf(config, clock), lock: undefined };
  } catch (error) {
    if (!(error instanceof Fault && locks.has(error.code))) throw error;
    return { vault: lockedVault(error), lock: error };
  }
}

function lockedVault(lock: Fault): Vault {
  const refuse = refuser(lock);
  return {
    ...{
      seal: refuse,
      open: refuse,
      pseudonym: refuse,
      holds: refuse,
      destroy: refuse,
      takeBack: refuse,
      rekey: refuse,
      destroyed: refuse,
      owners: refuse,
      derived: refuse,
    },
    get source() {
      return refuse();
    },
    get epoch() {
      return refuse();
    },
    changes: 'locked',
    settle: () => 'settled',
    [Symbol.dispose]: () => undefined,
  };
}

/** The network of the configuration guards, and knows nobody: whoever comes is told why. */
export async function lockedEyes(config: Config, lock: Fault, reader?: FaceReader): Promise<Eyes & AsyncDisposable> {
  const guarding = reader ?? (await readerOf(config));
  return openEyes(guardOf('base', guarding, nobody(config, guarding.embedder, lock)));
}

function nobody(config: Config, embedder: EmbedderInfo, lock: Fault): Gallery {
  const refuse = refuser(lock);
  const { now: threshold } = thresholdOf(config, embedder, []);
  return {
    ...{ list: () => [], ids: () => [], find: () => undefined, rules: () => ({}), pictures: () => [], match: () => [], enrolled: () => [] },
    ...{ picturesAbout: () => [], picture: () => undefined },
    ...{ enrol: refuse, rename: refuse, setRules: refuse, forget: refuse, forgetPicture: refuse, dropPictures: refuse, reembed: refuse },
    ...{ threshold, people: 0, templates: 0, stale: 0, unrecognised: [], down: undefined, unread: false },
    ...{ consider: () => undefined, findings: () => [], refresh: () => false, keepTemplates: () => 0 },
    [Symbol.dispose]: () => undefined,
  };
}

const refuser = (lock: Fault) => (): never => {
  throw lock;
};

/** Nobody is asked of an empty gallery: the answer would be wrong. */
export function lockedPorts(lock: Fault): Pick<CommandPorts, 'gallery'> & { readonly enrolment: Pick<EnrolmentSessions, 'of'> } {
  const refuse = refuser(lock);
  return { gallery: { list: refuse, find: refuse, pictures: refuse }, enrolment: { of: refuse } };
}

/** The one PIN that opens while the vault is locked; undefined where it is open. */
export const lockedPin = ({ lock, config, journal }: Pick<Rooms, 'lock' | 'config' | 'journal'>) => lock && emergencyPinOf(config, journal);

/** The commands `vault.key` and `vault.unlock`: one try at a time, because each takes 128 MiB. */
export function unlocking(rooms: Rooms, record: (event: Event) => void): NonNullable<CommandPorts['vault']> {
  let underWay = false;
  // Of this start: a house that is opened again has another one.
  const key = unlockingKey();
  const isOpen = () => !rooms.lock || rooms.unlockedAtMs !== undefined;
  return {
    key: async () => (isOpen() ? undefined : await key.card()),
    disclose: key.disclose,
    unlock: async (secret, by) => {
      if (isOpen()) return 'open';
      if (underWay) return 'busy';
      underWay = true;
      try {
        await unlockVault(rooms.config, secret);
        unlocked(rooms, by, record);
        return 'unlocked';
      } finally {
        underWay = false;
      }
    },
  };
}

const lookEveryMs = 2000;

/** Every two seconds: whether the key came back by itself, on its stick or by `facelatch vault recover`. */
export function lookForKey(rooms: Rooms, record: (event: Event) => void): void {
  const { lock, config, clock } = rooms;
  if (!lock || rooms.unlockedAtMs !== undefined || clock.now() < rooms.lookedForKeyMs + lookEveryMs) return;
  rooms.lookedForKeyMs = clock.now();
  if (!vaultLock(config, clock)) unlocked(rooms, 'its key', record);
  else void lookAtKeyFile(config, laterLookMs); // what it finds counts at the next look
}

function unlocked(rooms: Rooms, by: string, record: (event: Event) => void): void {
  rooms.log.info({ room: 'vault', by }, 'the vault was unlocked');
  rooms.unlockedAtMs = rooms.clock.now();
  record({ kind: 'vault.unlocked', by });
}

/** Time for the answer to leave the door. Milliseconds. */
const answerMs = 1000;

/** At every tick: an unlocked house ends, to be opened with its people, as soon as nobody goes through the door. */
export function endUnlocked({ unlockedAtMs, clock, relay, reopen }: Rooms): void {
  if (unlockedAtMs !== undefined && clock.now() >= unlockedAtMs + answerMs && relay.level === 'safe') reopen.abort();
}

/** At the start. */
export function tellLocked(rooms: Rooms, record: (event: Event) => void): void {
  const { lock, log } = rooms;
  if (!lock) return;
  const detail = `${messageOf(lock)}. Until then the door opens by button, by signed command ${pinWords(rooms)}`;
  log.error({ room: 'vault', code: lock.code, err: detail }, 'the vault is locked: nobody is recognised');
  record({ kind: 'vault.locked', code: lock.code, detail });
}

function pinWords(rooms: Rooms): string {
  try {
    return lockedPin(rooms)?.() === undefined ? 'and by no PIN: facelatch vault pin sets one for such times' : 'and by the emergency PIN';
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    rooms.log.error({ room: 'vault', code: error.code, err: messageOf(error) }, 'the emergency PIN cannot be read');
    return 'and by no PIN';
  }
}
