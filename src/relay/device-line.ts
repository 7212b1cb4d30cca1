/**
 * A relay on the network as a line: a level in; the device's own word that it is there out, or a fault. Commands go one after the other, one that was
 * overtaken by an order to be safe is not sent any more, and none to be active is sent twice.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../base/errors.ts';
import { serialQueue } from '../base/serial.ts';
import type { DeviceLine, Level } from './line.ts';

export interface DeviceLineOptions {
  readonly label: string;
  /** Of each answer. Milliseconds. */
  readonly timeoutMs: number;
  /** Sends the command; an answer that tells the level already is given. */
  send(level: Level, restMs: number, signal: AbortSignal): Promise<Level | undefined>;
  /** The level now, freshly asked for; undefined where a device cannot be asked, and then its having taken the command is all there is to know. */
  readonly ask: ((signal: AbortSignal) => Promise<Level | undefined>) | undefined;
  close(): void;
}

const askAgainMs = 100;

export function deviceLine({ label, timeoutMs, send, ask, close }: DeviceLineOptions): DeviceLine {
  const inTurn = serialQueue();
  let safes = 0;
  const drive = async (level: Level, restMs: number) => {
    const signal = AbortSignal.timeout(timeoutMs);
    let told = await send(level, restMs, signal);
    for (let again = false; ask && told !== level; again = true) {
      if (again) await delay(askAgainMs);
      if (signal.aborted) throw notThere(label, level, timeoutMs);
      told = await ask(signal);
    }
  };
  return {
    label,
    drive: (level, restMs) => {
      if (level === 'safe') safes++;
      const before = safes;
      return inTurn(() => {
        if (level === 'active' && before !== safes) throw new Fault('relay-failed', `${label} was told to be safe before it was released`);
        return drive(level, restMs);
      });
    },
    ready: async () => ask?.(AbortSignal.timeout(timeoutMs)),
    [Symbol.dispose]: close,
  };
}

const notThere = (label: string, level: Level, ms: number): Fault =>
  new Fault(
    'relay-failed',
    `${label} did not say within ${ms} ms that it is ${level === 'active' ? 'on' : 'off'} (relay.device.timeoutMs): see whether its relay can be switched by hand, and relay.device.channel`,
  );
