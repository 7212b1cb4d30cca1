/**
 * The command desk: a message goes in, its command is carried out at most once, and a typed reply comes out. Errors are
 * answered at a limited rate.
 */
import { createHash } from 'node:crypto';
import { asFault, Fault, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import { tokenBucket } from '../base/token-bucket.ts';
import { commandGate, type GateAnswer, type GateOptions, type ReplyWay } from './gate.ts';
import { type DoorKeys, importKey } from './keys.ts';
import type { CommandError, Desk, Incoming, Outcome, Reply } from './port.ts';
import { enclose, looksSealed, signClaims } from './seal.ts';
import type { Command, CommandPorts } from './spec.ts';

export interface DeskOptions extends Omit<GateOptions, 'commands' | 'keys'> {
  readonly commands: readonly Command[];
  readonly keys: Pick<DoorKeys, 'card' | 'id' | 'sign'>;
  readonly ports: CommandPorts;
  readonly log: Log;
  /** Longest payload, bytes. */
  readonly maxBytes: number;
  /** The most errors answered each second; four times as many may come at once. */
  readonly errorsPerS: number;
}

type Admitted = Extract<GateAnswer, { readonly ok: true }>;

export function commandDesk(options: DeskOptions): Desk {
  const { ports, keys, clock, log, maxBytes } = options;
  const gate = commandGate({ ...options, commands: new Map(options.commands.map((command) => [command.name, command])) });
  const errors = tokenBucket({ perS: options.errorsPerS, size: options.errorsPerS * 4, clock });

  /** What anybody may send is answered and logged at a limited rate; what counts among a key's commands always. */
  const turnAway = async (incoming: Incoming, way: ReplyWay, error: CommandError, counted = false): Promise<Reply | undefined> => {
    if (!counted && !errors.take()) return undefined;
    log.warn({ code: error.code }, 'command refused');
    return await replyOf(incoming, way, { ok: false, error });
  };
  const replyOf = async ({ name, payload: request }: Incoming, way: ReplyWay, outcome: Outcome): Promise<Reply> => {
    const body = { schema: 1, ...(way.id === undefined ? {} : { id: way.id }), command: name.slice(0, 64), at: isoNow(clock), ...outcome };
    const replyTo = way.replyTo === undefined ? {} : { replyTo: way.replyTo };
    if (!way.signed) return { payload: JSON.stringify(body), contentType: 'application/json', ...replyTo };
    // A request that cannot be read has no id, so the answer names its bytes.
    const digest = createHash('sha256').update(request).digest('base64url');
    const signed = await signClaims({ iss: keys.id, digest, ...body }, 'facelatch-reply+jwt', { kid: keys.id, key: keys.sign });
    const payload = way.replyKey ? await enclose(signed, await importKey(way.replyKey)) : signed;
    return { payload, contentType: 'application/jose', ...replyTo };
  };
  /** An operator may send any key: with some (a point of low order) nothing can be enclosed, and there is no answer. */
  const canAnswer = async ({ replyKey }: ReplyWay): Promise<boolean> => {
    if (!replyKey) return true;
    try {
      await enclose('', await importKey(replyKey));
      return true;
    } catch (error) {
      if (errors.take()) log.warn({ err: messageOf(error) }, 'command refused: nothing can be enclosed to its reply key');
      return false;
    }
  };
  const carryOut = async ({ command, args, call, way }: Admitted): Promise<Outcome> => {
    try {
      const outcome = await command.run(ports, args, call);
      if (command.changes) log.info({ command: command.name, by: call.who, ok: outcome.ok }, 'command');
      return outcome;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.error({ command: command.name, by: call.who, code: error.code, err: messageOf(error) }, 'command failed');
      const code = error.code === 'not-found' ? 'not-found' : error.code === 'bad-argument' ? 'refused' : 'failed';
      // A fault may name files of this machine, which only operators may know.
      const message = way.signed ? messageOf(error) : 'The door could not do it, or not all of it: see its log.';
      return { ok: false, error: { code, message, reason: error.code } };
    }
  };
  const admit = async (incoming: Incoming): Promise<GateAnswer | undefined> => {
    try {
      return await gate.admit(incoming);
    } catch (error) {
      // The operators' file or the list of used commands cannot be used: nothing is let in.
      const fault = asUsable(error);
      log.error({ code: fault.code, err: messageOf(fault) }, 'commands cannot be checked');
      return { ok: false, way: { signed: true }, error: { code: 'failed', message: 'The door cannot check commands now: see its log.' } };
    }
  };

  return {
    maxBytes,
    take: async (incoming) => {
      const { payload } = incoming;
      if (payload.length > maxBytes) {
        const message = `A command may have at most ${maxBytes} bytes; send pictures in parts.`;
        return await turnAway(incoming, { signed: looksSealed(payload) }, { code: 'oversized', message });
      }
      const admission = await admit(incoming);
      if (!admission) return undefined;
      using _place = admission.ok ? admission.place : undefined;
      if (!(await canAnswer(admission.way))) return undefined;
      if (!admission.ok) return await turnAway(incoming, admission.way, admission.error, admission.counted);
      return await replyOf(incoming, admission.way, await carryOut(admission));
    },
  };
}

function asUsable(error: unknown): Fault {
  if (error instanceof Fault) return asFault(error, 'bad-config', '');
  throw error;
}

const isoNow = (clock: Clock) => new Date(clock.wall()).toISOString();
