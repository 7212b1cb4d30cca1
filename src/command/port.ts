/**
 * The door of the command room: who asks, what they may do, and what is answered. The ways in from the network (MQTT
 * today) know no more of a command than this.
 */

/** What an operator may do; each role may also do what the roles before it may. */
export const roles = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

/** What names an operator, whichever way in they use. */
export const operatorName = /^[A-Za-z0-9_.@-]{1,64}$/;

/** Whether `role` includes what `needed` may do. */
export const mayAs = (role: Role, needed: Role): boolean => roles.indexOf(role) >= roles.indexOf(needed);

/** Why a command was not carried out. A closed list. */
export const refusals = [
  'oversized',
  'malformed',
  'retained',
  'unknown-command',
  'invalid-arguments',
  'unsigned',
  'unknown-key',
  'bad-signature',
  'wrong-door',
  'wrong-command',
  'stale',
  'not-yet',
  'replayed',
  'out-of-order',
  'copied-door',
  'clock-unsynchronised',
  'role',
  'busy',
  'denied',
  'refused',
  'not-found',
  'unavailable',
  'failed',
] as const;
export type Refusal = (typeof refusals)[number];

export interface CommandError {
  readonly code: Refusal;
  /** One sentence for people, with the remedy. */
  readonly message: string;
  /** Why the room refused: a denial of the door, a refusal of an enrolment session, or the code of a fault. */
  readonly reason?: string;
}

/** The result of a command. */
export type Outcome<Result = unknown> =
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly error: CommandError };

/** A message as it came. */
export interface Incoming {
  /** The command that its topic names, as in `door.open`. */
  readonly name: string;
  readonly payload: Uint8Array;
  /** True where the broker had stored it. The door never carries out a command that waited for it. */
  readonly retained: boolean;
}

/** A reply to send. */
export interface Reply {
  /** JSON; a compact JWS or JWE where the request was one. */
  readonly payload: string;
  readonly contentType: string;
  /**
   * The topic the request asked for, if any. It comes from outside: the publisher must restrict it to its own topics.
   */
  readonly replyTo?: string;
}

/** Takes commands from anywhere: authenticates, checks, carries out and answers. */
export interface Desk {
  /** Longer payloads are refused unread, bytes. */
  readonly maxBytes: number;
  /** The reply; undefined where too many errors were answered already. Rejects only for a mistake in the program. */
  take(incoming: Incoming): Promise<Reply | undefined>;
}
