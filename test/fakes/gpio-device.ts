/** GPIO chips in memory, with the errors that the kernel gives. */
import type { GpioDevice, LineRequest } from '../../src/relay/gpio-device.ts';

export interface FakeChip {
  readonly label: string;
  /** By offset; '' has no name. */
  readonly names: readonly string[];
  /** Offsets that are taken, and by whom. */
  readonly taken?: Readonly<Record<number, string>>;
  /** Offsets whose request fails with this errno. */
  readonly refuses?: Readonly<Record<number, number>>;
}

export interface FakeGpio extends GpioDevice {
  /** The electrical level of each line that was driven, by "label offset": every level in order. */
  readonly driven: Map<string, boolean[]>;
  readonly requests: LineRequest[];
  /** What an input reads. */
  level: boolean;
}

export function fakeGpio(all: readonly FakeChip[], forbidden: readonly string[] = []): FakeGpio {
  const driven = new Map<string, boolean[]>();
  const fake: FakeGpio = {
    driven,
    requests: [],
    level: false,
    chips: () => ({ chips: all.map(({ label, names }, i) => ({ device: `/dev/gpiochip${i}`, label, lines: names.length })), forbidden }),
    lines: ({ label }) =>
      (all.find((chip) => chip.label === label)?.names ?? []).map((name, offset) => {
        const consumer = all.find((chip) => chip.label === label)?.taken?.[offset];
        return { offset, name, used: consumer !== undefined, consumer: consumer ?? '', direction: 'input' };
      }),
    request: ({ label }, offset, line) => {
      const chip = all.find((each) => each.label === label);
      const errno = chip?.refuses?.[offset] ?? (chip?.taken?.[offset] === undefined ? 0 : 16);
      if (errno > 0) throw Object.assign(new Error(`ioctl: errno ${errno}`), { errno });
      fake.requests.push(line);
      const levels = driven.get(`${label} ${offset}`) ?? [];
      driven.set(`${label} ${offset}`, levels);
      const write = (value: boolean) => void levels.push(value !== line.activeLow);
      if (line.direction === 'output') write(line.value ?? false);
      return { read: () => fake.level !== line.activeLow, write, [Symbol.dispose]: () => undefined };
    },
  };
  return fake;
}
