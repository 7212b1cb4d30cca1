import { expect, it } from 'vitest';
import { backupCommands } from '../../src/command/backup.ts';
import type { CommandPorts } from '../../src/command/spec.ts';

const [take] = backupCommands;
const asked = (backup?: CommandPorts['backup']) =>
  take?.run({ ...(backup && { backup }) } as CommandPorts, {}, { by: { kind: 'exit-button' }, who: 'ada', key: 'k' });

it('a backup begins under the name of who asked for it', () => {
  expect(asked((by) => ({ file: `${by}.age` }))).toEqual({ ok: true, result: { file: 'ada.age' } });
});

it('says why none begins: no folder, or one lately', () => {
  expect(asked()).toMatchObject({ ok: false, error: { code: 'unavailable', message: expect.stringContaining('backup.folder') } });
  expect(asked(() => 'no-folder')).toMatchObject({ ok: false, error: { code: 'unavailable' } });
  expect(asked(() => 'again')).toMatchObject({ ok: false, error: { code: 'busy' } });
});

it('is for admins', () => {
  expect(take).toMatchObject({ name: 'backup.take', role: 'admin', changes: true });
});
