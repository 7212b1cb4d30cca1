/**
 * The lamp of a challenge on a line of the GPIO character device: the labels of a chip and a line go in, a lamp that is
 * off comes out. It never takes the lock's line, whatever name that line is given.
 */
import { Fault, messageOf } from '../base/errors.ts';
import { findLine, type GpioDevice, gpioDevice, requestFault } from './gpio-device.ts';

export interface LampPlace {
  /** The chip's label. */
  readonly chip: string;
  /** The line's name on that chip, or # and its offset. */
  readonly line: string;
  /** The lamp is on while the line is electrically low. */
  readonly activeLow: boolean;
}

/** Disposing of it switches it off and releases the line. What the line does after that is up to the chip's driver. */
export interface LampLine extends Disposable {
  /** For people: line and chip. */
  readonly label: string;
  /** Microseconds. Throws Fault `relay-failed`. */
  light(on: boolean): void;
}

/**
 * `lock`: the relay's line, where it is on this computer.
 * @throws Fault `bad-config` where the lamp's line is the lock's; `relay-missing`, `relay-busy`, `relay-forbidden`.
 */
export function openLampLine(
  place: LampPlace,
  lock: Omit<LampPlace, 'activeLow'> | undefined,
  device: GpioDevice = gpioDevice(),
): LampLine {
  const sought = { ...place, settings: { chip: 'liveness.light.gpio.chip', line: 'liveness.light.gpio.line' } };
  const { chip, info } = findLine(device, sought);
  if (lock && isLock(lock, chip.label, info)) throw lockLine(place.line);
  try {
    const line = device.request(chip, info.offset, { direction: 'output', activeLow: place.activeLow, value: false });
    const light = (on: boolean) => {
      try {
        line.write(on);
      } catch (error) {
        throw new Fault('relay-failed', `The lamp "${place.line}" of "${place.chip}" cannot be switched: ${messageOf(error)}`, error);
      }
    };
    return {
      label: `${info.name || `#${info.offset}`} of ${chip.label}`,
      light,
      [Symbol.dispose]: () => {
        try {
          light(false);
        } finally {
          line[Symbol.dispose]();
        }
      },
    };
  } catch (error) {
    throw requestFault(error, sought, info);
  }
}

/** By name or by offset. */
const isLock = (
  lock: Omit<LampPlace, 'activeLow'>,
  chip: string,
  { name, offset }: { readonly name: string; readonly offset: number },
): boolean => lock.chip === chip && (lock.line === `#${offset}` || (name !== '' && lock.line === name));

const lockLine = (line: string): Fault =>
  new Fault(
    'bad-config',
    `liveness.light.gpio.line: "${line}" is the line of the lock (relay.line): a challenge would open the door; name the line of a lamp`,
  );
