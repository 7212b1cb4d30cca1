/**
 * The relay keeper: a process of its own that owns the line and does nothing else. Commands come in as lines on standard input, what happened goes
 * out as lines of JSON. It drives the safe level before it says that it holds the line, caps every pulse and hold itself, and drives the safe
 * level and ends when its input ends, at a signal, or when its daemon has not been heard for too long: so a daemon that is killed, stopped or
 * hung never leaves a door open. Started by kept-relay.ts; an edge of the program like main.ts.
 */
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault, messageOf } from '../base/errors.ts';
import { systemClock } from '../base/time.ts';
import type { FromKeeper, KeeperOrder, Place } from './keeper-talk.ts';
import { type AnyLine, type DeviceLine, isDevice, type LineAdapter } from './line.ts';
import { type TimedLine, timedLine } from './timed-line.ts';

const checkMs = 100;
/** A device of the network is asked so often whether it is there; twice in a row no answer, and the relay is not held. */
const askMs = 15_000;
/** A device that does not answer is told to be safe again and again for so long, where its daemon is gone and will not do so. */
const persistMs = 10_000;

const tell = (message: FromKeeper) => process.stdout.write(`${JSON.stringify(message)}\n`);
// Whoever started it is gone: the end of the input says the same.
process.stdout.on('error', () => undefined);

const { adapter, maxMs, maxHoldMs, silenceMs } = JSON.parse(process.argv[2] ?? '{}') as KeeperOrder;
const { openLine } = (await import(adapter)) as LineAdapter<Place>;

let line: AnyLine | undefined;
let timed: TimedLine | undefined;
let heardAtMs = performance.now();
let ending = false;

/** The line goes safe whatever it takes: where it cannot be driven it is let go of, which ends this process too. */
const end = (code: number): void => {
  if (ending) return;
  ending = true;
  if (line && isDevice(line)) {
    void endDevice(line, code);
    return;
  }
  try {
    void timed?.safe();
    line?.drive('safe');
    line?.[Symbol.dispose]();
  } catch {
    code = 1;
  }
  process.exit(code);
};

async function endDevice(device: DeviceLine, code: number): Promise<never> {
  void timed?.safe().catch(() => undefined); // what was asked and not yet sent is not sent any more
  for (const endMs = performance.now() + (code === 1 ? 0 : persistMs); ; await delay(300)) {
    try {
      await device.drive('safe', 0);
      break;
    } catch {
      if (performance.now() < endMs) continue;
      code = 1;
      break;
    }
  }
  device[Symbol.dispose]();
  process.exit(code);
}

async function take(place: Place): Promise<void> {
  try {
    const taken = await openLine(place);
    line = taken;
    timed = timedLine({
      ...{ line: taken, clock: systemClock, maxMs, maxHoldMs },
      onEdge: (edge) => void tell({ edge }),
      onLost: (error) => {
        process.stderr.write(`keeper: the relay cannot be made safe: ${messageOf(error)}\n`);
        end(1);
      },
    });
    if (isDevice(taken)) void attend(taken);
    else taken.drive('safe');
    tell({ held: taken.label });
  } catch (error) {
    tell({ fault: { code: error instanceof Fault ? error.code : 'relay-failed', message: messageOf(error) } });
    process.exitCode = 1;
    process.stdin.destroy();
    clearInterval(checking);
  }
}

/** A device may vanish at any time, and a door that cannot be opened should be told before somebody stands in front of it. */
async function attend(device: DeviceLine): Promise<void> {
  for (let missed = 0; !ending; ) {
    await delay(askMs);
    if (ending || timed?.level === 'active') continue;
    try {
      await device.ready();
      missed = 0;
    } catch (error) {
      if (++missed < 2) continue;
      process.stderr.write(`keeper: ${messageOf(error)}\n`);
      end(1);
    }
  }
}

async function obey(id: number, order: string | undefined, ms: number): Promise<void> {
  if (ending && order === 'safe') return; // that is being done: the end of this process is the answer
  try {
    if (!timed || ending) throw new Fault('relay-failed', 'The line is not held');
    if (order === 'pulse' && ms > 0) await timed.pulse(ms);
    else if (order === 'hold' && ms > 0) await timed.hold(ms);
    else if (order === 'safe') await timed.safe();
    else throw new Fault('relay-failed', `The keeper knows no order "${order}"`);
    tell({ done: id });
  } catch (error) {
    tell({ failed: id, message: messageOf(error) });
  }
}

const checking = setInterval(() => {
  if (performance.now() - heardAtMs > silenceMs) end(2);
}, checkMs);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => end(0));
process.on('uncaughtException', (error) => {
  process.stderr.write(`keeper: ${messageOf(error)}\n`);
  end(1);
});

createInterface({ input: process.stdin })
  .on('line', (text) => {
    heardAtMs = performance.now();
    const [first, order, ms] = text.split(' ');
    if (first === 'alive') tell({ alive: true });
    else if (first === 'take') void take(JSON.parse(text.slice('take '.length)) as Place);
    else void obey(Number(first), order, Number(ms));
  })
  .on('close', () => {
    if (process.exitCode === undefined) end(0); // else it was refused the line and is ending by itself
  });
tell({ up: true });
