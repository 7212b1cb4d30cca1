import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { machineMark } from '../../src/host/machine.ts';

const folder = mkdtempSync(join(tmpdir(), 'facelatch-machine-'));
afterAll(() => rmSync(folder, { recursive: true }));
const id = '3d1219c7c4c5404aaa1f6d2a48adfda4';
const machine = (machineId: string, serial?: string) => {
  const files = { machineId: join(folder, 'machine-id'), serial: join(folder, 'serial') };
  writeFileSync(files.machineId, machineId);
  rmSync(files.serial, { force: true });
  if (serial !== undefined) writeFileSync(files.serial, serial);
  return machineMark(files);
};

it('a machine has one mark, from which its id cannot be read', () => {
  const mark = machine(`${id}\n`);
  expect(mark).toMatch(/^[0-9a-f]{32}$/);
  expect(machine(id)).toBe(mark);
  expect(mark).not.toContain(id.slice(0, 8));
});

it('another machine has another, also where the disk was copied with the id and only the board differs', () => {
  const marks = [machine(id), machine('1'.repeat(32)), machine(id, '10000000abcdef01\0'), machine(id, '10000000abcdef02\0')];
  expect(new Set(marks).size).toBe(4);
});

it.each(['', 'uninitialized\n', 'x'.repeat(32)])('a machine whose id is %j has none', (text) => expect(machine(text)).toBeUndefined());
