/** A progress bar for bytes whose number is known once the work begins. */
import { openProgress, type ProgressBar } from '../progress.ts';

export interface BytesProgress {
  readonly onProgress: (done: number, total: number) => void;
  stop(): void;
}

export function bytesProgress(label: string): BytesProgress {
  let bar: ProgressBar | undefined;
  return {
    onProgress: (done, total) => {
      bar ??= openProgress(label, Math.ceil(total / 1e6), 'MB');
      bar.update(Math.floor(done / 1e6));
    },
    stop: () => bar?.stop(),
  };
}
