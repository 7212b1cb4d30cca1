/**
 * The kernel's GPIO character device, interface version 2 (linux/gpio.h, Documentation/userspace-api/gpio/chardev.rst):
 * the label of a chip and the name of a line go in, a requested line comes out. ioctl(2) is called through koffi; no
 * process is started.
 */
import { closeSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { Fault, messageOf } from '../base/errors.ts';
import { sysfsChips, sysfsFolder } from './onoff.ts';

/** _IOR/_IOWR(0xB4, nr, size): direction in bits 30–31, size in bits 16–29. */
const request = (direction: 2 | 3, size: number, nr: number) => ((direction << 30) | (size << 16) | (0xb4 << 8) | nr) >>> 0;
const chipInfoSize = 68;
const lineInfoSize = 256;
const lineRequestSize = 592;
const lineValuesSize = 16;
const requests = {
  chipInfo: request(2, chipInfoSize, 0x01),
  lineInfo: request(3, lineInfoSize, 0x05),
  getLine: request(3, lineRequestSize, 0x07),
  getValues: request(3, lineValuesSize, 0x0e),
  setValues: request(3, lineValuesSize, 0x0f),
} as const;

/** GPIO_V2_LINE_FLAG_* */
const flags = { used: 1n << 0n, activeLow: 1n << 1n, input: 1n << 2n, output: 1n << 3n, pullUp: 1n << 8n, pullDown: 1n << 9n } as const;
/** GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES */
const outputValues = 2;

const errors = { EPERM: 1, EACCES: 13, EBUSY: 16, ENODEV: 19, EINVAL: 22, ENOTTY: 25 } as const;

type Ioctl = (fd: number, request: number, argument: Buffer) => void;

/** Throws an Error with `errno`. */
function openIoctl(): Ioctl {
  const raw = koffi.load('libc.so.6').func('int ioctl(int fd, unsigned long request, ...)');
  return (fd, nr, argument) => {
    if (raw(fd, nr, 'void *', argument) < 0) throw Object.assign(new Error(`ioctl: errno ${koffi.errno()}`), { errno: koffi.errno() });
  };
}

export interface ChipInfo {
  readonly device: string;
  readonly label: string;
  readonly lines: number;
}

export interface LineInfo {
  readonly offset: number;
  /** Empty if the line has no name. */
  readonly name: string;
  readonly used: boolean;
  /** The program that uses the line; empty if there is none. */
  readonly consumer: string;
  readonly direction: 'input' | 'output';
}

export interface LineRequest {
  readonly direction: 'input' | 'output';
  readonly activeLow: boolean;
  readonly bias?: 'as-is' | 'pull-up' | 'pull-down';
  /** Value of an output from the moment of the request. */
  readonly value?: boolean;
}

/** A line that belongs to this process until it is disposed of. After that the driver decides its level. */
export interface RequestedLine extends Disposable {
  read(): boolean;
  write(value: boolean): void;
}

export interface GpioDevice {
  /** The chips that this user may open; `forbidden`: devices that exist and that this user may not open. */
  chips(): { readonly chips: readonly ChipInfo[]; readonly forbidden: readonly string[] };
  lines(chip: ChipInfo): LineInfo[];
  /** Throws an Error with `errno`. */
  request(chip: ChipInfo, offset: number, line: LineRequest): RequestedLine;
}

const textAt = (buffer: Buffer, from: number, length: number) => {
  const bytes = buffer.subarray(from, from + length);
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? length : end);
};

/** The devices in `folder`. Opens nothing yet. */
export function gpioDevice(folder = '/dev'): GpioDevice {
  const ioctl = openIoctl();
  const withChip = <T>(device: string, work: (fd: number) => T): T => {
    const fd = openSync(device, 'r');
    try {
      return work(fd);
    } finally {
      closeSync(fd);
    }
  };
  const describe = (device: string): ChipInfo =>
    withChip(device, (fd) => {
      const info = Buffer.alloc(chipInfoSize);
      ioctl(fd, requests.chipInfo, info);
      return { device, label: textAt(info, 32, 32), lines: info.readUInt32LE(64) };
    });
  return {
    chips: () => {
      const forbidden: string[] = [];
      const chips = readdirSync(folder)
        .filter((name) => /^gpiochip\d+$/.test(name))
        .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
        .flatMap((name): ChipInfo[] => {
          const device = join(folder, name);
          try {
            return [describe(device)];
          } catch (error) {
            if (isErrno(error, errors.EACCES) || isErrno(error, errors.EPERM)) forbidden.push(device);
            return []; // else not a GPIO chip in spite of its name, or just removed
          }
        });
      return { chips, forbidden };
    },
    lines: ({ device, lines }) =>
      withChip(device, (fd) =>
        Array.from({ length: lines }, (_, offset): LineInfo => {
          const info = Buffer.alloc(lineInfoSize);
          info.writeUInt32LE(offset, 64);
          ioctl(fd, requests.lineInfo, info);
          const set = info.readBigUInt64LE(72);
          return {
            offset,
            name: textAt(info, 0, 32),
            used: (set & flags.used) !== 0n,
            consumer: textAt(info, 32, 32),
            direction: (set & flags.output) !== 0n ? 'output' : 'input',
          };
        }),
      ),
    request: ({ device }, offset, line) =>
      requested(
        withChip(device, (fd) => lineFd(ioctl, fd, offset, line)),
        ioctl,
      ),
  };
}

/** struct gpio_v2_line_request: offsets[64], consumer[32], config, num_lines, event_buffer_size, padding[5], fd. */
function lineFd(ioctl: Ioctl, chip: number, offset: number, { direction, activeLow, bias = 'as-is', value = false }: LineRequest): number {
  const wanted = Buffer.alloc(lineRequestSize);
  wanted.writeUInt32LE(offset, 0);
  wanted.write('facelatch', 256, 'utf8');
  const pull = bias === 'pull-up' ? flags.pullUp : bias === 'pull-down' ? flags.pullDown : 0n;
  wanted.writeBigUInt64LE(flags[direction] | (activeLow ? flags.activeLow : 0n) | pull, 288);
  if (direction === 'output') {
    wanted.writeUInt32LE(1, 296); // num_attrs
    wanted.writeUInt32LE(outputValues, 320); // attrs[0].attr.id
    wanted.writeBigUInt64LE(value ? 1n : 0n, 328);
    wanted.writeBigUInt64LE(1n, 336); // attrs[0].mask
  }
  wanted.writeUInt32LE(1, 560); // num_lines
  ioctl(chip, requests.getLine, wanted);
  return wanted.readInt32LE(588);
}

function requested(fd: number, ioctl: Ioctl): RequestedLine {
  let open = true;
  const values = (nr: number, bits: bigint): bigint => {
    const buffer = Buffer.alloc(lineValuesSize);
    buffer.writeBigUInt64LE(bits, 0);
    buffer.writeBigUInt64LE(1n, 8);
    ioctl(fd, nr, buffer);
    return buffer.readBigUInt64LE(0);
  };
  return {
    read: () => (values(requests.getValues, 0n) & 1n) === 1n,
    write: (value) => void values(requests.setValues, value ? 1n : 0n),
    [Symbol.dispose]: () => {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

function isErrno(error: unknown, wanted: number): boolean {
  const errno = (error as { errno?: unknown } | null)?.errno;
  return typeof errno === 'number' && Math.abs(errno) === wanted;
}

/** A line that is looked for, and the settings that name it, for the messages. */
export interface Sought {
  readonly chip: string;
  readonly line: string;
  /** Such as `relay.chip` and `relay.line`. */
  readonly settings: { readonly chip: string; readonly line: string };
}

const allowGroup =
  'add its user to the group facelatch-gpio (sudo usermod -aG facelatch-gpio USER), which owns the chip by a udev rule (facelatch install puts both in place)';

/**
 * Finds a line by the label of its chip and its name (or #offset). Throws Faults `relay-missing`, `relay-forbidden`.
 */
export function findLine(device: GpioDevice, { chip, line, settings }: Sought): { chip: ChipInfo; info: LineInfo } {
  const { chips, forbidden } = device.chips();
  const found = chips.filter(({ label }) => label === chip);
  const [one] = found;
  if (!one) {
    if (forbidden.length > 0 && chips.length === 0)
      throw new Fault('relay-forbidden', `This user may not open ${forbidden.join(', ')}: ${allowGroup}`);
    const there =
      chips.map(({ label, device: at }) => `"${label}" (${at})`).join(', ') || 'none at all (is the driver loaded? ls /dev/gpiochip*)';
    throw new Fault('relay-missing', `There is no GPIO chip labelled "${chip}" (${settings.chip}); there are ${there}`);
  }
  if (found.length > 1)
    throw new Fault(
      'relay-missing',
      `${found.length} GPIO chips are labelled "${chip}" (${settings.chip}): which one is meant cannot be told`,
    );
  const lines = device.lines(one);
  const byOffset = /^#(\d+)$/.exec(line)?.[1];
  const info = lines.find(({ name, offset }) => (byOffset === undefined ? name === line : offset === Number(byOffset)));
  if (info) return { chip: one, info };
  const names = lines.flatMap(({ name }) => (name ? [name] : []));
  const there =
    names.length > 0 ? `its lines are ${names.join(', ')}` : `none of its ${one.lines} lines has a name: use #0 to #${one.lines - 1}`;
  throw new Fault('relay-missing', `The GPIO chip "${chip}" has no line "${line}" (${settings.line}); ${there}`);
}

/** The fault behind a request that the kernel refused. */
export function requestFault(error: unknown, { chip, line, settings }: Sought, info: LineInfo): Fault {
  const what = `The line "${line}" of the GPIO chip "${chip}" (${settings.line})`;
  if (isErrno(error, errors.EBUSY) && info.consumer === 'sysfs') {
    const base = sysfsChips().find(({ label }) => label === chip)?.base;
    const number = base === undefined ? `NUMBER (base of the chip in ${sysfsFolder}/gpiochip*, plus ${info.offset})` : base + info.offset;
    return new Fault(
      'relay-busy',
      `${what} is exported on the old interface, by another program or since relay.kind or inputs.kind was "onoff": end that program, then echo ${number} | sudo tee ${sysfsFolder}/unexport`,
      error,
    );
  }
  if (isErrno(error, errors.EBUSY))
    return new Fault(
      'relay-busy',
      `${what} is taken by ${info.consumer ? `"${info.consumer}"` : 'another program'}: end that program, or name another line (gpioinfo shows who has which)`,
      error,
    );
  if (isErrno(error, errors.EACCES) || isErrno(error, errors.EPERM))
    return new Fault('relay-forbidden', `${what} may not be opened by this user: ${allowGroup}`, error);
  if (isErrno(error, errors.EINVAL))
    return new Fault(
      'relay-failed',
      `${what} cannot be used so (it may be an input only, or fixed by the driver): name another line`,
      error,
    );
  return new Fault('relay-failed', `${what} cannot be used: ${messageOf(error)}`, error);
}
