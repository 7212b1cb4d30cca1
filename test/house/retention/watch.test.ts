/** What is kept no longer than its time, by a moved clock: entries, unused people, what attempts left, consents, and the disk. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stampingWall } from '../../../src/access/clock/stamping.ts';
import { usageIn } from '../../../src/access/usage.ts';
import { openLog } from '../../../src/base/log.ts';
import { heldKeys, textSigner } from '../../../src/command/keys.ts';
import { sureTime } from '../../../src/house/retention/sure-time.ts';
import { type RetentionParts, retentionWatch } from '../../../src/house/retention/watch.ts';
import { openConsents } from '../../../src/identity/consent/book.ts';
import type { PersonRules } from '../../../src/identity/port.ts';
import { checkpointEvery } from '../../../src/journal/checkpoint.ts';
import type { Journal } from '../../../src/journal/port.ts';
import { openJournal } from '../../../src/journal/sqlite.ts';
import { samplesIn } from '../../../src/retrain/samples.ts';
import { openRetrainStore } from '../../../src/retrain/store.ts';
import { loadConfig } from '../../../src/settings/load.ts';
import { type FakeClock, fakeClock } from '../../fakes/clock.ts';
import { eventOf, numbered } from '../../fakes/events.ts';
import { memoryVault } from '../../fakes/vault.ts';

const hour = 3_600_000;
const day = 24 * hour;
let folder: string;
let clock: FakeClock;
let journal: Journal;
const ends: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-retention-'));
  clock = fakeClock();
  const signer = textSigner(heldKeys(join(folder, 'keys.json')));
  journal = openJournal({ file: join(folder, 'journal.sqlite'), clock: { ...clock, wall: stampingWall(clock, () => journal) }, signer });
  ends.push(() => journal[Symbol.dispose]());
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, { recursive: true });
});

function open(privacy: Record<string, unknown>, parts: Partial<RetentionParts> = {}, synchronised = () => true) {
  const rules = new Map<string, PersonRules>([
    ['ada', {}],
    ['bob', { uses: 9 }],
  ]);
  const removed: string[] = [];
  const forgotten: number[] = [];
  const vault = memoryVault();
  const flags = new Map(Object.entries(privacy).map(([name, value]) => [`privacy.${name}`, value]));
  const time = sureTime({ clock, journal, synchronised });
  const watch = retentionWatch({
    ...{ config: loadConfig({ flags }).config, folder, clock, journal, time, vault },
    log: openLog('silent'),
    entries: { query: async (query) => journal.query(query) },
    clearing: {
      clear: async () => {
        let rows = 0;
        for (let cleared = -1; cleared !== 0; rows += cleared) cleared = journal.clear(100);
        return { rows };
      },
      [Symbol.asyncDispose]: async () => undefined,
    },
    record: (event) => void journal.append(event),
    gallery: { ids: () => [...rules.keys()], rules: (id) => rules.get(id) ?? {} },
    roster: { remove: (id) => removed.push(id) > 0 && rules.delete(id), withdraw: (id) => removed.push(`withdrawn ${id}`) > 0 },
    rule: (id, { enabled }) => {
      rules.set(id, { ...rules.get(id), ...(enabled === false && { enabled }) });
      journal.append({ kind: 'person.ruled', personId: id, changed: ['enabled'] });
      return { ok: true, rules: {}, changed: ['enabled'] };
    },
    consents: (work) => {
      using consents = openConsents({ file: join(folder, 'consent.sqlite'), vault, clock });
      return work(consents);
    },
    removals: { retry: () => undefined },
    quiet: () => true,
    forgetAttempts: (upTo) => void forgotten.push(upTo),
    samples: undefined,
    ...parts,
  });
  ends.push(async () => {
    await watch[Symbol.asyncDispose]();
    vault[Symbol.dispose]();
  });
  return { watch, rules, removed, forgotten, time, vault };
}
const seqs = () => journal.query({}).map(({ seq }) => seq);
const kinds = () => journal.query({}).map(({ event }) => event.kind);
/** One entry an hour. */
async function live(hours: number, event: (n: number) => Parameters<Journal['append']>[0] = numbered): Promise<void> {
  for (let n = 0; n < hours; n++) {
    journal.append(event(n));
    await clock.advance(hour);
  }
}
/** As the door does it, for so many days. */
async function pass(watch: { look(): Promise<void> }, days: number): Promise<void> {
  for (let n = 0; n < days * 24; n++) {
    await clock.advance(hour);
    await watch.look();
  }
}

describe('entries of the journal', () => {
  test('go once they are older than privacy.journalDays; the rest is whole and uses are still counted', async () => {
    const bob = { uses: 9, usesAfter: journal.append({ kind: 'person.ruled', personId: 'bob', changed: ['uses'] }).seq };
    const { watch, rules } = open({ journalDays: 10 });
    rules.set('bob', bob);
    await live(5 * 24, () => ({ ...eventOf['access.granted'], personId: 'bob' }));
    await live(10 * 24);
    await watch.look();
    const [first] = seqs();
    expect((first! - 1) % checkpointEvery).toBe(0);
    expect(first).toBeGreaterThan(checkpointEvery);
    expect(Date.parse(journal.query({ upTo: first!, limit: 1 })[0]!.at)).toBeLessThanOrEqual(clock.wall() - 7 * day);
    expect(kinds().at(-1)).toBe('journal.cut');
    expect(journal.verify()).toMatchObject({ ok: true, cut: { seq: first! - 1 } });
    expect(usageIn(journal).used('bob', bob)).toBe(5 * 24);
  });

  test('stay when the clock jumps ten years ahead, and while nobody holds the clock', async () => {
    const { watch, time } = open({ journalDays: 30 });
    await live(200);
    await watch.look();
    clock.jump(3650 * day);
    await watch.look();
    await pass(watch, 0.9);
    expect([seqs()[0], time.nowMs < clock.wall() - 3649 * day]).toEqual([1, true]);
    clock.jump(-3650 * day);
    await pass(watch, 1);
    expect(journal.begins).toBeUndefined();
    expect(journal.verify()).toMatchObject({ ok: true });
  });

  test('go all the same at a door without a time service, as time passes', async () => {
    const { watch } = open({ journalDays: 2 }, {}, () => false);
    await live(4 * 24);
    await watch.look();
    expect(journal.begins).toBeDefined();
  });

  test('that were removed and not overwritten yet are overwritten after a restart', async () => {
    await live(5 * 24);
    journal.cut(checkpointEvery, 'age');
    const { watch } = open({});
    await watch.look();
    expect(seqs()[0]).toBe(checkpointEvery + 1);
  });
});

describe('somebody who does not use the door', () => {
  const grants = (personId: string) => ({ ...eventOf['access.granted'], personId });
  const told = () => journal.query({ kinds: ['person.unused'] }).map(({ event }) => event);

  test('is told first, disabled after the notice, and told of no more', async () => {
    journal.append(grants('bob'));
    const { watch, rules } = open({ unusedDays: 30, unusedNoticeDays: 7 });
    await live(31, () => grants('ada'));
    for (let n = 0; n < 42; n++) {
      journal.append(grants('ada'));
      await pass(watch, 1);
    }
    expect(told()).toEqual([expect.objectContaining({ personId: 'bob', days: 30, next: 'disable' })]);
    expect(rules.get('bob')?.enabled).toBe(false);
    expect(rules.get('ada')).toEqual({});
    journal.append(grants('ada'));
    await pass(watch, 10);
    expect(told()).toHaveLength(1);
  });

  test('stays if they come within the notice, and is removed where the owner wants that', async () => {
    const { watch, removed } = open({ unusedDays: 30, unusedNoticeDays: 7, unusedThen: 'remove' });
    for (const id of ['ada', 'bob']) journal.append(grants(id));
    const daily = async (days: number) => {
      for (let n = 0; n < days; n++) {
        journal.append(grants('ada'));
        await pass(watch, 1);
      }
    };
    await daily(33);
    expect(told()).toHaveLength(1);
    journal.append(grants('bob'));
    await daily(10);
    expect(removed).toEqual([]);
    await daily(32);
    expect(removed).toEqual(['bob']);
  });

  describe('while the clock starts 20 days behind after a power cut, and no time service is reached', () => {
    const rules = { unusedDays: 40, unusedNoticeDays: 6, unusedThen: 'remove' };
    const uses = async (watch: { look(): Promise<void> }, days: number, people = ['ada']) => {
      for (let n = 0; n < days; n++) {
        for (const id of people) journal.append(grants(id));
        await clock.advance(day);
        await watch.look();
      }
    };

    test('nobody is told or removed; once the clock is right they have the whole notice', async () => {
      let isHeld = true;
      const before = open(rules, {}, () => isHeld);
      journal.append(grants('bob'));
      await uses(before.watch, 35);
      isHeld = false;
      clock.jump(-20 * day);
      const { watch, removed } = open(rules, {}, () => isHeld);
      await uses(watch, 8);
      expect([told(), removed]).toEqual([[], []]);
      isHeld = true;
      clock.jump(20 * day);
      await uses(watch, 3);
      expect([told().length, removed]).toEqual([1, []]);
      await uses(watch, 3);
      expect(removed).toEqual([]);
      await uses(watch, 5);
      expect(removed).toEqual(['bob']);
    });

    test('who came then counts as having come then, not 20 days earlier', async () => {
      let isHeld = true;
      await uses(open(rules, {}, () => isHeld).watch, 3, ['ada', 'bob']);
      isHeld = false;
      clock.jump(-20 * day);
      const { watch, removed } = open(rules, {}, () => isHeld);
      await uses(watch, 5, ['ada', 'bob']);
      isHeld = true;
      clock.jump(20 * day);
      await uses(watch, 38);
      expect([told(), removed]).toEqual([[], []]);
      await uses(watch, 5);
      expect(told()).toHaveLength(1);
    });
  });

  test('stays where nobody uses the door, as in a house of the summer', async () => {
    for (const id of ['ada', 'bob']) journal.append(grants(id));
    const { watch, rules } = open({ unusedDays: 30, unusedNoticeDays: 1 });
    await pass(watch, 60);
    expect([told(), rules.get('ada')]).toEqual([[], {}]);
  });
});

test('what attempts left is forgotten after privacy.knownDays', async () => {
  const { watch, forgotten } = open({ knownDays: 3 });
  await live(4 * 24);
  await watch.look();
  expect(forgotten).toEqual([journal.query({ until: new Date(clock.wall() - 3 * day).toISOString(), limit: 1 })[0]!.seq]);
});

describe('what was stamped while the clock was 300 days behind', () => {
  /** Ten days at the right time, then ten behind. */
  const live20 = async (settings: Record<string, unknown>) => {
    const before = open(settings);
    await live(10 * 24);
    await before.watch.look();
    clock.jump(-300 * day);
    const since = journal.head;
    const opened = open(settings, {}, () => false);
    for (let n = 0; n < 10; n++) {
      await opened.watch.look();
      await live(24);
    }
    await opened.watch.look();
    return { ...opened, since };
  };

  test('is not forgotten as an attempt of then', async () => {
    const { forgotten, since } = await live20({ knownDays: 15 });
    expect(forgotten.at(-1)).toBeGreaterThan(since - 7 * 24);
    expect(forgotten.at(-1)).toBeLessThan(since - 4 * 24);
  });

  test('stays in the journal until it is as old', async () => {
    const { watch, since } = await live20({ journalDays: 12 });
    expect(seqs()[0]! - 1).toBeLessThan(since);
    await live(14 * 24);
    await watch.look();
    expect(seqs()[0]! - 1).toBeGreaterThan(since);
    expect(journal.verify()).toMatchObject({ ok: true });
  });
});

test('a withdrawal that was cut off is carried through, also where a record of another person does not fit', async () => {
  const { watch, removed, vault } = open({});
  const file = join(folder, 'consent.sqlite');
  {
    using book = openConsents({ file, vault, clock });
    for (const id of ['ada', 'bob']) book.give({ id, name: id }, { version: '1', how: 'paper' }, 'cli');
    for (const id of ['ada', 'bob']) book.withdraw(id);
    using db = new DatabaseSync(file);
    db.exec('UPDATE consents SET name = (SELECT name FROM consents WHERE rowid = 2) WHERE rowid = 1');
  }
  await watch.look();
  expect(removed).toEqual(['withdrawn bob']);
});

test('the keys of days whose pictures are gone are destroyed, and no others', async () => {
  const days = ['2026-01-02', '2026-01-03', '2026-01-05'].map((visitorsOn) => ({ visitorsOn }));
  const samples = { dropOldest: () => 0, visitorDays: () => new Set(['2026-01-03']), emptyLog: () => true };
  const { watch, vault } = open({}, { samples });
  for (const owner of [...days, { person: 'ada' }]) vault.pseudonym(owner, 'test', 'x');
  await watch.look();
  expect(vault.destroyed().map(({ owner }) => owner)).toEqual([days[0]]);
});

describe('the disk', () => {
  const mib = 1_048_576;
  const fill = (size: number) => {
    mkdirSync(join(folder, 'jobs'), { recursive: true });
    writeFileSync(join(folder, 'jobs', 'large'), Buffer.alloc(size * mib));
  };

  test('is freed of kept pictures first, then of entries older than a week; then somebody is told once', async () => {
    await live(20 * 24);
    fill(3);
    const dropped: number[] = [];
    const samples = {
      dropOldest: (bytes: number) => (dropped.push(bytes) <= 2 ? 5 : 0),
      visitorDays: () => new Set<string>(),
      emptyLog: () => true,
    };
    const { watch } = open({ diskMb: 2 }, { samples });
    await watch.look();
    // A mebibyte at once: overwriting takes its time.
    expect([dropped.length > 1, Math.max(...dropped), journal.begins]).toEqual([true, 1_048_576, undefined]);
    await watch.look();
    expect(journal.query({ kinds: ['journal.cut'] })).toMatchObject([{ event: { why: 'disk' } }]);
    expect(Date.parse(journal.query({ upTo: seqs()[0]!, limit: 1 })[0]!.at)).toBeLessThan(clock.wall() - 6 * day);
    for (let n = 0; n < 3; n++) await watch.look();
    expect(journal.query({ kinds: ['disk.budget-exceeded'] })).toMatchObject([{ event: { budgetMb: 2 } }]);
  });

  test('is freed of no more pictures than it must be, though they go through a log, and another process reads meanwhile', async () => {
    const picture = () => randomBytes(mib / 4);
    using vault = memoryVault();
    using store = openRetrainStore(join(folder, 'retrain.sqlite'), vault);
    const gallery = { list: () => [], pictures: () => [] };
    const samples = samplesIn({
      ...{ store, gallery, clock, keepGrantsDays: 0, keepUnknownsDays: 300, maxPictures: 1000, frozenShare: 0 },
    });
    for (let seq = 1; seq <= 40; seq++) samples.keep({ seq, takenAt: new Date(clock.wall() + seq).toISOString(), pictures: [picture()] });
    using reader = new DatabaseSync(join(folder, 'retrain.sqlite'));
    // 10 MiB of pictures and a little more.
    const { watch } = open({ diskMb: 10 }, { samples });
    await watch.look();
    const kept = samples.kept().length;
    expect(kept).toBeGreaterThanOrEqual(34);
    expect(kept).toBeLessThan(40);
    for (let seq = 41; seq <= 46; seq++) samples.keep({ seq, takenAt: new Date(clock.wall() + seq).toISOString(), pictures: [picture()] });
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM kept').get();
    for (let n = 0; n < 5; n++) await watch.look();
    expect(samples.kept()).toHaveLength(kept + 6);
    reader.exec('COMMIT');
    for (let n = 0; n < 5; n++) await watch.look();
    expect(samples.kept().length).toBeGreaterThanOrEqual(34);
    expect(samples.kept().length).toBeLessThan(40);
  });

  test('is left alone below the budget', async () => {
    await live(20 * 24);
    fill(1);
    const { watch } = open({ diskMb: 10 });
    await watch.look();
    expect(kinds()).not.toContain('journal.cut');
  });
});

test('looks at nothing while somebody is at the door, nor once it is closed', async () => {
  let quiet = false;
  const { watch, forgotten } = open({ knownDays: 1 }, { quiet: () => quiet });
  await live(3 * 24);
  watch.tick();
  expect(forgotten).toEqual([]);
  quiet = true;
  watch.tick();
  while (forgotten.length === 0) await new Promise(setImmediate);
  await watch[Symbol.asyncDispose]();
  await clock.advance(hour);
  watch.tick();
  expect(forgotten).toHaveLength(1);
});

test('ends at once when the door does, in the midst of its work and with somebody there', async () => {
  let quiet = true;
  const { watch } = open({ knownDays: 1 }, { quiet: () => quiet });
  watch.tick();
  await clock.advance(hour);
  const looking = watch.look();
  quiet = false;
  await watch[Symbol.asyncDispose]();
  await looking;
  expect(journal.head).toBe(0);
});
