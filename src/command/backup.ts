/** The command that takes a backup of the door. */
import { Type } from '../base/schema.ts';
import { defineCommand, done, refusal, unavailable } from './spec.ts';

const closed = { additionalProperties: false } as const;

export const backupCommands = [
  defineCommand({
    name: 'backup.take',
    summary: 'Takes a backup into the folder of the settings; the event backup.taken or backup.failed follows.',
    role: 'admin',
    changes: true,
    args: Type.Object({}, closed),
    result: Type.Object({ file: Type.String({ description: 'Its name in backup.folder, once it is whole.' }) }, closed),
    run: ({ backup }, _args, { who }) => {
      const begun = backup?.(who) ?? 'no-folder';
      if (begun === 'no-folder') return unavailable('folder for backups (backup.folder)');
      if (begun === 'again') return refusal('busy', 'A backup is under way, or was asked for less than ten minutes ago: try again later.');
      return done(begun);
    },
  }),
];
