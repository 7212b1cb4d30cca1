/**
 * The journal for whoever asks from afar: a query goes in; a thread of its own looks the entries up, for a set time and
 * a set share of a processor. Nothing on the deciding thread waits for it.
 */
import { Fault, type FaultCode } from '../base/errors.ts';
import { type SideThread, sideThread } from '../base/side-thread.ts';
import type { StoredPage } from './page.ts';
import type { AttemptScores, Entry, JournalPage, JournalReader, Seq } from './port.ts';
import { type Pseudonyms, plainIds } from './pseudonyms.ts';
import type { StoredQuery } from './select.ts';

export interface ReaderData {
  readonly file: string;
  /** The longest time for one query, milliseconds. */
  readonly atMostMs: number;
}
export type Look =
  | { readonly kind: 'query'; readonly query: StoredQuery }
  | { readonly kind: 'page'; readonly query: StoredPage }
  | { readonly kind: 'attempts'; readonly since: string; readonly before?: Seq };
export type Looked =
  | { readonly found: readonly Entry[] | 'too-long' }
  | { readonly page: JournalPage }
  | { readonly attempts: AttemptScores }
  | { readonly fault: { readonly code: FaultCode; readonly message: string } };

const queryMs = 50;
/** Queries may keep one processor busy for this share of the time. */
const share = 0.25;

interface State {
  readonly thread: SideThread<Look, Looked>;
  readonly people: Pseudonyms;
}

/** The reader of the journal in `file`. Opens nothing before the first query. `people` stays open. */
export function journalReader(file: string, people: Pseudonyms = plainIds): JournalReader {
  const thread = sideThread<Look, Looked>({
    module: new URL('./worker.ts', import.meta.url),
    data: { file, atMostMs: queryMs } satisfies ReaderData,
    ...{ mostWaiting: 8, patienceMs: 5000, heapMb: 32, share },
  });
  const state: State = { thread, people };
  const stored = <Q extends { readonly personId?: string }>({ personId, ...query }: Q) => ({
    ...query,
    ...(personId !== undefined && { persons: people.of(personId) }),
  });
  return {
    query: async (query) => {
      const looked = await ask(state, { kind: 'query', query: stored(query) });
      if (looked === 'busy' || !('found' in looked)) return 'busy';
      return looked.found === 'too-long' ? looked.found : await readable(state, looked.found);
    },
    page: async (query) => {
      const looked = await ask(state, { kind: 'page', query: stored(query) });
      if (looked === 'busy' || !('page' in looked)) return 'busy';
      const { entries, marks } = looked.page;
      return { ...looked.page, entries: await readable(state, entries), marks: await readable(state, marks) };
    },
    attempts: async (since, before) => {
      const looked = await ask(state, { kind: 'attempts', since, ...(before !== undefined && { before }) });
      return looked === 'busy' || !('attempts' in looked) ? 'busy' : looked.attempts;
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}

async function ask({ thread }: State, look: Look): Promise<Looked | 'busy'> {
  const looked = await thread.ask(look);
  if (!looked) return 'busy';
  if ('fault' in looked) throw new Fault(looked.fault.code, looked.fault.message);
  return looked;
}

/** With the ids of people, as far as their keys are there. */
async function readable({ people }: State, entries: readonly Entry[]): Promise<readonly Entry[]> {
  while (!people.catchUp()) await new Promise(setImmediate);
  return entries.map((entry) => ({ ...entry, event: people.read(entry.event) }));
}
