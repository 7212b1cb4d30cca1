/**
 * The progress of training, for people: steps, loss, seconds per step and time left in a bar on standard error (on a
 * terminal), with lines above it.
 */
import { SingleBar } from 'cli-progress';
import { tell } from '../context.ts';

export interface TrainingBar {
  /** `tookMs`: of the newest step. */
  update(step: {
    readonly label: string;
    readonly done: number;
    readonly total: number;
    readonly loss: number;
    readonly tookMs: number;
  }): void;
  /** A line above the bar. */
  say(line: string): void;
  stop(): void;
}

/** Steps that the pace is taken from. */
const recent = 20;

export function openTrainingBar(): TrainingBar {
  const isTerminal = process.stderr.isTTY;
  const bar = new SingleBar({
    format: '{label} {bar} {percentage}% · step {value} of {total} · loss {loss} · {pace} s/step · {left} left',
    stream: process.stderr,
    barsize: 20,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    clearOnComplete: true,
    gracefulExit: false,
    linewrap: null,
  });
  const took: number[] = [];
  let shown = false;
  return {
    update: ({ label, done, total, loss, tookMs }) => {
      took.push(tookMs);
      if (took.length > recent) took.shift();
      if (!isTerminal) return;
      const pace = took.reduce((sum, ms) => sum + ms, 0) / took.length / 1000;
      const payload = { label, loss: loss.toPrecision(3), pace: pace.toPrecision(2), left: timeText(pace * (total - done)) };
      if (shown && bar.getTotal() === total) bar.update(done, payload);
      else bar.start(total, done, payload);
      shown = true;
    },
    say: (line) => tell(shown ? `\r\x1b[K${line}` : line),
    stop: () => {
      if (shown) bar.stop();
      shown = false;
    },
  };
}

/** `42 s`, `12 min`, `3 h 05 min`. */
export function timeText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
