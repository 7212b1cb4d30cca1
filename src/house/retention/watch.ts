/**
 * What is kept no longer than its time: the settings of `privacy.*` and the clock go in; consents, unused people, old
 * entries of the journal and what attempts left are dealt with from time to time, a little at a time, while nobody is
 * at the door. wire.ts opens it; it owns the thread that overwrites rows, and ends with the door.
 *
 * Order of effects: what lets somebody in or out is journalled as everywhere; a cut of the journal is journalled and
 * signed before a row goes. Killed at any moment, the next look goes on.
 */
import type { ChangeRules } from '../../access/port.ts';
import { usageCarried } from '../../access/usage.ts';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Clock } from '../../base/time.ts';
import type { Event, PersonId } from '../../events.ts';
import { diskUse } from '../../host/disk-use.ts';
import type { ConsentBook, Gallery, Roster } from '../../identity/port.ts';
import type { Clearing } from '../../journal/clearing.ts';
import type { Journal, JournalReader, Seq } from '../../journal/port.ts';
import type { Samples } from '../../retrain/samples.ts';
import type { Config } from '../../settings/load.ts';
import type { Vault } from '../../vault/port.ts';
import type { Shredder } from '../removal/shredder.ts';
import type { SureTime } from './sure-time.ts';
import { dayMs, unusedStep, useKinds } from './unused.ts';

export interface RetentionParts {
  readonly config: Pick<Config, 'privacy'>;
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Pick<Journal, 'begins' | 'oldUpTo' | 'cut' | 'note' | 'query'>;
  /** Every age is measured by it. */
  readonly time: SureTime;
  /** Looks entries up beside the deciding thread. */
  readonly entries: Pick<JournalReader, 'query'>;
  readonly clearing: Clearing;
  readonly record: (event: Event) => void;
  readonly gallery: Pick<Gallery, 'ids' | 'rules'>;
  readonly roster: Pick<Roster, 'remove' | 'withdraw'>;
  readonly removals: Pick<Shredder, 'retry'>;
  readonly rule: ChangeRules;
  readonly consents: ConsentBook;
  /** Nobody is at the door, or they have been decided on. */
  readonly quiet: () => boolean;
  /** Forgets what attempts left that nobody confirmed, up to this entry. */
  readonly forgetAttempts: (upTo: Seq) => void;
  /** What is kept of visitors; absent where nothing is learned. */
  readonly samples: Pick<Samples, 'dropOldest' | 'visitorDays' | 'emptyLog'> | undefined;
  readonly vault: Pick<Vault, 'owners' | 'destroy'>;
}

export interface RetentionWatch extends AsyncDisposable {
  /** At every tick of the door. */
  tick(): void;
  /** Looks at everything now; resolves when it is done. */
  look(): Promise<void>;
}

interface State extends RetentionParts {
  nextMs: number;
  nextNoteMs: number;
  /** Looked for rows that an earlier run left. */
  cleared: boolean;
  /** People and consents are looked at once a day. */
  nextPeopleMs: number;
  /** That the disk holds too much. */
  told: boolean;
  looking: Promise<void> | undefined;
  readonly over: AbortController;
}

/** The door comes first. Milliseconds. */
const firstMs = 60_000;
const everyMs = 600_000;
const noteEveryMs = 3_600_000;
/** Entries younger than this stay whatever the disk holds. */
const sureDays = 7;
/** Their consents are looked at in a few milliseconds. */
const peopleAtATime = 10;

const iso = (ms: number): string => new Date(ms).toISOString();

export function retentionWatch(parts: RetentionParts): RetentionWatch {
  const { clock, journal } = parts;
  const nowMs = clock.now();
  const state: State = {
    ...parts,
    ...{ nextMs: nowMs + firstMs, nextNoteMs: nowMs, nextPeopleMs: nowMs },
    ...{ cleared: journal.begins === undefined, told: false, looking: undefined, over: new AbortController() },
  };
  return {
    tick: () => {
      if (state.looking || state.over.signal.aborted || clock.now() < state.nextMs || !state.quiet()) return;
      state.looking = look(state).finally(() => {
        state.looking = undefined;
      });
    },
    look: () => look(state),
    [Symbol.asyncDispose]: async () => {
      state.over.abort(new Error('the door is closed'));
      await state.looking;
      await parts.clearing[Symbol.asyncDispose]();
    },
  };
}

async function look(state: State): Promise<void> {
  const { clock, log } = state;
  const monoMs = clock.now();
  state.nextMs = monoMs + everyMs;
  const daily = monoMs >= state.nextPeopleMs;
  if (daily) state.nextPeopleMs = monoMs + dayMs;
  for (const step of [lookAtTime, owedKeys, ...(daily ? [consents, unusedPeople, attempts, visitorKeys] : []), oldEntries, disk]) {
    try {
      await step(state);
    } catch (error) {
      if (state.over.signal.aborted) return;
      if (!(error instanceof Fault)) throw error;
      log.warn({ code: error.code, err: messageOf(error) }, 'what is past its time cannot be removed now');
    }
  }
}

async function lookAtTime(state: State): Promise<void> {
  const nowMs = state.clock.now();
  state.time.look();
  if (nowMs < state.nextNoteMs) return;
  state.nextNoteMs = nowMs + noteEveryMs;
  state.time.note();
}

const owedKeys = async ({ removals }: State): Promise<void> => removals.retry();

/** Lets the door work; for as long as somebody is there. Throws the reason once the watch is closed. */
async function pause({ clock, quiet, over }: State): Promise<void> {
  await new Promise(setImmediate);
  while (!over.signal.aborted && !quiet()) await clock.sleep(1000, over.signal).catch(() => undefined);
  over.signal.throwIfAborted();
}

const everyone = ({ gallery }: State): readonly PersonId[] => gallery.ids();

/** A withdrawal that was cut off is carried through; records past their time go. */
async function consents(state: State): Promise<void> {
  const { consents: book, config, roster, time, log } = state;
  const people = everyone(state);
  for (let at = 0; at < people.length; at += peopleAtATime) {
    const some = people.slice(at, at + peopleAtATime);
    const { withdrawn, unfit } = book((open) =>
      open.counts.all > open.counts.ended ? open.withdrawnOf(some) : { withdrawn: [], unfit: [] },
    );
    for (const id of withdrawn) {
      roster.withdraw(id, 'withdrawn before');
      await pause(state);
    }
    for (const personId of unfit) log.error({ personId }, 'a record of consent is damaged, or somebody changed it: restore a backup');
    await pause(state);
  }
  book((open) => open.purge(iso(time.nowMs - config.privacy.consentDays * dayMs)));
}

async function unusedPeople(state: State): Promise<void> {
  const { config, journal, record, time, gallery, clock } = state;
  const { unusedDays, unusedNoticeDays: noticeDays, unusedThen: next } = config.privacy;
  const nowMs = time.nowMs;
  // Nobody can tell how long a notice has stood while the clock shows another time.
  if (unusedDays === 0 || Math.abs(clock.wall() - nowMs) > dayMs) return;
  const begins = journal.begins?.seq ?? 0;
  const [first] = journal.query({ after: begins, upTo: begins + 1, limit: 1 });
  // A house that nobody came to keeps its people.
  const [came] = journal.query({ kinds: ['access.granted', 'request.granted'], limit: 1 });
  if (!first || !came || nowMs - time.written(came) >= unusedDays * dayMs) return;
  for (const personId of everyone(state)) {
    await pause(state);
    if (next === 'disable' && gallery.rules(personId).enabled === false) continue;
    const [last] = journal.query({ personId, kinds: useKinds, limit: 1 });
    const [told] = journal.query({ personId, kinds: ['person.unused'], after: last?.seq ?? 0, limit: 1 });
    const toldMs = told && time.written(told);
    const step = unusedStep({ unusedDays, noticeDays }, { lastMs: time.written(last ?? first), toldMs, nowMs });
    if (step === 'tell') record({ kind: 'person.unused', personId, days: unusedDays, next, on: iso(nowMs + noticeDays * dayMs) });
    if (step === 'act') act(state, personId);
  }
}

function act({ config, rule, roster, log }: State, personId: PersonId): void {
  if (config.privacy.unusedThen === 'remove') roster.remove(personId);
  else {
    const changed = rule(personId, { enabled: false });
    if (!changed.ok) log.warn({ err: changed.detail }, 'an unused person cannot be disabled');
  }
}

async function attempts({ config, entries, forgetAttempts, time }: State): Promise<void> {
  for (const { untilMs, ...stretch } of time.before(time.nowMs - config.privacy.knownDays * dayMs)) {
    const found = await entries.query({ ...stretch, until: iso(untilMs), limit: 1 });
    if (typeof found === 'string') return;
    const [last] = found;
    if (last) return forgetAttempts(last.seq);
  }
}

/** The key of a day of which no picture is kept any more; not of yesterday and today, of which some may come. */
async function visitorKeys({ samples, vault, time, clock }: State): Promise<void> {
  if (!samples) return;
  const used = samples.visitorDays();
  // The day of a picture is the wall clock's.
  const since = iso(Math.min(time.nowMs, clock.wall()) - dayMs).slice(0, 10);
  const past = vault
    .owners()
    .filter((owner) => owner !== 'door' && 'visitorsOn' in owner && owner.visitorsOn < since && !used.has(owner.visitorsOn));
  if (past.length > 0) vault.destroy(past);
}

async function oldEntries(state: State): Promise<void> {
  const { journalDays } = state.config.privacy;
  if (!state.cleared) await clear(state);
  if (journalDays > 0) await cutBefore(state, journalDays, 'age');
}

/** True where something was removed. */
async function cutBefore(state: State, days: number, why: 'age' | 'disk'): Promise<boolean> {
  const { journal, gallery, time } = state;
  const upTo = journal.oldUpTo(iso(time.nowMs - days * dayMs), iso(time.nowMs), (row) => iso(time.written(row)));
  if (upTo === undefined) return false;
  const people = everyone(state).map((id) => ({ id, rules: gallery.rules(id) }));
  const notes = await usageCarried(journal, people, upTo, () => pause(state));
  journal.cut(upTo, why, notes);
  await clear(state);
  return true;
}

async function clear(state: State): Promise<void> {
  const cleared = await state.clearing.clear();
  state.cleared = cleared !== undefined && 'rows' in cleared;
  if (cleared && 'fault' in cleared)
    state.log.warn({ code: cleared.fault.code, err: cleared.fault.message }, 'removed entries are overwritten later');
}

async function disk(state: State): Promise<void> {
  const { config, record, samples } = state;
  const budgetMb = config.privacy.diskMb;
  if (budgetMb === 0) return;
  let used = await usedBytes(state);
  if (used > budgetMb * mib) {
    // What was deleted counts until the logs are emptied. Where that cannot be done now, the next look does it.
    await clear(state);
    if (!state.cleared || samples?.emptyLog() === false) return;
    used = await usedBytes(state);
  }
  const beyond = used - budgetMb * mib;
  if (beyond <= 0) {
    state.told = false;
    return;
  }
  if ((await dropPictures(state, beyond)) || (await cutBefore(state, sureDays, 'disk')) || state.told) return;
  state.told = true;
  record({ kind: 'disk.budget-exceeded', usedMb: Math.ceil(used / mib), budgetMb });
}

const usedBytes = async ({ folder }: State): Promise<number> => (await diskUse(folder)).reduce((sum, { bytes }) => sum + bytes, 0);

/** Overwriting takes its time: a little at once. True where something was deleted. */
async function dropPictures(state: State, bytes: number): Promise<boolean> {
  let dropped = 0;
  for (let left = bytes; left > 0; left -= mib) {
    const now = state.samples?.dropOldest(Math.min(left, mib)) ?? 0;
    if (now === 0) break;
    dropped += now;
    await pause(state);
  }
  return dropped > 0;
}

const mib = 1_048_576;
