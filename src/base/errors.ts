/**
 * What can go wrong outside the program: one class with a closed list of codes. Every edge (daemon, command line, MQTT)
 * decides on the code and shows people the message with its remedy.
 */

/** Every fault facelatch knows. Expected outcomes (a denial, a picture without a face) are values, never faults. */
export type FaultCode =
  | 'accounts-damaged'
  | 'backup-damaged'
  | 'backup-failed'
  | 'backup-refused'
  | 'bad-argument'
  | 'bad-config'
  | 'bad-picture'
  | 'camera-dark'
  | 'camera-ended'
  | 'camera-frozen'
  | 'camera-looped'
  | 'camera-missing'
  | 'camera-replaced'
  | 'camera-untrusted'
  | 'consent-damaged'
  | 'consent-missing'
  | 'database-newer'
  | 'disk-full'
  | 'farm-damaged'
  | 'farm-unreachable'
  | 'gallery-damaged'
  | 'gallery-down'
  | 'broker-unreachable'
  | 'broker-refused'
  | 'broker-unruly'
  | 'journal-damaged'
  | 'journal-down'
  | 'key-destroyed'
  | 'liveness-damaged'
  | 'model-damaged'
  | 'model-missing'
  | 'model-refused'
  | 'model-unfit'
  | 'not-found'
  | 'not-permitted'
  | 'picture-damaged'
  | 'reader-failed'
  | 'registry-damaged'
  | 'registry-down'
  | 'relay-busy'
  | 'relay-failed'
  | 'relay-forbidden'
  | 'relay-missing'
  | 'seal-broken'
  | 'state-locked'
  | 'tool-missing'
  | 'training-busy'
  | 'training-failed'
  | 'vault-damaged'
  | 'vault-down'
  | 'vault-locked'
  | 'vault-unfit';

/**
 * A fault. `message` is one clear sentence that names the setting and the remedy; `cause` is the error underneath.
 * `publicly` says the same without people's names and names of files. Logs, events and whatever leaves the door take
 * `messageOf`, which prefers it; only the shell shows `message`.
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly publicly: string | undefined;

  constructor(code: FaultCode, message: string, cause?: unknown, publicly?: string) {
    super(message, { cause });
    this.code = code;
    this.publicly = publicly;
  }
}

/** No space, no quota, or a limit on the size of files: what the file system says of a full disk. */
export function isDiskFull(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
}

/** `error` as a Fault: itself if it is one, else wrapped under `code` with its message. */
export function asFault(error: unknown, code: FaultCode, what: string): Fault {
  if (error instanceof Fault) return error;
  return new Fault(code, `${what}: ${messageOf(error)}`, error);
}

/** The message of anything thrown, as everybody may read it. */
export function messageOf(error: unknown): string {
  if (error instanceof Fault) return error.publicly ?? error.message;
  return error instanceof Error ? error.message : String(error);
}

/** The whole message, for whoever sits at the door's own shell. */
export function shellMessageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether the fault is about a picture alone: it cannot be read, or a part of it is missing. */
export function isBadPicture(error: unknown): error is Fault {
  return error instanceof Fault && (error.code === 'bad-picture' || error.code === 'picture-damaged');
}
