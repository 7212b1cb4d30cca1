/**
 * What a listener may believe. In: messages of one door in the order in which they came, and the door's public key.
 * Out: for each, what it says and what is wrong with it: not signed by the door, on another topic, missing, changed,
 * held back or old. One record per listener; nothing here reads the network.
 */
import type { Signer } from '../base/jws.ts';
import { type Doubt, signedBody } from './statement.ts';
import type { Topics } from './topics.ts';

/** What is wrong with a message, or with what lies before it. */
export type ListeningFinding =
  | Doubt
  /** Entries between the last one heard and this one did not come. */
  | 'missing'
  /** Another entry came under this number, or under that of its checkpoint: a journal replaced or rewritten. */
  | 'rewritten'
  /** An event that the broker had stored: the door never publishes one so. */
  | 'retained'
  /** A state that is older than one heard before, or older than the door's repetition: it was replayed or held back. */
  | 'old'
  /** An event that was signed some time ago. */
  | 'late';

export interface Heard {
  /** The topic below the door: `state/door`, `event/access/granted`. */
  readonly what: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly signed: boolean;
  readonly findings: readonly ListeningFinding[];
  /** How many entries are missing before this one. */
  readonly missing?: number;
}

export interface ListeningOptions {
  readonly topics: Topics;
  /** The door's public key and its thumbprint. */
  readonly signer: Signer;
  readonly nowMs: () => number;
}

export interface Listening {
  /** Undefined for an event that was heard already: messages come at least once. */
  take(topic: string, message: Uint8Array, retained: boolean): Promise<Heard | undefined>;
}

/** The door repeats its states each minute; the way and clocks that differ take some more, milliseconds. */
const oldMs = 150_000;
/** How many numbers of entries are remembered, to notice a second entry under one of them. */
const remembered = 10_000;

/** What tells entries of one number apart: the hash also stands for all entries before it. */
interface KnownEntry {
  readonly id: unknown;
  readonly hash: unknown;
}

/** What one listener has heard. */
interface Held {
  readonly options: ListeningOptions;
  /** What is known of each entry by its number. */
  readonly entries: Map<number, KnownEntry>;
  lastSeq: number | undefined;
  /** When each state was signed that was heard last. */
  readonly signedAtMs: Map<string, number>;
}

export function listening(options: ListeningOptions): Listening {
  const held: Held = { options, entries: new Map(), lastSeq: undefined, signedAtMs: new Map() };
  return { take: (...message) => take(held, ...message) };
}

async function take(held: Held, topic: string, message: Uint8Array, retained: boolean): Promise<Heard | undefined> {
  const { topics, signer, nowMs } = held.options;
  const what = topic.slice(topics.all.length - 1);
  const statement = await signedBody(topic, message, signer);
  if (!statement.ok) {
    const body = statement.body ?? {};
    // The last will is the broker's word: the door cannot sign that it is gone.
    const lost = topic === topics.status && statement.doubt === 'unsigned' && body.status === 'offline' && body.reason === 'lost';
    return { what, body, signed: false, findings: lost ? [] : [statement.doubt] };
  }
  const { body, signedAtMs } = statement;
  const age = nowMs() - signedAtMs;
  if (!what.startsWith('event/')) {
    const before = held.signedAtMs.get(topic) ?? Number.NEGATIVE_INFINITY;
    held.signedAtMs.set(topic, Math.max(before, signedAtMs));
    return { what, body, signed: true, findings: age > oldMs || signedAtMs < before ? ['old'] : [] };
  }
  const order = orderOf(held, body);
  if (order === 'repeat') return undefined;
  const findings: ListeningFinding[] = [
    ...order.findings,
    ...(retained ? (['retained'] as const) : []),
    ...(age > oldMs ? (['late'] as const) : []),
  ];
  return { what, body, signed: true, findings, ...(order.missing !== undefined && { missing: order.missing }) };
}

/** How an entry follows the ones heard before. */
function orderOf(
  held: Held,
  body: Heard['body'],
): 'repeat' | { readonly findings: readonly ListeningFinding[]; readonly missing?: number } {
  const { seq, id, hash, checkpoint } = body;
  if (typeof seq !== 'number') return { findings: [] };
  const { entries, lastSeq: last } = held;
  const known = entries.get(seq);
  if (last !== undefined && seq <= last) {
    // What came before the first entry heard is not known here: it is repeated by a door that was restarted.
    if (known === undefined || (known.id === id && known.hash === hash)) return 'repeat';
    entries.clear();
  }
  held.lastSeq = seq;
  const contradicted = contradicts(entries, checkpoint);
  if (contradicted) entries.clear();
  entries.set(seq, { id, hash });
  const oldest = entries.keys().next().value;
  if (entries.size > remembered && oldest !== undefined) entries.delete(oldest);
  if (contradicted || (last !== undefined && seq <= last)) return { findings: ['rewritten'] };
  if (last === undefined || seq === last + 1) return { findings: [] };
  return { findings: ['missing'], missing: seq - last - 1 };
}

/** Whether the signed place in the journal that an entry names is not the one that was heard. */
function contradicts(entries: ReadonlyMap<number, KnownEntry>, checkpoint: unknown): boolean {
  if (typeof checkpoint !== 'object' || checkpoint === null || !('seq' in checkpoint) || !('hash' in checkpoint)) return false;
  const known = typeof checkpoint.seq === 'number' ? entries.get(checkpoint.seq) : undefined;
  return known?.hash !== undefined && known.hash !== checkpoint.hash;
}
