/** Settings of backups: to whom they are encrypted, when the door takes them and where it puts them. */
import { names, string, whole } from './kinds.ts';

const isRecipient = (value: unknown): boolean => typeof value === 'string' && /^age1[0-9a-z]{20,4000}$/.test(value);

export const backup = {
  recipients: {
    ...names(
      'Recipients of age (`age1…`, as `age-keygen` prints them) that can open every backup of this door, besides its recovery phrase. To restore with one of them, the key of the vault or the recovery phrase is needed too.',
      [],
    ),
    allowed: 'a list of recipients of age (age1…)',
    check: (value: unknown) => Array.isArray(value) && value.every(isRecipient),
  },
  folder: string(
    'Folder for the backups that the door takes by itself and for the command `backup.take`: on another disk or a mounted share, not in `state.folder`. The service must be allowed to write there (docs/operate/upgrade-backup-restore.md). Empty: none.',
    '',
    /^$|^\//,
    'empty, or an absolute path',
  ),
  schedule: string(
    'When the door takes a backup by itself, in `access.timeZone`: such as `daily 03:30` or `Sun 03:30`. Empty: only on request. One that was missed is taken as soon as possible. It waits while the clock is not synchronised.',
    '',
    /^$|^(daily|Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01]\d|2[0-3]):[0-5]\d$/,
    'empty, or a day (Mon … Sun, daily) and a time such as 03:30',
  ),
  keep: whole('Backups of this door to keep in `backup.folder`. The oldest are deleted after a new one is whole.', 14, 1, 10_000),
};
