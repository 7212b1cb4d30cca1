import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import { openLampLine } from '../../src/relay/lamp-line.ts';
import { type FakeChip, fakeGpio } from '../fakes/gpio-device.ts';

const pi: FakeChip = { label: 'pinctrl-bcm2711', names: ['', 'GPIO17', 'GPIO22', 'GPIO27'], taken: { 3: 'spi0 CS0' } };
const lamp = { chip: 'pinctrl-bcm2711', line: 'GPIO22', activeLow: false };
const lock = { chip: 'pinctrl-bcm2711', line: 'GPIO17' };

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error.code;
  }
  return 'none';
};

describe('the line of a lamp', () => {
  it.each([
    [false, [false, true, false, false]],
    [true, [true, false, true, true]],
  ])('is off from the first moment and after its end, active low %s', (activeLow, levels) => {
    const gpio = fakeGpio([pi]);
    const line = openLampLine({ ...lamp, activeLow }, lock, gpio);
    line.light(true);
    line.light(false);
    line[Symbol.dispose]();
    expect(gpio.driven.get('pinctrl-bcm2711 2')).toEqual(levels);
    expect(line.label).toBe('GPIO22 of pinctrl-bcm2711');
  });

  it.each(['GPIO17', '#1'])('is never the lock’s, by whichever name: %s', (line) => {
    for (const named of [lock, { ...lock, line: '#1' }]) {
      const gpio = fakeGpio([pi]);
      expect(codeOf(() => openLampLine({ ...lamp, line }, named, gpio))).toBe('bad-config');
      expect(gpio.requests).toEqual([]);
    }
  });

  it('may have the lock’s name on another chip', () => {
    const gpio = fakeGpio([pi, { label: 'other', names: ['GPIO17'] }]);
    using line = openLampLine({ ...lamp, chip: 'other', line: 'GPIO17' }, lock, gpio);
    expect(line.label).toBe('GPIO17 of other');
  });

  it('says what is wrong with the settings of the lamp, not with those of the relay', () => {
    expect(() => openLampLine({ ...lamp, line: 'GPIO99' }, lock, fakeGpio([pi]))).toThrow(/liveness\.light\.gpio\.line/);
    expect(() => openLampLine({ ...lamp, chip: 'none' }, lock, fakeGpio([pi]))).toThrow(/liveness\.light\.gpio\.chip/);
    expect(codeOf(() => openLampLine({ ...lamp, line: 'GPIO27' }, lock, fakeGpio([pi])))).toBe('relay-busy');
  });
});
