/**
 * The relay's line on the kernel's GPIO character device: chip label and line name go in, a line at its safe level
 * comes out.
 */
import { Fault, messageOf } from '../base/errors.ts';
import { findLine, type GpioDevice, gpioDevice, requestFault } from './gpio-device.ts';
import { coilOn, type Line, type LinePlace } from './line.ts';

/**
 * Requests the line as an output that is at its safe level from the first moment.
 * @throws Fault `relay-missing`, `relay-busy`, `relay-forbidden`, `relay-failed`.
 */
export function openLine(place: LinePlace, device: GpioDevice = gpioDevice()): Line {
  const sought = { chip: place.chip, line: place.line, settings: { chip: 'relay.chip', line: 'relay.line' } };
  const { chip, info } = findLine(device, sought);
  const on = (level: 'safe' | 'active') => coilOn(level, place);
  try {
    const line = device.request(chip, info.offset, { direction: 'output', activeLow: place.activeLow, value: on('safe') });
    return {
      label: `${info.name || `#${info.offset}`} of ${chip.label}`,
      drive: (level) => {
        try {
          line.write(on(level));
        } catch (error) {
          throw new Fault('relay-failed', `The line "${place.line}" of "${place.chip}" cannot be driven: ${messageOf(error)}`, error);
        }
      },
      [Symbol.dispose]: () => line[Symbol.dispose](),
    };
  } catch (error) {
    throw requestFault(error, sought, info);
  }
}
