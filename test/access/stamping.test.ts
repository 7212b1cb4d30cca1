/** Stamps of a door whose clock starts behind after a power cut: nothing that was stamped so is past its time once the clock is right. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stampingWall } from '../../src/access/clock/stamping.ts';
import { consentRules } from '../../src/adapters/consents.ts';
import { journalOf } from '../../src/adapters/journal.ts';
import { Fault } from '../../src/base/errors.ts';
import { sureTime } from '../../src/house/retention/sure-time.ts';
import { samplesIn } from '../../src/retrain/samples.ts';
import { openRetrainStore } from '../../src/retrain/store.ts';
import type { Config } from '../../src/settings/load.ts';
import { fakeClock } from '../fakes/clock.ts';
import { doorConfig } from '../fakes/config.ts';
import { eventOf } from '../fakes/events.ts';
import { memoryVault } from '../fakes/vault.ts';

const [hour, day] = [3_600_000, 86_400_000];
const noon = Date.UTC(2026, 6, 1, 12);
let folder: string;
let config: Config;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-stamping-'));
  config = doorConfig({ 'state.folder': join(folder, 'state') });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A run of the door that notes the time, and leaves an entry. */
function ran(clock = fakeClock(noon)): void {
  using journal = journalOf(config, clock);
  const time = sureTime({ clock, journal, synchronised: () => true });
  time.look();
  time.note();
  journal.append(eventOf['daemon.stopped']);
}
const notes = (surelyMs: number) => ({ note: () => JSON.stringify({ surelyMs, wallMs: surelyMs, steadyMs: 0 }) });

it('a clock that goes right stamps as it is, and one that is behind goes on from the time that it surely is', async () => {
  const [right, behind] = [fakeClock(noon + day), fakeClock(0)];
  expect(stampingWall(right, () => notes(noon))()).toBe(noon + day);
  const wall = stampingWall(behind, () => notes(noon));
  expect(wall()).toBe(noon);
  await behind.advance(hour);
  expect(wall()).toBe(noon + hour);
  behind.jump(noon + day);
  expect(wall()).toBe(noon + day + hour);
});

it('without a note the newest entry counts, and never a time before the program was there; a journal that is down changes nothing', () => {
  const clock = fakeClock(0);
  const entry = { seq: 1, id: 'e', at: new Date(noon).toISOString(), event: eventOf['daemon.stopped'], hash: '' };
  expect(stampingWall(clock, () => ({ note: () => undefined, query: () => [entry] }))()).toBe(noon);
  expect(stampingWall(clock, () => undefined)()).toBe(Date.UTC(2026, 0, 1));
  let isDown = false;
  const wall = stampingWall(clock, () => {
    if (isDown) throw new Fault('journal-down', 'The journal is down');
    return notes(noon);
  });
  expect(wall()).toBe(noon);
  isDown = true;
  expect(wall()).toBe(noon);
});

it('an entry is stamped no earlier than the door surely knew, and the picture that is kept of it stays its days', async () => {
  ran();
  const behind = fakeClock(0);
  using journal = journalOf(config, behind);
  const entry = journal.append(eventOf['access.granted']);
  expect(entry.at).toBe(new Date(noon).toISOString());
  await behind.advance(hour);
  expect(journal.append(eventOf['access.denied']).at).toBe(new Date(noon + hour).toISOString());
  using vault = memoryVault();
  using store = openRetrainStore(join(folder, 'retrain.sqlite'), vault);
  const gallery = { list: () => [{ id: 'ada' }] } as never;
  const samples = samplesIn({ store, gallery, clock: behind, keepGrantsDays: 7, keepUnknownsDays: 0, maxPictures: 10 } as never);
  samples.keep({ seq: entry.seq, takenAt: entry.at, personId: 'ada', pictures: [Buffer.from('a picture')] });
  expect([samples.purge(noon + 6 * day), samples.purge(noon + 8 * day)]).toEqual([0, 1]);
});

it('the record of a consent that was taken back while the clock was behind stays as long as it must', () => {
  ran();
  const behind = fakeClock(0);
  using journal = journalOf(config, behind);
  using vault = memoryVault();
  const time = sureTime({ clock: behind, journal, synchronised: () => false });
  const { book } = consentRules(config, vault, time);
  book((open) => open.give({ id: 'ada', name: 'Ada' }, { version: '2026-07', how: 'paper' }, 'cli'));
  book((open) => open.end('ada'));
  const before = (days: number) => new Date(noon + days * day).toISOString();
  expect(book((open) => [open.purge(before(-1)), open.counts.all])).toEqual([0, 1]);
  expect(book((open) => open.purge(before(1)))).toBe(1);
});

it('a door whose clock stays behind stamps right, so that its entries grow old all the same', async () => {
  ran();
  const behind = fakeClock(0);
  using journal = journalOf(config, behind);
  const time = sureTime({ clock: behind, journal, synchronised: () => false });
  const entry = journal.append(eventOf['access.denied']);
  for (let n = 0; n < 100; n++) {
    await behind.advance(hour);
    time.look();
    if (n % 3 === 0) time.note();
  }
  expect(time.nowMs - time.written(entry)).toBe(100 * hour);
});
