/**
 * What the console may ask of the house: every command that operators send over MQTT too, and what only the console
 * shows. An operation of the second kind is made here like a command, with ports of its own.
 */
import type { Entrance } from '../../access/entrance.ts';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { Compile, type Static, type TObject, type TSchema } from '../../base/schema.ts';
import type { Clock } from '../../base/time.ts';
import { tokenBucket } from '../../base/token-bucket.ts';
import { mayAs, type Outcome, type Role } from '../../command/port.ts';
import { type Call, type Command, type CommandPorts, refusal } from '../../command/spec.ts';
import type { Answered, Asker, Operation } from '../../console/port.ts';
import type { UnknownFaces } from '../faces/album.ts';
import type { Shredder } from '../removal/shredder.ts';
import type { Rooms } from '../rooms.ts';
import type { StrictnessScores } from '../strictness/scores.ts';
import type { SystemBeside } from './system-beside.ts';

/** What operations act on. */
export interface ConsolePorts extends CommandPorts {
  readonly rooms: Rooms;
  readonly entrance: Pick<Entrance, 'people' | 'admission' | 'used'>;
  readonly shredder: Pick<Shredder, 'proofs'>;
  /** What takes long, in processes of their own. */
  readonly beside: SystemBeside;
  readonly unknownFaces: Pick<UnknownFaces, 'found'>;
  readonly strictness: Pick<StrictnessScores, 'now'>;
}

interface OperationSpec<Args extends TObject, Result extends TSchema> {
  readonly name: string;
  readonly summary: string;
  readonly role: Role;
  readonly changes: boolean;
  /** It has a route of its own: what it takes or gives is not JSON. */
  readonly ownRoute?: boolean;
  readonly args: Args;
  readonly result: Result;
  run(ports: ConsolePorts, args: Static<Args>, call: Call): Promise<Outcome<Static<Result>>> | Outcome<Static<Result>>;
}

/** An operation whose arguments were checked. */
export interface ConsoleOperation extends Omit<OperationSpec<TObject, TSchema>, 'run'> {
  run(ports: ConsolePorts, args: unknown, call: Call): Promise<Outcome> | Outcome;
}

/** Makes an operation; the compiler checks its handler against its schemas. */
export function defineOperation<Args extends TObject, Result extends TSchema>(spec: OperationSpec<Args, Result>): ConsoleOperation {
  return { ...spec, run: (ports, args, call) => spec.run(ports, args as Static<Args>, call) };
}

export const asOperation = ({ run, ...command }: Command): ConsoleOperation => ({
  ...command,
  run: (ports, args, call) => run(ports, args, call),
});

/** As the console process is told of it. */
export const described = ({ name, summary, role, changes, ownRoute = false, args, result }: ConsoleOperation): Operation => ({
  ...{ name, summary, role, changes, ownRoute },
  args: JSON.parse(JSON.stringify(args)),
  result: JSON.parse(JSON.stringify(result)),
});

export interface OperationsDesk {
  /** Rejects only for a mistake in the program. */
  take(name: string, args: unknown, caller: Asker): Promise<Answered>;
}

/** So that a flood of requests does not take the thread on which the door decides. */
const askedPerS = 40;
const mostAtOnce = 16;

interface DeskParts {
  readonly operations: readonly ConsoleOperation[];
  readonly ports: ConsolePorts;
  readonly clock: Clock;
  readonly log: Log;
}

/** Carries operations out: the console process has checked role and form, and it is not believed. */
export function operationsDesk({ operations, ports, clock, log }: DeskParts): OperationsDesk {
  const known = new Map(operations.map((operation) => [operation.name, { operation, check: Compile(operation.args) }]));
  const asked = tokenBucket({ perS: askedPerS, size: askedPerS * 2, clock });
  const busy = refusal('busy', 'Too many requests are under way: try again in a moment.');
  let underWay = 0;
  return {
    take: async (name, args, caller) => {
      const { operation, check } = known.get(name) ?? {};
      if (!operation || !check) return refusal('unknown-command', 'There is no such operation.');
      if (!mayAs(caller.role, operation.role))
        return refusal('role', `${caller.name} has the role ${caller.role}; this needs ${operation.role}.`);
      if (!check.Check(args)) return refusal('invalid-arguments', `The arguments do not fit ${name}.`);
      if (underWay >= mostAtOnce || !asked.take()) return busy;
      underWay++;
      try {
        const outcome = await operation.run(ports, args, callOf(caller));
        if (operation.changes) log.info({ operation: name, by: caller.name, ok: outcome.ok }, 'asked by the console');
        return outcome;
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        log.error({ operation: name, by: caller.name, code: error.code, err: messageOf(error) }, 'operation failed');
        const code = error.code === 'not-found' ? 'not-found' : error.code === 'bad-argument' ? 'refused' : 'failed';
        return { ok: false, error: { code, message: messageOf(error), reason: error.code } };
      } finally {
        underWay--;
      }
    },
  };
}

/** `key`: what a session of enrolment belongs to; everybody who is signed in with this name. */
const callOf = ({ name, id }: Asker): Call => ({
  who: name,
  key: `console:${name}`,
  by: { kind: 'operator', name, via: 'console', requestId: id },
});
