/** All commands in one list: the desk takes them, the documents describe them, `facelatch send` sends them. */
import { backupCommands } from './backup.ts';
import { doorCommands } from './door.ts';
import { enrolCommands } from './enrol.ts';
import { lookCommands } from './look.ts';
import { peopleCommands } from './people.ts';
import type { Command } from './spec.ts';
import { trainCommands } from './train.ts';
import { vaultCommands } from './vault.ts';

export const commands: readonly Command[] = [
  ...doorCommands,
  ...peopleCommands,
  ...enrolCommands,
  ...lookCommands,
  ...trainCommands,
  ...vaultCommands,
  ...backupCommands,
];
