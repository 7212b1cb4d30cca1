/** Progress bars: how far a long piece of work is goes in, a bar with rate and time left on standard error comes out; nothing where that is no terminal. */
import { SingleBar } from 'cli-progress';

export interface Progress {
  /** So many of the total are done. */
  update(done: number): void;
  /** Takes the bar away. */
  stop(): void;
}

/** Work that is over sooner shows no bar: a flash would only disturb. */
const patienceMs = 500;

/** A bar of `total` steps that appears when the work has taken half a second. */
export function openProgress(label: string, total: number, unit: string): Progress {
  const started = performance.now();
  const bar = new SingleBar({
    format: `${label} {bar} {percentage}% · {value} of {total} ${unit} · {rate}/s · {left} left`,
    stream: process.stderr,
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    clearOnComplete: true,
    gracefulExit: false,
    linewrap: null,
  });
  let shown = false;
  return {
    update: (done) => {
      const seconds = (performance.now() - started) / 1000;
      if (!process.stderr.isTTY || seconds * 1000 < patienceMs) return;
      const rate = done / seconds;
      const payload = { rate: rate.toFixed(rate < 10 ? 1 : 0), left: timeOf(rate > 0 ? (total - done) / rate : 0) };
      if (shown) bar.update(done, payload);
      else bar.start(total, done, payload);
      shown = true;
    },
    stop: () => {
      if (shown) bar.stop();
    },
  };
}

const timeOf = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.ceil(seconds % 60)} s`;
