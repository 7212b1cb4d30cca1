/**
 * Commands at a running house: its rooms go in; what commands reach, and the desk that takes signed ones over MQTT,
 * come out. wire.ts opens both; the console uses the same ports.
 */
import { deskOf } from '../../adapters/command.ts';
import type { Desk } from '../../command/port.ts';
import type { CommandPorts } from '../../command/spec.ts';
import type { Event } from '../../events.ts';
import { unlocking } from '../locked.ts';
import type { Rooms } from '../rooms.ts';
import { watchOperators } from './operators-watch.ts';
import { type CommandPortsParts, commandPorts } from './ports.ts';

interface DeskWay {
  readonly ports: CommandPorts;
  readonly record: (event: Event) => void;
  readonly clockSynchronised: (() => boolean) | undefined;
}

/** What commands reach, from wherever they come. */
export function portsOf(
  rooms: Rooms,
  parts: Pick<CommandPortsParts, 'controller' | 'door' | 'people' | 'roster' | 'networks' | 'enrolment'>,
): CommandPorts {
  const { config, live, journal, eyes, camera, learning, clock, lock, entries: reader, backups } = rooms;
  return commandPorts({
    ...{ ...parts, config, live, journal, gallery: eyes.gallery, camera, learning, backups, clock, lock, reader },
    unlocking: unlocking(rooms, parts.controller.record),
  });
}

/** What takes signed commands; undefined where none are taken. */
export async function deskFor(rooms: Rooms, { ports, record, clockSynchronised }: DeskWay): Promise<(Desk & AsyncDisposable) | undefined> {
  const { config, vault, lock, journal } = rooms;
  if (!config.mqtt.enabled || !config.mqtt.commands) return undefined;
  const log = rooms.log.child({ room: 'command' });
  const { watch, sealKey, isNamed } = await watchOperators({ config, vault: lock ? undefined : vault, journal, log, record });
  rooms.operators = watch;
  return await deskOf(config, { ports, log, clockSynchronised, sealKey, isNamed });
}
