/**
 * What a command is: one object holds its name, what it takes and gives, who may send it, and what it does with the
 * ports of the house.
 */

import type { ChangeRules, Door } from '../access/port.ts';
import type { Static, TObject, TSchema } from '../base/schema.ts';
import type { Requester } from '../events.ts';
import type { EnrolmentSessions, Gallery, Roster } from '../identity/port.ts';
import type { Query } from '../journal/port.ts';
import type { Training } from '../retrain/port.ts';
import type { Parts } from './parts.ts';
import type { CommandError, Outcome, Role } from './port.ts';
import type { X25519Key } from './unlocking-key.ts';

/** What commands act on. Where this house lacks a part, its commands answer `unavailable`. */
export interface CommandPorts {
  readonly door?: Door;
  readonly gallery: Pick<Gallery, 'list' | 'find' | 'pictures'>;
  readonly roster: Pick<Roster, 'rename' | 'remove' | 'removePicture' | 'consent' | 'withdraw'>;
  readonly rule: ChangeRules;
  /** Journal entries in their published form. */
  readonly entries: (query: Query & { readonly limit: number }) => Promise<readonly object[] | 'too-long' | 'busy'>;
  readonly enrolment?: Pick<EnrolmentSessions, 'of'>;
  readonly parts: Parts;
  readonly settings: Settings;
  readonly training?: Training;
  readonly vault?: {
    unlock(secret: string, by: string): Promise<'unlocked' | 'open' | 'busy'>;
    /** To which the secret is enclosed on its way; undefined where the vault is open. */
    key(): Promise<X25519Key | undefined>;
    /** Undefined where it was not enclosed to the key of this start. */
    disclose(enclosed: string): Promise<string | undefined>;
  };
  /** Begins a backup. `again`: one is under way, or was asked for lately. */
  readonly backup?: (by: string) => { readonly file: string } | 'no-folder' | 'again';
  /** Undefined while it is not known. */
  readonly models?: () => Promise<readonly Record<string, unknown>[] | undefined>;
  /** The kept pictures of a journal entry. Absent where no picture may leave the door. */
  readonly keptPictures?: (seq: number) => readonly Uint8Array[];
  /** Absent where no picture may leave the door. */
  readonly snapshot?: () => Promise<{ readonly capturedAt: string; readonly picture: Uint8Array } | undefined>;
}

/** The settings in force. */
export interface Settings {
  /** By path, without the secret ones. */
  all(): Readonly<Record<string, unknown>>;
  /** A text says why it cannot be set. */
  set(path: string, value: number, by: string): string | { readonly before: unknown };
}

/** An authenticated request. */
export interface Call {
  readonly by: Requester;
  /** The operator's name, for people to read. */
  readonly who: string;
  /** Thumbprint of the key that signed it; `unsigned` where none did. */
  readonly key: string;
}

export interface CommandSpec<Args extends TObject, Result extends TSchema> {
  /** Imperative, as in `door.open`. */
  readonly name: string;
  /** What it does, in one line. */
  readonly summary: string;
  readonly role: Role;
  /** True where what it takes must stay secret: it is refused where it is signed and not encrypted as well. */
  readonly secret?: boolean;
  /** True where it changes anything: then that it was used is stored before it is carried out. */
  readonly changes: boolean;
  /** True where it makes the door safer: then it has rates and places of its own, which no other command can take. */
  readonly urgent?: boolean;
  readonly args: Args;
  readonly result: Result;
  run(ports: CommandPorts, args: Static<Args>, call: Call): Promise<Outcome<Static<Result>>> | Outcome<Static<Result>>;
}

/** Any command; `run` is called only with arguments that fit `args`. */
export interface Command extends Omit<CommandSpec<TObject, TSchema>, 'run'> {
  run(ports: CommandPorts, args: unknown, call: Call): Promise<Outcome> | Outcome;
}

/** Makes a command of the registry; the compiler checks its handler against its schemas. */
export function defineCommand<Args extends TObject, Result extends TSchema>(spec: CommandSpec<Args, Result>): Command {
  return { ...spec, run: (ports, args, call) => spec.run(ports, args as Static<Args>, call) };
}

export function done<Result>(result: Result): Outcome<Result> {
  return { ok: true, result };
}

export function refusal(code: CommandError['code'], message: string, reason?: string): Outcome<never> {
  return { ok: false, error: { code, message, ...(reason === undefined ? {} : { reason }) } };
}

export function unavailable(what: string): Outcome<never> {
  return refusal('unavailable', `This door has no ${what}.`);
}
