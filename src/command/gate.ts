/**
 * The gate of the command desk: a payload goes in; what comes out is who asks for what, proved and allowed, or why not.
 * The gate carries nothing out. Checks that cost little come first: the size, how many came, and only then the
 * signature. A signed command that passes is already noted as used.
 */

import { parseJson } from '../base/jws.ts';
import { Compile, type Static, Type } from '../base/schema.ts';
import type { Clock } from '../base/time.ts';
import { copiedWords, type DoorKeys, type PublicKey } from './keys.ts';
import { type Quotas, quotasOf, type Urgency } from './limits/quotas.ts';
import { type SeenIds, seenIds } from './limits/seen.ts';
import type { UsedCommands } from './limits/used.ts';
import type { Operator } from './operators.ts';
import { type CommandError, type Incoming, mayAs } from './port.ts';
import type { Prover } from './proof.ts';
import { looksSealed } from './seal.ts';
import type { Call, Command } from './spec.ts';

const id = Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,64}$' });
const replyTo = Type.String({ minLength: 1, maxLength: 256 });
const x25519 = Type.Object(
  { kty: Type.Literal('OKP'), crv: Type.Literal('X25519'), x: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) },
  { additionalProperties: false },
);
const anything = Type.Record(Type.String(), Type.Unknown());

/** An unsigned request. */
export const plainRequest = Type.Object(
  { schema: Type.Optional(Type.Literal(1)), id: Type.Optional(id), args: Type.Optional(anything), replyTo: Type.Optional(replyTo) },
  { additionalProperties: false },
);

/** What an operator signs. Times are seconds since 1970 with fractions (RFC 7519, section 2: NumericDate). */
export const signedRequest = Type.Object(
  {
    aud: Type.String({ maxLength: 128 }),
    iat: Type.Number(),
    exp: Type.Number(),
    jti: id,
    cmd: Type.String({ maxLength: 64 }),
    args: anything,
    replyTo: Type.Optional(replyTo),
    /** The door encrypts the reply to this key. */
    replyKey: Type.Optional(x25519),
  },
  { additionalProperties: false },
);
const plain = Compile(plainRequest);
const signed = Compile(signedRequest);

export interface GateOptions {
  readonly commands: ReadonlyMap<string, Command>;
  readonly keys: Pick<DoorKeys, 'card' | 'id' | 'copied'>;
  readonly prover: Pick<Prover, 'prove'>;
  readonly used: UsedCommands;
  /** Commands that may come unsigned. */
  readonly allowUnsigned: readonly string[];
  readonly clock: Clock;
  /** Whether a time service keeps the wall clock. */
  readonly clockSynchronised: () => boolean;
  /** How far an operator's clock may differ from the door's; the longest life of a command. Both in seconds. */
  readonly skewS: number;
  readonly maxLifeS: number;
}

/** How the reply goes back, as far as the request said so before it was refused. */
export interface ReplyWay {
  readonly id?: string;
  readonly replyTo?: string;
  /** True where the request has the form of a signed one: then the reply is signed. */
  readonly signed: boolean;
  readonly replyKey?: PublicKey;
}

export type GateAnswer =
  /** `place` is held until the command is over. */
  | {
      readonly ok: true;
      readonly way: ReplyWay;
      readonly command: Command;
      readonly args: unknown;
      readonly call: Call;
      readonly place: Disposable;
    }
  /** `counted`: it counted among the commands of a key, so that nobody else can make the door answer so. */
  | { readonly ok: false; readonly way: ReplyWay; readonly error: CommandError; readonly counted?: true };

export interface Gate {
  /** Undefined: too many came, and it is not even answered. */
  admit(incoming: Incoming): Promise<GateAnswer | undefined>;
}

interface State extends GateOptions {
  readonly quotas: Quotas;
  readonly unsignedIds: { seen(id: string): boolean };
  readonly signedIds: SeenIds;
}

/** Longest unsigned request, bytes: it is read on the deciding thread. */
const maxPlainBytes = 65_536;

/** Longest signed command that goes ahead of others, bytes. */
const maxUrgentBytes = 8192;

const refuse = (way: ReplyWay, code: CommandError['code'], message: string): GateAnswer & { readonly ok: false } => ({
  ok: false,
  way,
  error: { code, message },
});
const tooMany = 'Too many commands are under way: try again in a moment.';

export function commandGate(options: GateOptions): Gate {
  const state: State = { ...options, quotas: quotasOf(options.clock), unsignedIds: recentIds(1000), signedIds: seenIds() };
  return {
    admit: async (incoming) => {
      const sealed = looksSealed(incoming.payload);
      if (incoming.retained)
        return refuse({ signed: sealed }, 'retained', 'A command must not be retained: the broker would send it again.');
      return sealed ? await admitSealed(state, incoming) : admitPlain(state, incoming);
    },
  };
}

const urgencyOf = (command: Command | undefined): Urgency => (command?.urgent ? 'urgent' : command?.changes ? 'change' : 'read');

function admitPlain(state: State, { name, payload }: Incoming): GateAnswer | undefined {
  const { commands, quotas, allowUnsigned, unsignedIds } = state;
  const command = commands.get(name);
  if (!quotas.takeUnsigned(urgencyOf(command))) return undefined;
  if (payload.length > maxPlainBytes)
    return refuse({ signed: false }, 'oversized', `A request without a signature may have at most ${maxPlainBytes} bytes.`);
  const text = decode(payload);
  if (text === undefined) return refuse({ signed: false }, 'malformed', 'This is not UTF-8 text.');
  const request: unknown = text.trim() === '' ? {} : parseJson(Buffer.from(text));
  if (!plain.Check(request))
    return refuse({ signed: false }, 'malformed', 'This is not a request: send JSON such as {"id":"1","args":{}}.');
  const way = { signed: false, ...pick(request, 'id'), ...pick(request, 'replyTo') };
  if (!command) return refuse(way, 'unknown-command', 'There is no such command.');
  if (!allowUnsigned.includes(name))
    return refuse(way, 'unsigned', 'This command must be signed by an operator: facelatch send does that.');
  if (request.id !== undefined && unsignedIds.seen(request.id)) return refuse(way, 'replayed', 'A command with this id was taken already.');
  const args = request.args ?? {};
  const problem = copiedDoor(command, state.keys) ?? wrongArgs(command, args);
  if (problem) return { ok: false, way, error: problem };
  const place = quotas.enter('unsigned', urgencyOf(command));
  if (!place) return refuse(way, 'busy', tooMany);
  const by = { kind: 'operator', name: 'anyone', via: 'mqtt', requestId: request.id ?? 'none' } as const;
  return { ok: true, way, command, args, call: { who: 'anyone', key: 'unsigned', by }, place };
}

async function admitSealed(state: State, { name, payload }: Incoming): Promise<GateAnswer | undefined> {
  const { commands, quotas, prover, clock, skewS, signedIds } = state;
  const urgency = urgencyOf(commands.get(name));
  if (urgency === 'urgent' && payload.length > maxUrgentBytes)
    return refuse({ signed: true }, 'oversized', `This command may have at most ${maxUrgentBytes} bytes.`);
  const proof = quotas.takeProof(urgency) ? await prover.prove(payload, urgency === 'urgent') : undefined;
  if (!proof) return refuse({ signed: true }, 'busy', tooMany);
  if (!proof.ok) return refuse({ signed: true }, proof.code, proof.message);
  const { operator, claims, enclosed } = proof;
  if (!signed.Check(claims)) return refuse({ signed: true }, 'malformed', 'This door does not know this form of signed request.');
  const way: ReplyWay = { signed: true, id: claims.jti, ...pick(claims, 'replyTo'), ...pick(claims, 'replyKey') };
  const problem = wrongClaims(claims, name, state) ?? wrongTime(claims, state);
  if (problem) return { ok: false, way, error: problem };
  const nowS = clock.wall() / 1000;
  // Whoever sends a command of somebody else again must not use up what that operator may send.
  if (signedIds.has(operator.kid, claims.jti)) return { ok: false, way, error: replayed };
  const place = quotas.enter(operator.kid, urgency);
  if (!place) {
    const busy = refuse(way, 'busy', 'Too many commands were signed with this key: try again in a moment.');
    return quotas.mayComplain(operator.kid) ? { ...busy, counted: true } : undefined;
  }
  signedIds.add(operator.kid, claims.jti, claims.exp + skewS, nowS);
  try {
    const admission = admitProved(state, { name, operator, claims, enclosed, way, place });
    if (!admission.ok) place[Symbol.dispose]();
    return admission;
  } catch (error) {
    place[Symbol.dispose]();
    throw error;
  }
}

interface ProvedRequest {
  readonly name: string;
  readonly operator: Pick<Operator, 'name' | 'role' | 'kid'>;
  readonly claims: Static<typeof signedRequest>;
  /** Whether it came encrypted to the door. */
  readonly enclosed: boolean;
  readonly way: ReplyWay;
  readonly place: Disposable;
}

/** The last checks, before anything is done: afterwards a command that changes something is used up, durably. */
function admitProved({ commands, used, clock, keys }: State, { name, operator, claims, enclosed, way, place }: ProvedRequest): GateAnswer {
  const no = (error: CommandError): GateAnswer => ({ ok: false, way, error, counted: true });
  const command = commands.get(name);
  if (!command) return no({ code: 'unknown-command', message: 'There is no such command.' });
  if (!mayAs(operator.role, command.role)) {
    const message = `${operator.name} has the role ${operator.role}; this command needs ${command.role}.`;
    return no({ code: 'role', message });
  }
  const problem = copiedDoor(command, keys) ?? readOnTheWay(command, enclosed) ?? wrongArgs(command, claims.args);
  if (problem) return no(problem);
  // That a read was used is known until the daemon stops, which is enough: repeated, it tells the same operator again.
  if (command.changes) {
    const { kid } = operator;
    const use = { kid, jti: claims.jti, iatS: claims.iat, expS: Math.ceil(claims.exp), inOrder: true, urgent: command.urgent === true };
    const noted = used.note(use, Math.floor(clock.wall() / 1000));
    if (noted !== 'first') return no(unusable[noted]);
  }
  const by = { kind: 'operator', name: operator.name, via: 'mqtt', requestId: claims.jti } as const;
  return { ok: true, way, command, args: claims.args, call: { who: operator.name, key: operator.kid, by }, place };
}

const replayed: CommandError = { code: 'replayed', message: 'This command was used already: sign a new one.' };
const unusable: Readonly<Record<Exclude<ReturnType<UsedCommands['note']>, 'first'>, CommandError>> = {
  again: replayed,
  overtaken: {
    code: 'out-of-order',
    message: 'A command that you signed later was carried out already: if you still want this one, sign it again.',
  },
  full: { code: 'busy', message: 'Too many commands came recently: try again in a few minutes.' },
};

function wrongClaims(claims: Static<typeof signedRequest>, name: string, { keys }: GateOptions): CommandError | undefined {
  if (claims.aud !== audienceOf(keys)) return { code: 'wrong-door', message: 'This command is for another door.' };
  if (claims.cmd !== name) return { code: 'wrong-command', message: 'The topic names another command than the signed one.' };
  return undefined;
}

function wrongTime({ iat, exp }: Static<typeof signedRequest>, options: GateOptions): CommandError | undefined {
  const { clock, skewS, maxLifeS } = options;
  if (!options.clockSynchronised())
    return {
      code: 'clock-unsynchronised',
      message: 'The clock of this door is not synchronised, so it cannot tell old commands from new ones: start its time service.',
    };
  const nowS = clock.wall() / 1000;
  if (exp < iat || exp - iat > maxLifeS) return { code: 'stale', message: `A command may be valid for at most ${maxLifeS} seconds.` };
  if (nowS > exp + skewS) return { code: 'stale', message: 'This command has expired: check that the clocks agree, and sign a new one.' };
  if (nowS < iat - skewS) return { code: 'not-yet', message: 'This command comes from the future: check that the clocks agree.' };
  return undefined;
}

/** What one door takes, its copy takes too, and each would open. What shuts them may come all the same. */
function copiedDoor({ urgent }: Command, { copied }: Pick<DoorKeys, 'copied'>): CommandError | undefined {
  if (!copied || urgent) return undefined;
  return { code: 'copied-door', message: copiedWords };
}

function readOnTheWay({ secret }: Command, enclosed: boolean): CommandError | undefined {
  if (!secret || enclosed) return undefined;
  const message =
    'This command must be encrypted to the door, not only signed (facelatch send does that): whoever saw it knows what it says.';
  return { code: 'refused', message };
}

/** Whom a command is for: the door's name and its key, because two doors may have the same name. */
export function audienceOf({ card, id }: Pick<DoorKeys, 'card' | 'id'>): string {
  return `${card.door}#${id}`;
}

function wrongArgs(command: Command, args: unknown): CommandError | undefined {
  const validator = validatorOf(command);
  if (validator.Check(args)) return undefined;
  const [first] = validator.Errors(args);
  const where = first?.instancePath ? ` at ${first.instancePath.slice(0, 100)}` : '';
  const message = `The arguments do not fit ${command.name}${where}: ${(first?.message ?? 'wrong').slice(0, 200)}.`;
  return { code: 'invalid-arguments', message };
}

const validators = new WeakMap<Command, ReturnType<typeof Compile>>();

function validatorOf(command: Command): ReturnType<typeof Compile> {
  const validator = validators.get(command) ?? Compile(command.args);
  validators.set(command, validator);
  return validator;
}

function decode(payload: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch {
    return undefined;
  }
}

function pick<T extends object, K extends keyof T>(from: T, key: K): Pick<T, K> | object {
  return from[key] === undefined ? {} : { [key]: from[key] };
}

/** Remembers the last `count` ids: an honest broker may deliver a message twice. */
function recentIds(count: number): { seen(id: string): boolean } {
  const ids = new Set<string>();
  return {
    seen: (id) => {
      if (ids.has(id)) return true;
      ids.add(id);
      const [oldest] = ids;
      if (ids.size > count && oldest !== undefined) ids.delete(oldest);
      return false;
    },
  };
}
