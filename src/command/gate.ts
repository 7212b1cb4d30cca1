/**
 * The gate of the command desk: a payload goes in; what comes out is who asks for what, proved and allowed, or why not.
 * The gate carries nothing out. A signed command that passes is already noted as used.
 */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { claimedKid, parseJson } from '../base/jws.ts';
import type { Clock } from '../base/time.ts';
import { type DoorKeys, importKey, type PublicKey } from './keys.ts';
import type { Operators } from './operators.ts';
import { type CommandError, type Incoming, type Role, roles } from './port.ts';
import { disclose, isEnclosed, isSigned, verifiedClaims } from './seal.ts';
import type { Call, Command } from './spec.ts';
import type { UsedCommands } from './used.ts';

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
  readonly keys: DoorKeys;
  readonly operators: Operators;
  readonly used: UsedCommands;
  /** Commands that may come unsigned although they change something or tell who somebody is. */
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
  | { readonly ok: true; readonly way: ReplyWay; readonly command: Command; readonly args: unknown; readonly call: Call }
  | { readonly ok: false; readonly way: ReplyWay; readonly error: CommandError };

export interface Gate {
  admit(incoming: Incoming): Promise<GateAnswer>;
}

const refuse = (way: ReplyWay, code: CommandError['code'], message: string): GateAnswer => ({ ok: false, way, error: { code, message } });

export function commandGate(options: GateOptions): Gate {
  const unsignedIds = recentIds(1000);
  const admitPlain = (name: string, text: string): GateAnswer => {
    const request: unknown = text.trim() === '' ? {} : parseJson(Buffer.from(text));
    if (!plain.Check(request))
      return refuse({ signed: false }, 'malformed', 'This is not a request: send JSON such as {"id":"1","args":{}}.');
    const way = { signed: false, ...pick(request, 'id'), ...pick(request, 'replyTo') };
    const command = options.commands.get(name);
    if (!command) return refuse(way, 'unknown-command', 'There is no such command.');
    if ((command.changes || command.confidential) && !options.allowUnsigned.includes(name))
      return refuse(way, 'unsigned', 'This command must be signed by an operator: facelatch send does that.');
    if (request.id !== undefined && unsignedIds.seen(request.id))
      return refuse(way, 'replayed', 'A command with this id was taken already.');
    return withArgs(way, command, request.args ?? {}, {
      who: 'anyone',
      by: { kind: 'operator', name: 'anyone', via: 'mqtt', requestId: request.id ?? 'none' },
    });
  };

  const admitSigned = async (name: string, text: string): Promise<GateAnswer> => {
    const { keys, operators, clock } = options;
    const jws = isEnclosed(text) ? await disclose(text, keys.decrypt) : text;
    if (jws === undefined || !isSigned(jws))
      return refuse({ signed: true }, 'bad-signature', 'This is not encrypted to this door: fetch its card again (facelatch key door).');
    const kid = claimedKid(jws, 'facelatch-command+jwt');
    const operator = kid === undefined ? undefined : await operators.find(kid);
    if (!operator) return refuse({ signed: true }, 'unknown-key', 'No operator of this door has this key: add it with facelatch key add.');
    const claims = await verifiedClaims(jws, await importKey(operator.key));
    if (claims === undefined) return refuse({ signed: true }, 'bad-signature', 'The signature does not fit: the command was changed.');
    if (!signed.Check(claims)) return refuse({ signed: true }, 'malformed', 'This door does not know this form of signed request.');
    const way: ReplyWay = { signed: true, id: claims.jti, ...pick(claims, 'replyTo'), ...pick(claims, 'replyKey') };
    const problem = wrongClaims(claims, name, options) ?? wrongTime(claims, options);
    if (problem) return { ok: false, way, error: problem };
    const command = options.commands.get(name);
    if (!command) return refuse(way, 'unknown-command', 'There is no such command.');
    if (!mayAs(operator.role, command.role))
      return refuse(way, 'role', `${operator.name} has the role ${operator.role}; this command needs ${command.role}.`);
    const admission = withArgs(way, command, claims.args, {
      who: operator.name,
      by: { kind: 'operator', name: operator.name, via: 'mqtt', requestId: claims.jti },
    });
    if (!admission.ok) return admission;
    // The last check, before anything is done: from here on the command is used up.
    const use = options.used.note(
      { kid: operator.kid, jti: claims.jti, iatS: claims.iat, expS: Math.ceil(claims.exp), inOrder: command.changes },
      Math.floor(clock.wall() / 1000),
    );
    if (use === 'again') return refuse(way, 'replayed', 'This command was used already: sign a new one.');
    if (use === 'overtaken')
      return refuse(
        way,
        'out-of-order',
        'A command that you signed later was carried out already: if you still want this one, sign it again.',
      );
    if (use === 'full') return refuse(way, 'busy', 'Too many commands came recently: try again in a few minutes.');
    return admission;
  };

  return {
    admit: async ({ name, payload, retained }) => {
      const text = decode(payload);
      if (text === undefined) return refuse({ signed: false }, 'malformed', 'This is not UTF-8 text.');
      const isSealed = isSigned(text.trim()) || isEnclosed(text.trim());
      if (retained) return refuse({ signed: isSealed }, 'retained', 'A command must not be retained: the broker would send it again.');
      return isSealed ? await admitSigned(name, text.trim()) : admitPlain(name, text);
    },
  };
}

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

/** Whom a command is for: the door's name and its key, because two doors may have the same name. */
export function audienceOf({ card, id }: Pick<DoorKeys, 'card' | 'id'>): string {
  return `${card.door}#${id}`;
}

function withArgs(way: ReplyWay, command: Command, args: unknown, call: Call): GateAnswer {
  const validator = validatorOf(command);
  if (validator.Check(args)) return { ok: true, way, command, args, call };
  const [first] = validator.Errors(args);
  const where = first?.instancePath ? ` at ${first.instancePath.slice(0, 100)}` : '';
  return refuse(
    way,
    'invalid-arguments',
    `The arguments do not fit ${command.name}${where}: ${(first?.message ?? 'wrong').slice(0, 200)}.`,
  );
}

const validators = new WeakMap<Command, ReturnType<typeof Compile>>();

function validatorOf(command: Command): ReturnType<typeof Compile> {
  const validator = validators.get(command) ?? Compile(command.args);
  validators.set(command, validator);
  return validator;
}

function mayAs(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
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
