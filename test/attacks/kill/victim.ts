/**
 * A process that works at the state folder of a door until it is killed: it enrols and removes people, seals an old
 * gallery, backs up or restores. It says `ready`, then each step before and after it.
 */
import { writeSync } from 'node:fs';
import { backupTaskOf } from '../../../src/adapters/backup.ts';
import { placeStaged, stageBackup, takeOver } from '../../../src/adapters/restore.ts';
import { vaultFiles, vaultOf } from '../../../src/adapters/vault.ts';
import { systemClock } from '../../../src/base/time.ts';
import { takeBackup } from '../../../src/vault/backup/take.ts';
import { keyIn } from '../../../src/vault/key-file.ts';
import { doorConfig } from '../../fakes/config.ts';
import { openPeopledDoor } from '../../fakes/peopled-door.ts';

const [, , state = '', action = '', backup = '', seed = '0'] = process.argv;
const config = doorConfig({ 'state.folder': state });
// Written at once: what a pipe still holds of a killed process is lost.
const say = (...words: readonly string[]) => void writeSync(1, `${words.join(' ')}\n`);

const actions: Readonly<Record<string, () => void | Promise<void>>> = {
  change: () => {
    using door = openPeopledDoor(state, 5000);
    say('ready');
    for (let n = 0; ; n++) {
      const people = door.gallery.list();
      if (people.length < 3 || n % 2 === 0) say('enrolled', door.enrol(`Resident ${seed}-${n}`).person.id);
      else {
        const { id } = people[n % people.length] ?? { id: '' };
        say('removing', id);
        door.roster.remove(id);
        say('removed', id);
      }
    }
  },
  migrate: () => {
    say('ready');
    openPeopledDoor(state)[Symbol.dispose]();
    say('sealed');
  },
  backup: async () => {
    using vault = vaultOf(config);
    const task = await backupTaskOf(config, vault, { to: backup, by: 'cli' });
    say('ready');
    for (;;) await takeBackup(task);
  },
  restore: async () => {
    const kek = keyIn(vaultFiles(config).beside) ?? new Uint8Array(0);
    const scalar = (() => {
      using vault = vaultOf(config);
      return vault.derived('backup identity');
    })();
    say('ready');
    for (;;) {
      const signal = new AbortController().signal;
      const staged = await stageBackup(config, { file: backup, opener: { scalar }, signal, onProgress: () => undefined });
      placeStaged(config, staged, await takeOver(config, staged, kek, systemClock), kek, systemClock);
    }
  },
};
await actions[action]?.();
