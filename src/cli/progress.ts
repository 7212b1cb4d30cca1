/**
 * Progress bars on standard error, for long work: how much is done goes in, a bar with rate and time left comes out.
 * Nothing is
 * drawn where standard error is not a terminal.
 */
import { SingleBar } from 'cli-progress';
import { surroundings } from './surroundings.ts';
import { timeText } from './words.ts';

export interface ProgressBar {
  /** How many of the total are done. */
  update(done: number): void;
  /** Removes the bar. */
  stop(): void;
}

/** A bar on the last line of the terminal. */
export interface DrawnBar {
  draw(total: number, done: number, payload: object): void;
  /** Removes the bar; the next `draw` draws it again. */
  clear(): void;
}

/** Work that ends sooner shows no bar: a flash would only disturb. */
const patienceMs = 500;

export function drawnBar(format: string, barsize: number): DrawnBar {
  const bar = new SingleBar({
    format,
    stream: surroundings().stderr,
    barsize,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    clearOnComplete: true,
    gracefulExit: false,
    linewrap: null,
  });
  let shown = false;
  const clear = () => {
    if (shown) bar.stop();
    shown = false;
  };
  return {
    draw: (total, done, payload) => {
      if (shown && bar.getTotal() !== total) clear();
      if (shown) bar.update(done, payload);
      else bar.start(total, done, payload);
      shown = true;
    },
    clear,
  };
}

/** A bar of `total` steps that appears when the work has taken half a second. */
export function openProgress(label: string, total: number, unit: string): ProgressBar {
  const started = performance.now();
  const bar = drawnBar(`${label} {bar} {percentage}% · {value} of {total} ${unit} · {rate}/s · {left} left`, 24);
  return {
    update: (done) => {
      const seconds = (performance.now() - started) / 1000;
      if (!surroundings().stderr.isTTY || seconds * 1000 < patienceMs) return;
      const rate = done / seconds;
      bar.draw(total, done, { rate: rate.toFixed(rate < 10 ? 1 : 0), left: timeText(rate > 0 ? (total - done) / rate : 0) });
    },
    stop: bar.clear,
  };
}
