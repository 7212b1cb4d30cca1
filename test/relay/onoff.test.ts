/** Lines of the old interface by chip label, in a folder made like /sys/class/gpio; onoff itself is tried on gpio-sim in the guest (test/hil). */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sysfsChips, sysfsNumber } from '../../src/relay/onoff.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-sysfs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const chip = (base: number, label: string, lines = 8) => {
  const at = join(folder, `gpiochip${base}`);
  mkdirSync(at);
  for (const [name, value] of Object.entries({ label, base, ngpio: lines })) writeFileSync(join(at, name), `${value}\n`);
};
const number = (label: string, line: string) => sysfsNumber({ chip: label, line }, 'relay', folder);

describe('a line of the old interface', () => {
  it('is found by its chip’s label and its place there, wherever the kernel has put the chip', () => {
    chip(0, 'other');
    chip(512, 'door-board');
    writeFileSync(join(folder, 'export'), '');
    mkdirSync(join(folder, 'gpio515')); // an exported line is no chip
    expect(sysfsChips(folder).map(({ label }) => label)).toEqual(['other', 'door-board']);
    expect(number('door-board', '#3')).toBe(515);
    rmSync(join(folder, 'gpiochip512'), { recursive: true });
    chip(700, 'door-board');
    expect(number('door-board', '#3')).toBe(703);
  });

  it.each([
    [
      'a chip that is not there',
      'pinctrl',
      '#3',
      /No GPIO chip is labelled "pinctrl" \(relay\.chip\); there are "door-board", "twin", "twin"/,
    ],
    ['two chips of one label', 'twin', '#3', /More than one GPIO chip is labelled "twin"/],
    ['a line beyond the last', 'door-board', '#8', /"#8" is not a line .*give #0 to #7/],
    ['a name', 'door-board', 'RELAY', /has no names: give #0 to #7/],
    ['a bare number', 'door-board', '3', /give #0 to #7/],
  ])('%s is one clear fault', (_, label, line, message) => {
    chip(512, 'door-board');
    chip(600, 'twin');
    chip(700, 'twin');
    expect(() => number(label, line)).toThrow(expect.objectContaining({ code: 'relay-missing', message: expect.stringMatching(message) }));
  });

  it('says that newer kernels leave the interface out', () => {
    expect(() => sysfsNumber({ chip: 'any', line: '#0' }, 'relay', join(folder, 'none'))).toThrow(/newer kernels leave it out/);
  });
});
