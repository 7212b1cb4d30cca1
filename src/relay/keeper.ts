/**
 * The relay keeper: a process that owns the line and does nothing else. kept-relay.ts starts it; like main.ts, it is an
 * entry of the program. Commands come in as lines on standard input, results go out as lines of JSON (keeper-talk.ts).
 *
 * It drives the safe level before it reports that it holds the line, and it limits every pulse and hold itself. It
 * drives the safe level and ends when its input ends, at a signal, or when it has not heard from the daemon for too
 * long: a daemon that is killed, stopped or hung never leaves a door open.
 */
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault, messageOf } from '../base/errors.ts';
import { systemClock } from '../base/time.ts';
import type { FromKeeper, KeeperOrder, Place } from './keeper-talk.ts';
import { type AnyLine, type DeviceLine, isDevice, type LineAdapter } from './line.ts';
import { type TimedLine, timedLine } from './timed-line.ts';

const checkMs = 100;
/**
 * How often a network device is asked whether it is there. After two unanswered questions in a row the relay is no
 * longer held.
 */
const askMs = 15_000;
/**
 * How long the keeper repeats the safe command to a device that does not answer: the daemon is gone and will not do it.
 */
const persistMs = 10_000;

const tell = (message: FromKeeper) => process.stdout.write(`${JSON.stringify(message)}\n`);
// The daemon is gone: the end of the input says the same.
process.stdout.on('error', () => undefined);

const { adapter, maxMs, maxHoldMs, silenceMs } = JSON.parse(process.argv[2] ?? '{}') as KeeperOrder;
const { openLine } = (await import(adapter)) as LineAdapter<Place>;

interface State {
  line: AnyLine | undefined;
  timed: TimedLine | undefined;
  heardAtMs: number;
  ending: boolean;
}

const state: State = { line: undefined, timed: undefined, heardAtMs: performance.now(), ending: false };

/** Makes the line safe. A line that cannot be driven is released, because this process ends in any case. */
const end = (code: number): void => {
  if (state.ending) return;
  state.ending = true;
  const { line, timed } = state;
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
  void state.timed?.safe().catch(() => undefined); // commands that are still waiting are not sent any more
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
    state.line = taken;
    state.timed = timedLine({
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

/**
 * A device may vanish at any time, and people should learn that a door cannot open before they stand in front of it.
 */
async function attend(device: DeviceLine): Promise<void> {
  for (let missed = 0; !state.ending; ) {
    await delay(askMs);
    if (state.ending || state.timed?.level === 'active') continue;
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
  const { timed, ending } = state;
  if (ending && order === 'safe') return; // already under way: the end of this process is the answer
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
  if (performance.now() - state.heardAtMs > silenceMs) end(2);
}, checkMs);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => end(0));
process.on('uncaughtException', (error) => {
  process.stderr.write(`keeper: ${messageOf(error)}\n`);
  end(1);
});

createInterface({ input: process.stdin })
  .on('line', (text) => {
    state.heardAtMs = performance.now();
    const [first, order, ms] = text.split(' ');
    if (first === 'alive') tell({ alive: true });
    else if (first === 'take') void take(JSON.parse(text.slice('take '.length)) as Place);
    else void obey(Number(first), order, Number(ms));
  })
  .on('close', () => {
    if (process.exitCode === undefined) end(0); // else it did not get the line and is already ending
  });
tell({ up: true });
