/**
 * Notifies systemd (sd_notify(3)). In: the environment of a Type=notify unit, and how the house is. Out: READY, STATUS,
 * WATCHDOG and STOPPING, over a Unix datagram socket, which Node does not have and koffi reaches. READY waits for the
 * relay line; WATCHDOG is sent only while every loop turns. `adapters/host.ts` opens the socket, and it ends when it is
 * disposed.
 */
import { Fault, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';

/** Sends assignments in one datagram; false when systemd does not take it now. */
export type Notify = (...assignments: readonly string[]) => boolean;

export interface NotifySocket extends Disposable {
  readonly notify: Notify;
}

/** What a unit with Type=notify and WatchdogSec= finds in its environment. */
export interface NotifyEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
}

/** The state of the house at one tick. */
export interface Attendance {
  /** Whether this daemon holds the relay line, at its safe level or pulsed. */
  readonly relayHeld: boolean;
  /** How often each loop has turned so far. A number that does not change means that the loop hangs. */
  readonly turns: Readonly<Record<string, number>>;
  /** One line for `systemctl status`; no names in it. */
  readonly status: string;
}

export interface ServiceManager {
  /**
   * Called often by the running loops. Sends READY once the relay is held, STATUS when it changed, WATCHDOG while every
   * loop turns.
   */
  attend(attendance: Attendance): void;
  /** Called once, when the daemon is asked to stop. */
  stopping(): void;
}

export interface ServiceManagerOptions {
  readonly notify: Notify;
  /** The unit's WatchdogSec in milliseconds; 0: none. */
  readonly watchdogMs: number;
  /** How long one turn of a loop may take, milliseconds. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The unit's WatchdogSec in milliseconds; 0 where there is none, or it is meant for another process. */
export function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: NotifyEnvironment, pid: number): number {
  if (WATCHDOG_PID && Number(WATCHDOG_PID) !== pid) return 0;
  const ms = Number(WATCHDOG_USEC ?? 0) / 1000;
  return Number.isFinite(ms) && ms > 0 ? ms : 0;
}

/** Decides what to tell systemd, and when. It has no timer: things happen only when `attend` is called. */
export function serviceManager({ notify, watchdogMs, patienceMs, clock, log }: ServiceManagerOptions): ServiceManager {
  const lastTurn = new Map<string, { readonly turns: number; readonly atMs: number }>();
  const hanging = new Set<string>();
  let ready = false;
  let told: string | undefined;
  let fedAtMs = Number.NEGATIVE_INFINITY;

  const everyLoopTurns = (turns: Attendance['turns'], nowMs: number): boolean => {
    for (const [loop, count] of Object.entries(turns)) {
      const before = lastTurn.get(loop);
      if (before?.turns !== count) {
        lastTurn.set(loop, { turns: count, atMs: nowMs });
        if (hanging.delete(loop)) log.info({ loop }, 'loop turns again');
      } else if (nowMs - before.atMs > patienceMs && !hanging.has(loop)) {
        hanging.add(loop);
        log.error({ loop, patienceMs, watchdogMs }, 'loop hangs, watchdog not fed');
      }
    }
    return hanging.size === 0;
  };
  return {
    attend: ({ relayHeld, turns, status }) => {
      const nowMs = clock.now();
      const line = oneLine(status);
      if (!ready && relayHeld) {
        ready = notify('READY=1', `STATUS=${line}`);
        if (ready) told = line;
      } else if (line !== told && notify(`STATUS=${line}`)) told = line;
      const turning = everyLoopTurns(turns, nowMs);
      // Four times in each period, so that a lost datagram or a late tick does no harm.
      if (watchdogMs > 0 && turning && nowMs - fedAtMs >= watchdogMs / 4 && notify('WATCHDOG=1')) fedAtMs = nowMs;
    },
    stopping: () => {
      notify('STOPPING=1', 'STATUS=stopping');
    },
  };
}

/** A line break would start another assignment. */
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

// From <sys/socket.h> and <fcntl.h>; the same on x86-64 and arm64 Linux.
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** sizeof(sun_path) in struct sockaddr_un, unix(7). */
const longestPath = 108;

/**
 * The socket that systemd listens on: a path, or `@name` in the abstract namespace.
 * @throws Fault `bad-config` when the address is neither, or the C library cannot be reached.
 */
export async function openNotifySocket(address: string): Promise<NotifySocket> {
  const name = addressOf(address);
  const { default: koffi } = await import('koffi').catch((error: unknown) => {
    throw new Fault('bad-config', `koffi, which reaches systemd's socket, cannot be loaded (${messageOf(error)}): npm ci`, error);
  });
  const libc = koffi.load('libc.so.6');
  const socket: (domain: number, type: number, protocol: number) => number = libc.func('int socket(int, int, int)');
  const sendto: (fd: number, data: Buffer, length: number, flags: number, to: Buffer, toLength: number) => number = libc.func(
    'long sendto(int, const void *, size_t, int, const void *, unsigned int)',
  );
  const close: (fd: number) => number = libc.func('int close(int)');
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new Fault('bad-config', `No Unix datagram socket can be opened (errno ${koffi.errno()}): allow AF_UNIX in the unit`);
  let open = true;
  return {
    notify: (...assignments) => {
      if (!open) return false;
      const data = Buffer.from(assignments.join('\n'));
      // Never waits: a service manager that hangs must not hang the door.
      return sendto(fd, data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL, name, name.length) === data.length;
    },
    [Symbol.dispose]: () => {
      if (open) close(fd);
      open = false;
    },
  };
}

/** struct sockaddr_un: the family, then a path that ends in NUL, or NUL and a name that ends with the address. */
function addressOf(address: string): Buffer {
  const abstract = address.startsWith('@');
  if (!abstract && !address.startsWith('/'))
    throw new Fault(
      'bad-config',
      `NOTIFY_SOCKET=${address} is neither a path nor an abstract name (@…); systemd(1) sets it, do not set it yourself`,
    );
  const path = Buffer.from(abstract ? `\0${address.slice(1)}` : `${address}\0`);
  if (path.length > longestPath) throw new Fault('bad-config', `NOTIFY_SOCKET=${address} is longer than ${longestPath} bytes, unix(7)`);
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, path]);
}
