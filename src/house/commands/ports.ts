/** What commands may reach of a running house: its parts go in, the ports of the command room come out. */
import type { Controller } from '../../access/controller.ts';
import type { Entrance } from '../../access/entrance.ts';
import { ruleNames, ruler } from '../../access/person-rules.ts';
import type { Door } from '../../access/port.ts';
import type { Fault } from '../../base/errors.ts';
import { type Clock, systemClock } from '../../base/time.ts';
import type { SharedCamera } from '../../camera/shared.ts';
import { partsOf } from '../../command/parts.ts';
import type { CommandPorts } from '../../command/spec.ts';
import type { EnrolmentSessions, Gallery, Roster } from '../../identity/port.ts';
import type { Journal, JournalReader } from '../../journal/port.ts';
import type { NetworkList } from '../../learning/network-list.ts';
import type { Learning } from '../../learning/open.ts';
import { publicEntry } from '../../mqtt/codec.ts';
import type { LiveSettings } from '../../settings/live.ts';
import type { Config } from '../../settings/load.ts';
import type { Backups } from '../../vault/backup/routine.ts';
import { lockedPorts } from '../locked.ts';

export interface CommandPortsParts {
  readonly config: Config;
  readonly live: LiveSettings;
  readonly door: Door;
  readonly controller: Pick<Controller, 'record'>;
  readonly gallery: Gallery;
  readonly people: Entrance['people'];
  readonly roster: Roster;
  readonly journal: Journal;
  /** Both work beside the deciding thread. */
  readonly reader: JournalReader;
  readonly networks: Pick<NetworkList, 'list'>;
  readonly enrolment: EnrolmentSessions;
  readonly camera: Pick<SharedCamera, 'latest'>;
  readonly learning: Learning | undefined;
  /** Why the vault is locked. */
  readonly lock: Fault | undefined;
  readonly unlocking: CommandPorts['vault'];
  readonly backups: Backups | undefined;
  readonly clock: Clock;
}

export function commandPorts(parts: CommandPortsParts): CommandPorts {
  const { config, live, door, controller, gallery, people, roster, journal, reader, networks, enrolment, camera, learning, clock } = parts;
  const { lock, unlocking: vault } = parts;
  return {
    ...{ door, gallery, roster, enrolment, ...(vault && { vault }), ...(lock && lockedPorts(lock)) },
    rule: ruler({ gallery: people, journal, names: ruleNames(config.access) }),
    entries: async (query) => {
      const found = await reader.query(query);
      return typeof found === 'string' ? found : found.map((entry) => publicEntry(entry, config.door.id));
    },
    parts: partsOf({ clock: systemClock, maxBytes: config.enrolment.maxPictureBytes, maxAtOnce: 4, patienceMs: 60_000 }),
    settings: {
      all: live.all,
      set: (path, value, by) => {
        const changed = live.set(path, value);
        if (typeof changed !== 'string') controller.record({ kind: 'setting.changed', path, value, by });
        return changed;
      },
    },
    ...(learning && { training: learning.training }),
    ...(parts.backups && { backup: parts.backups.take }),
    models: async () => (await networks.list())?.map(({ folder: _folder, ...network }) => network),
    ...(config.mqtt.snapshots && learning && { keptPictures: learning.training.pictures }),
    ...(config.mqtt.snapshots && {
      snapshot: async () => {
        const frame = camera.latest;
        if (!frame) return undefined;
        return { capturedAt: new Date(clock.wall() - (clock.now() - frame.capturedAtMs)).toISOString(), picture: frame.picture };
      },
    }),
  };
}
