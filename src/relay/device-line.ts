/**
 * A relay on the network as a line: a level goes in, the device's confirmation or a fault comes out. Commands are sent
 * one after the other. A release that a later order to be safe has overtaken is not sent, and no release is sent twice.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../base/errors.ts';
import { serialQueue } from '../base/serial.ts';
import type { DeviceLine, Level } from './line.ts';

export interface DeviceLineOptions {
  readonly label: string;
  /** Time-out for each answer. Milliseconds. */
  readonly timeoutMs: number;
  /** Sends the command. Resolves with the level if the answer already tells it. */
  send(level: Level, restMs: number, signal: AbortSignal): Promise<Level | undefined>;
  /**
   * Asks for the level now. Undefined if the device cannot be asked: then an accepted command is the only confirmation.
   */
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
      // Of a device that has said nothing, `ask` knows best what is wrong.
      if (signal.aborted && told !== undefined) throw notThere(label, level, timeoutMs);
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
