/**
 * The relay's line on the old sysfs interface, through the package onoff, for kernels without the GPIO character
 * device: chip label and offset go in, a line at its safe level comes out. On this interface a line without a holder
 * keeps its level (measured): after a killed keeper it stays as it was until it is taken back.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Gpio as GpioClass } from 'onoff';
import { Fault, messageOf } from '../base/errors.ts';
import { coilOn, type Line, type LinePlace } from './line.ts';

export const sysfsFolder = '/sys/class/gpio';

export interface SysfsChip {
  readonly label: string;
  /** The kernel's number of its first line. It may change at every boot, so it is never a setting. */
  readonly base: number;
  readonly lines: number;
}

/** The chips that the old interface shows. */
export function sysfsChips(folder = sysfsFolder): SysfsChip[] {
  if (!existsSync(folder)) return [];
  const read = (name: string, what: string) => readFileSync(join(folder, name, what), 'utf8').trim();
  return readdirSync(folder)
    .filter((name) => /^gpiochip\d+$/.test(name))
    .map((name) => ({ label: read(name, 'label'), base: Number(read(name, 'base')), lines: Number(read(name, 'ngpio')) }));
}

/** The kernel's number of a line. `settings`: the section that the messages name. Throws Fault `relay-missing`. */
export function sysfsNumber({ chip, line }: Pick<LinePlace, 'chip' | 'line'>, settings: string, folder = sysfsFolder): number {
  const chips = sysfsChips(folder);
  const found = chips.filter(({ label }) => label === chip);
  const [one] = found;
  if (!one || found.length > 1) {
    const there =
      chips.map(({ label }) => `"${label}"`).join(', ') || `none (is there ${folder}? newer kernels leave it out: use the kind gpiod)`;
    throw new Fault(
      'relay-missing',
      `${one ? 'More than one' : 'No'} GPIO chip is labelled "${chip}" (${settings}.chip); there are ${there}`,
    );
  }
  const offset = Number(/^#(\d+)$/.exec(line)?.[1] ?? Number.NaN);
  if (offset < one.lines) return one.base + offset;
  throw new Fault(
    'relay-missing',
    `"${line}" is not a line of the GPIO chip "${chip}" on the old interface, which has no names: give #0 to #${one.lines - 1} (${settings})`,
  );
}

/** onoff's class. Throws Fault `relay-missing` if its native part was not built. */
export function loadOnoff(): typeof GpioClass {
  try {
    return (createRequire(import.meta.url)('onoff') as { Gpio: typeof GpioClass }).Gpio;
  } catch (error) {
    throw new Fault(
      'relay-missing',
      `The package onoff cannot be used (${messageOf(error).split('\n')[0]}): use the kind gpiod, or install python3, make and g++ and run npm rebuild epoll`,
      error,
    );
  }
}

/** The fault behind an error of onoff. */
export function onoffFault(error: unknown, what: string): Fault {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'EACCES' || code === 'EPERM')
    return new Fault(
      'relay-forbidden',
      `${what} may not be used by this user: add it to the group facelatch-gpio (sudo usermod -aG facelatch-gpio USER), which must own ${sysfsFolder}/export (facelatch install puts the udev rule in place that sees to it)`,
      error,
    );
  if (code === 'EBUSY')
    return new Fault('relay-busy', `${what} is taken by another program or driver: end it, or name another line`, error);
  return new Fault('relay-failed', `${what} cannot be used: ${messageOf(error)}`, error);
}

/**
 * Exports the line and makes it an output at its safe level in one step.
 * @throws Fault `relay-missing`, `relay-busy`, `relay-forbidden`, `relay-failed`.
 */
export function openLine(place: LinePlace): Line {
  const { chip, line, activeLow } = place;
  const Gpio = loadOnoff();
  const number = sysfsNumber(place, 'relay');
  const what = `The line "${line}" of the GPIO chip "${chip}" (relay.line)`;
  // Not onoff's activeLow: it sets the kernel's active_low after the direction, and the line would have the wrong level
  // for a moment.
  const bit = (level: 'safe' | 'active') => (coilOn(level, place) === activeLow ? 0 : 1);
  try {
    const gpio = new Gpio(number, bit('safe') === 1 ? 'high' : 'low');
    gpio.writeSync(bit('safe'));
    return {
      label: `${line} of ${chip} (sysfs)`,
      drive: (level) => {
        try {
          gpio.writeSync(bit(level));
        } catch (error) {
          throw onoffFault(error, what);
        }
      },
      // Not unexported: an unexported line may become an input, and float.
      [Symbol.dispose]: () => undefined,
    };
  } catch (error) {
    throw onoffFault(error, what);
  }
}
