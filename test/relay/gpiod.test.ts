/** Lines by chip label and name, and what each refusal says; the ioctls themselves are tried on gpio-sim in the guest (test/hil). */
import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import { openLine } from '../../src/relay/gpiod.ts';
import { openGpiodInputs } from '../../src/relay/input-lines.ts';
import { type FakeChip, fakeGpio } from '../fakes/gpio-device.ts';

const pi: FakeChip = {
  label: 'pinctrl-bcm2711',
  names: ['ID_SDA', 'GPIO17', 'GPIO22', 'GPIO27'],
  taken: { 2: 'spi0 CS0' },
  refuses: { 3: 22 },
};
const place = { chip: 'pinctrl-bcm2711', line: 'GPIO17', activeLow: false, wiring: 'fail-secure' } as const;

const faultOf = (work: () => unknown): { code: string; message: string } => {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('no fault');
};

describe('the relay’s line on a GPIO chip', () => {
  it.each([
    ['fail-secure', false, [false, true, false]],
    ['fail-secure', true, [true, false, true]],
    ['fail-safe', false, [true, false, true]],
    ['fail-safe', true, [false, true, false]],
  ] as const)('%s, active low %s: safe from the first moment, released, safe again', (wiring, activeLow, levels) => {
    const gpio = fakeGpio([pi]);
    using line = openLine({ ...place, wiring, activeLow }, gpio);
    line.drive('active');
    line.drive('safe');
    expect(line.label).toBe('GPIO17 of pinctrl-bcm2711');
    expect(gpio.driven.get('pinctrl-bcm2711 1')).toEqual(levels);
  });

  it('is found by its place on the chip where it has no name', () => {
    const gpio = fakeGpio([{ label: 'other', names: ['', ''] }, pi]);
    using _line = openLine({ ...place, chip: 'other', line: '#1' }, gpio);
    expect([...gpio.driven.keys()]).toEqual(['other 1']);
  });

  it.each([
    [
      'a chip that is not there',
      [pi],
      { chip: 'gpio-sim' },
      'relay-missing',
      /"gpio-sim" \(relay\.chip\); there are "pinctrl-bcm2711" \(\/dev\/gpiochip0\)/,
    ],
    ['no chip at all', [], {}, 'relay-missing', /there are none at all/],
    ['two chips of one label', [pi, pi], {}, 'relay-missing', /2 GPIO chips are labelled/],
    [
      'a line that is not there',
      [pi],
      { line: 'GPIO99' },
      'relay-missing',
      /no line "GPIO99" \(relay\.line\); its lines are ID_SDA, GPIO17/,
    ],
    ['a name on a chip without names', [{ label: pi.label, names: ['', ''] }], {}, 'relay-missing', /use #0 to #1/],
    ['a line that is taken', [pi], { line: 'GPIO22' }, 'relay-busy', /taken by "spi0 CS0"/],
    [
      'a line that the old interface has kept',
      [{ ...pi, taken: { 1: 'sysfs' } }],
      {},
      'relay-busy',
      /exported on the old interface.*kind was "onoff".*sudo tee \/sys\/class\/gpio\/unexport/,
    ],
    ['a line that is an input only', [pi], { line: 'GPIO27' }, 'relay-failed', /input only/],
    ['a line that this user may not use', [{ ...pi, refuses: { 1: 13 } }], {}, 'relay-forbidden', /usermod -aG facelatch-gpio/],
  ] as const)('%s is one clear fault', (_, chips, change, code, message) => {
    const fault = faultOf(() => openLine({ ...place, ...change }, fakeGpio(chips)));
    expect(fault).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('names the group where no chip may be opened', () => {
    const fault = faultOf(() => openLine(place, fakeGpio([], ['/dev/gpiochip0'])));
    expect(fault).toMatchObject({
      code: 'relay-forbidden',
      message: expect.stringMatching(/gpiochip0.*usermod -aG facelatch-gpio.*udev rule/),
    });
  });
});

describe('input lines', () => {
  const places = { chip: pi.label, activeLow: ['exit'], bias: 'pull-up' } as const;

  it('are read with their polarity and resistor', () => {
    const gpio = fakeGpio([pi]);
    const lines = openGpiodInputs(
      {
        ...places,
        lines: new Map([
          ['contact', 'ID_SDA'],
          ['exit', 'GPIO17'],
        ]),
      },
      gpio,
    );
    expect([lines.get('contact')?.read(), lines.get('exit')?.read()]).toEqual([false, true]);
    expect(gpio.requests).toMatchObject([
      { direction: 'input', activeLow: false, bias: 'pull-up' },
      { direction: 'input', activeLow: true, bias: 'pull-up' },
    ]);
  });

  it('name their own setting where one is not to be had', () => {
    const fault = faultOf(() => openGpiodInputs({ ...places, lines: new Map([['tamper', 'GPIO22']]) }, fakeGpio([pi])));
    expect(fault).toMatchObject({ code: 'relay-busy', message: expect.stringContaining('inputs.tamper') });
  });
});
