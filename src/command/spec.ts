/** What a command is: one place holds its name, what it takes and gives, who may send it, and what it does, against the ports of the house. */
import type { Static, TObject, TSchema } from 'typebox';
import type { ChangeRules, Door } from '../access/port.ts';
import type { Requester } from '../events.ts';
import type { EnrolmentSessions, Gallery, Roster } from '../identity/port.ts';
import type { Query } from '../journal/port.ts';
import type { Training } from '../retrain/port.ts';
import type { Parts } from './parts.ts';
import type { CommandError, Outcome, Role } from './port.ts';

/** What commands act on. A part that this house does not have is absent, and its commands answer `unavailable`. */
export interface CommandPorts {
  readonly door?: Door;
  readonly gallery: Pick<Gallery, 'list' | 'find' | 'pictures'>;
  readonly roster: Pick<Roster, 'rename' | 'remove' | 'removePicture'>;
  readonly rule: ChangeRules;
  /** Journal entries as they are published. */
  readonly entries: (query: Query) => readonly object[];
  readonly enrolment?: EnrolmentSessions;
  readonly parts: Parts;
  readonly settings: Settings;
  readonly training?: Training;
  readonly models?: () => readonly Record<string, unknown>[];
  /** The kept pictures of a journal entry. Absent where no picture may leave the door. */
  readonly keptPictures?: (seq: number) => readonly Uint8Array[];
  /** Absent where no picture may leave the door. */
  readonly snapshot?: () => Promise<{ readonly capturedAt: string; readonly picture: Uint8Array } | undefined>;
}

/** The settings in force. */
export interface Settings {
  /** By path, without those that are secret. */
  all(): Readonly<Record<string, unknown>>;
  /** A text says why it may not be. */
  set(path: string, value: number, by: string): string | { readonly before: unknown };
}

/** One request, authenticated. */
export interface Call {
  readonly by: Requester;
  /** Who that is, for people: an operator's name. */
  readonly who: string;
}

export interface CommandSpec<Args extends TObject, Result extends TSchema> {
  /** Imperative, as in `door.open`. */
  readonly name: string;
  /** What it does, one line for people. */
  readonly summary: string;
  readonly role: Role;
  /** True where it changes anything: then only `mqtt.allowUnsigned` lets it in without a signature. */
  readonly changes: boolean;
  /** True where the answer tells who somebody is, or shows them: guarded like a change. */
  readonly confidential?: boolean;
  readonly args: Args;
  readonly result: Result;
  run(ports: CommandPorts, args: Static<Args>, call: Call): Promise<Outcome<Static<Result>>> | Outcome<Static<Result>>;
}

/** A command whatever it takes and gives; `run` is only called with arguments that fit `args`. */
export interface Command extends Omit<CommandSpec<TObject, TSchema>, 'run'> {
  run(ports: CommandPorts, args: unknown, call: Call): Promise<Outcome> | Outcome;
}

/** A command of the registry, with its handler held to its schemas by the compiler. */
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
