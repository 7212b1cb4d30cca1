/**
 * Overwrites the rows that were removed from the journal: a file goes in, a thread of its own does it, a few rows at a
 * time, so that the door's own entries hardly wait. Whoever opens it owns it.
 */
import type { FaultCode } from '../base/errors.ts';
import { sideThread } from '../base/side-thread.ts';

export interface ClearingData {
  readonly file: string;
}
/** Rows that were overwritten, or why they could not be. */
export type Cleared = { readonly rows: number } | { readonly fault: { readonly code: FaultCode; readonly message: string } };

export interface Clearing extends AsyncDisposable {
  /** Undefined where it takes too long: the next time goes on. */
  clear(): Promise<Cleared | undefined>;
}

export function journalClearing(file: string): Clearing {
  const thread = sideThread<null, Cleared>({
    module: new URL('./clearing-worker.ts', import.meta.url),
    data: { file } satisfies ClearingData,
    ...{ mostWaiting: 1, patienceMs: 300_000, heapMb: 32, idleMs: 5000 },
  });
  return { clear: () => thread.ask(null), [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose]() };
}
