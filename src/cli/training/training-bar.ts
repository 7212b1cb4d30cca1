/**
 * The progress of training, for people: steps, loss, seconds per step and time left in a bar on standard error (on a
 * terminal), with lines above it.
 */
import { tell } from '../context.ts';
import { drawnBar } from '../progress.ts';
import { surroundings } from '../surroundings.ts';
import { timeText } from '../words.ts';

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
  const isTerminal = surroundings().stderr.isTTY;
  const bar = drawnBar('{label} {bar} {percentage}% · step {value} of {total} · loss {loss} · {pace} s/step · {left} left', 20);
  const took: number[] = [];
  let ended = false;
  return {
    update: ({ label, done, total, loss, tookMs }) => {
      took.push(tookMs);
      if (took.length > recent) took.shift();
      // The thread that trains may report a step after it was told to stop.
      if (!isTerminal || ended) return;
      const pace = took.reduce((sum, ms) => sum + ms, 0) / took.length / 1000;
      bar.draw(total, done, { label, loss: loss.toPrecision(3), pace: pace.toPrecision(2), left: timeText(pace * (total - done)) });
    },
    say: (line) => {
      // A terminal that scrolls would leave the bar behind as a line of its own.
      bar.clear();
      tell(line);
    },
    stop: () => {
      ended = true;
      bar.clear();
    },
  };
}
