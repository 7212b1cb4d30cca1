/**
 * Opens the input lines that the configuration names: chip, names and polarity go in, open lines come out, on either
 * GPIO interface.
 */
import { Fault, messageOf } from '../base/errors.ts';
import { findLine, type GpioDevice, gpioDevice, requestFault } from './gpio-device.ts';
import type { InputLine } from './inputs.ts';
import { loadOnoff, onoffFault, sysfsNumber } from './onoff.ts';
import type { InputName } from './port.ts';

export interface InputPlaces {
  readonly chip: string;
  /** The line of each input that is wired: a name on the chip, or # and an offset. */
  readonly lines: ReadonlyMap<InputName, string>;
  /** Inputs that are active while their line is low. */
  readonly activeLow: readonly string[];
  readonly bias: 'as-is' | 'pull-up' | 'pull-down';
}

/**
 * Lines of the GPIO character device.
 * @throws Fault `relay-missing`, `relay-busy`, `relay-forbidden`, `relay-failed`; then no line stays open.
 */
export function openGpiodInputs(places: InputPlaces, device: GpioDevice = gpioDevice()): Map<InputName, InputLine> {
  return openEach(places, (input, line, activeLow) => {
    const sought = { chip: places.chip, line, settings: { chip: 'inputs.chip', line: `inputs.${input}` } };
    const { chip, info } = findLine(device, sought);
    try {
      return device.request(chip, info.offset, { direction: 'input', activeLow, bias: places.bias });
    } catch (error) {
      throw requestFault(error, sought, info);
    }
  });
}

/** Lines of the old sysfs interface, which cannot set pull resistors. Throws the same faults. */
export function openOnoffInputs(places: InputPlaces): Map<InputName, InputLine> {
  const Gpio = loadOnoff();
  return openEach(places, (input, line, activeLow) => {
    const number = sysfsNumber({ chip: places.chip, line }, 'inputs');
    const what = `The line "${line}" of the GPIO chip "${places.chip}" (inputs.${input})`;
    try {
      const gpio = new Gpio(number, 'in');
      return {
        read: () => (gpio.readSync() === 1) !== activeLow,
        // Not unexported: the old interface has no owners, and "facelatch doctor" would take the line from a running
        // daemon.
        [Symbol.dispose]: () => undefined,
      };
    } catch (error) {
      throw onoffFault(error, what);
    }
  });
}

function openEach(
  { lines, activeLow }: InputPlaces,
  open: (input: InputName, line: string, activeLow: boolean) => InputLine,
): Map<InputName, InputLine> {
  const opened = new Map<InputName, InputLine>();
  try {
    for (const [input, line] of lines) opened.set(input, open(input, line, activeLow.includes(input)));
    return opened;
  } catch (error) {
    for (const line of opened.values()) line[Symbol.dispose]();
    throw error instanceof Fault ? error : new Fault('relay-failed', `An input cannot be opened: ${messageOf(error)}`, error);
  }
}
