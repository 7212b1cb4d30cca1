/** The door of the command room: what asks, what it may, and what is answered; the network's ways in (MQTT today) know no more of a command. */

/** What an operator may do: each role may what the roles before it may. */
export const roles = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

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
  /** The reason of the room that refused: a denial of the door, a refusal of an enrolment session, the code of a fault. */
  readonly reason?: string;
}

/** What came of a command. */
export type Outcome<Result = unknown> =
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly error: CommandError };

/** One message that asks for something, as it came. */
export interface Incoming {
  /** The command that its topic names, as in `door.open`. */
  readonly name: string;
  readonly payload: Uint8Array;
  /** True where the broker says that it was stored: a command that waited for the door is never carried out. */
  readonly retained: boolean;
}

/** A reply that is owed. */
export interface Reply {
  /** JSON, or a compact JWS or JWE to whoever sent one. */
  readonly payload: string;
  readonly contentType: string;
  /** Where the request itself asked for the reply, if it did. Text from outside: whoever publishes must hold it to its own topics. */
  readonly replyTo?: string;
}

/** Takes commands from anywhere: authenticates, checks, carries out, and answers. */
export interface Desk {
  /** A longer payload is refused unread, bytes. */
  readonly maxBytes: number;
  /** Resolves with the reply, or with undefined where too many errors were answered already. Rejects only for a mistake in the program. */
  take(incoming: Incoming): Promise<Reply | undefined>;
}
