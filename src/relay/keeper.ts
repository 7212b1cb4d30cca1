/**
 * The relay keeper: a process of its own that owns the line and does nothing else. Commands come in as lines on standard input, what happened goes
 * out as lines of JSON. It drives the safe level before it says that it holds the line, caps every pulse and hold itself, and drives the safe
 * level and ends when its input ends, at a signal, or when its daemon has not been heard for too long: so a daemon that is killed, stopped or
 * hung never leaves a door open. Started by kept-relay.ts; an edge of the program like main.ts.
 */
import { createInterface } from 'node:readline';
import { Fault, messageOf } from '../errors.ts';
import { systemClock } from '../time.ts';
import type { FromKeeper, KeeperOrder } from './keeper-talk.ts';
import type { Line, LineAdapter } from './line.ts';
import { lineTimer } from './timer.ts';

const checkMs = 100;

const tell = (message: FromKeeper) => process.stdout.write(`${JSON.stringify(message)}\n`);
// Whoever started it is gone: the end of the input says the same.
process.stdout.on('error', () => undefined);

const { adapter, place, maxMs, maxHoldMs, silenceMs } = JSON.parse(process.argv[2] ?? '{}') as KeeperOrder;
const { openLine } = (await import(adapter)) as LineAdapter;

let line: Line | undefined;
let heardAtMs = performance.now();

/** The line goes safe whatever it takes: where it cannot be driven it is let go of, which ends this process too. */
const end = (code: number): never => {
  try {
    timer.safe();
    line?.drive('safe');
    line?.[Symbol.dispose]();
  } catch {
    code = 1;
  }
  process.exit(code);
};

const timer = lineTimer({
  ...{ clock: systemClock, maxMs, maxHoldMs },
  drive: (level) => {
    line?.drive(level);
    tell({ edge: level });
  },
  onLost: () => end(1),
});

async function take(): Promise<void> {
  try {
    line = await openLine(place);
    line.drive('safe');
    tell({ held: line.label });
  } catch (error) {
    tell({ fault: { code: error instanceof Fault ? error.code : 'relay-failed', message: messageOf(error) } });
    process.exitCode = 1;
    process.stdin.destroy();
    clearInterval(checking);
  }
}

function obey(id: number, order: string | undefined, ms: number): void {
  try {
    if (!line) throw new Fault('relay-failed', 'The line is not held');
    if (order === 'pulse' && ms > 0) timer.pulse(ms);
    else if (order === 'hold' && ms > 0) timer.hold(ms);
    else if (order === 'safe') timer.safe();
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
    else if (first === 'take') void take();
    else obey(Number(first), order, Number(ms));
  })
  .on('close', () => {
    if (process.exitCode === undefined) end(0); // else it was refused the line and is ending by itself
  });
tell({ up: true });
