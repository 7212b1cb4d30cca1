/**
 * The journal for whoever asks from afar: a query goes in; a thread of its own looks the entries up, for a set time and
 * a set share of a processor. Nothing on the deciding thread waits for it.
 */
import { Fault, type FaultCode } from '../base/errors.ts';
import { sideThread } from '../base/side-thread.ts';
import type { Entry, JournalReader, Query } from './port.ts';
import { type Pseudonyms, plainIds } from './pseudonyms.ts';

export interface ReaderData {
  readonly file: string;
  /** The longest time for one query, milliseconds. */
  readonly atMostMs: number;
}
/** `persons`: what may stand in rows for the person who is asked for. */
export interface StoredQuery extends Omit<Query, 'personId'> {
  readonly limit: number;
  readonly persons?: readonly string[];
}
export interface Look {
  readonly query: StoredQuery;
}
export type Looked =
  | { readonly found: readonly Entry[] | 'too-long' }
  | { readonly fault: { readonly code: FaultCode; readonly message: string } };

const queryMs = 50;
/** Queries may keep one processor busy for this share of the time. */
const share = 0.25;

/** The reader of the journal in `file`. Opens nothing before the first query. `people` stays open. */
export function journalReader(file: string, people: Pseudonyms = plainIds): JournalReader {
  const thread = sideThread<Look, Looked>({
    module: new URL('./worker.ts', import.meta.url),
    data: { file, atMostMs: queryMs } satisfies ReaderData,
    ...{ mostWaiting: 8, patienceMs: 5000, heapMb: 32, share },
  });
  return {
    query: async ({ personId, ...query }) => {
      const looked = await thread.ask({ query: { ...query, ...(personId !== undefined && { persons: people.of(personId) }) } });
      if (!looked) return 'busy';
      if ('fault' in looked) throw new Fault(looked.fault.code, looked.fault.message);
      if (looked.found === 'too-long') return looked.found;
      while (!people.catchUp()) await new Promise(setImmediate);
      return looked.found.map((entry) => ({ ...entry, event: people.read(entry.event) }));
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}
