/**
 * The gate of the command desk: a payload goes in; who asks for what, proved and allowed, comes out, or why not. Nothing is done here, and a signed
 * command that comes out was noted as used before.
 */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Clock } from '../base/time.ts';
import { type DoorKeys, importKey, type PublicKey } from './keys.ts';
import type { Operators } from './operators.ts';
import { type CommandError, type Incoming, type Role, roles } from './port.ts';
import { claimedKid, disclose, isEnclosed, isSigned, parseJson, verify } from './seal.ts';
import type { Call, Command } from './spec.ts';
import type { UsedCommands } from './used.ts';

const id = Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,64}$' });
const replyTo = Type.String({ minLength: 1, maxLength: 256 });
const x25519 = Type.Object(
  { kty: Type.Literal('OKP'), crv: Type.Literal('X25519'), x: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) },
  { additionalProperties: false },
);
const anything = Type.Record(Type.String(), Type.Unknown());

/** A request that nobody signed. */
export const plainRequest = Type.Object(
  { schema: Type.Optional(Type.Literal(1)), id: Type.Optional(id), args: Type.Optional(anything), replyTo: Type.Optional(replyTo) },
  { additionalProperties: false },
);

/** What an operator signs. Times are seconds since 1970, with fractions (RFC 7519, section 2: NumericDate). */
export const signedRequest = Type.Object(
  {
    aud: Type.String({ maxLength: 128 }),
    iat: Type.Number(),
    exp: Type.Number(),
    jti: id,
    cmd: Type.String({ maxLength: 64 }),
    args: anything,
    replyTo: Type.Optional(replyTo),
    /** The reply is encrypted to this key. */
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
  /** Commands let in without a signature although they change something or tell who somebody is. */
  readonly allowUnsigned: readonly string[];
  readonly clock: Clock;
  /** Whether the wall clock is held to true time. */
  readonly clockSynchronised: () => boolean;
  /** How far an operator's clock may differ from the door's, and how long a command may live at most, seconds. */
  readonly skewS: number;
  readonly maxLifeS: number;
}

/** How the reply goes back, as far as the request told before it was refused. */
export interface ReplyWay {
  readonly id?: string;
  readonly replyTo?: string;
  /** True where a text in the form of a signed one came: then the reply is signed. */
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
    if (!plain.Check(request)) return refuse({ signed: false }, 'malformed', 'This is no request: send JSON such as {"id":"1","args":{}}.');
    const way = { signed: false, ...pick(request, 'id'), ...pick(request, 'replyTo') };
    const command = options.commands.get(name);
    if (!command) return refuse(way, 'unknown-command', 'There is no such command.');
    if ((command.changes || command.confidential) && !options.allowUnsigned.includes(name))
      return refuse(way, 'unsigned', 'This command must be signed by an operator: facelatch send does that.');
    if (request.id !== undefined && unsignedIds.seen(request.id)) return refuse(way, 'replayed', 'A command of this id was taken already.');
    return withArgs(way, command, request.args ?? {}, {
      who: 'anyone',
      by: { kind: 'operator', name: 'anyone', via: 'mqtt', requestId: request.id ?? 'none' },
    });
  };

  const admitSigned = async (name: string, text: string): Promise<GateAnswer> => {
    const { keys, operators, clock } = options;
    const jws = isEnclosed(text) ? await disclose(text, keys.decrypt) : text;
    if (jws === undefined || !isSigned(jws))
      return refuse({ signed: true }, 'bad-signature', 'This was not encrypted to this door: fetch its card anew (facelatch key door).');
    const kid = claimedKid(jws, 'facelatch-command+jwt');
    const operator = kid === undefined ? undefined : await operators.find(kid);
    if (!operator) return refuse({ signed: true }, 'unknown-key', 'No operator of this door has this key: facelatch key add.');
    const claims = await verify(jws, await importKey(operator.key));
    if (claims === undefined) return refuse({ signed: true }, 'bad-signature', 'The signature does not fit: the command was changed.');
    if (!signed.Check(claims)) return refuse({ signed: true }, 'malformed', 'The signed request has another form than this door knows.');
    const way: ReplyWay = { signed: true, id: claims.jti, ...pick(claims, 'replyTo'), ...pick(claims, 'replyKey') };
    const problem = wrongClaims(claims, name, options) ?? wrongTime(claims, options);
    if (problem) return { ok: false, way, error: problem };
    const command = options.commands.get(name);
    if (!command) return refuse(way, 'unknown-command', 'There is no such command.');
    if (!mayAs(operator.role, command.role))
      return refuse(way, 'role', `${operator.name} is ${operator.role}; this command needs the role ${command.role}.`);
    const admission = withArgs(way, command, claims.args, {
      who: operator.name,
      by: { kind: 'operator', name: operator.name, via: 'mqtt', requestId: claims.jti },
    });
    if (!admission.ok) return admission;
    // Last, and before anything is done: from here on the command is used up.
    const use = options.used.note(
      { kid: operator.kid, jti: claims.jti, iatS: claims.iat, expS: Math.ceil(claims.exp), inOrder: command.changes },
      Math.floor(clock.wall() / 1000),
    );
    if (use === 'again') return refuse(way, 'replayed', 'This command was used already: sign a new one.');
    if (use === 'overtaken')
      return refuse(
        way,
        'out-of-order',
        'A command that you signed later was carried out already: if you still want this one, sign it anew.',
      );
    if (use === 'full') return refuse(way, 'busy', 'Too many commands came of late: try again in some minutes.');
    return admission;
  };

  return {
    admit: async ({ name, payload, retained }) => {
      const text = decode(payload);
      if (text === undefined) return refuse({ signed: false }, 'malformed', 'This is no UTF-8 text.');
      const isSealed = isSigned(text.trim()) || isEnclosed(text.trim());
      if (retained) return refuse({ signed: isSealed }, 'retained', 'A command must not be retained: the broker would send it again.');
      return isSealed ? await admitSigned(name, text.trim()) : admitPlain(name, text);
    },
  };
}

function wrongClaims(claims: Static<typeof signedRequest>, name: string, { keys }: GateOptions): CommandError | undefined {
  if (claims.aud !== audienceOf(keys)) return { code: 'wrong-door', message: 'This command is for another door.' };
  if (claims.cmd !== name) return { code: 'wrong-command', message: 'The topic names another command than was signed.' };
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
  if (exp < iat || exp - iat > maxLifeS) return { code: 'stale', message: `A command may live for ${maxLifeS} seconds at most.` };
  if (nowS > exp + skewS) return { code: 'stale', message: 'This command has expired: see that the clocks agree, and sign a new one.' };
  if (nowS < iat - skewS) return { code: 'not-yet', message: 'This command comes from the future: see that the clocks agree.' };
  return undefined;
}

/** Whom a command is for: the door's name, and its key, because two doors may have one name. */
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

export function mayAs(role: Role, needed: Role): boolean {
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

/** Remembers the last `count` ids: a message that an honest broker delivers twice is taken once. */
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
