/** What a door says of the data it holds: true to the settings and to what lies in its folder. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consentRules } from '../../../src/adapters/consents.ts';
import { journalOf } from '../../../src/adapters/journal.ts';
import { vaultOf } from '../../../src/adapters/vault.ts';
import { receiversOf } from '../../../src/cli/privacy/goes.ts';
import { type Holding, holdingsOf } from '../../../src/cli/privacy/holdings.ts';
import { noticeOf } from '../../../src/cli/privacy/notice.ts';
import { type Config, loadConfig } from '../../../src/settings/load.ts';
import { fakeClock } from '../../fakes/clock.ts';
import { numbered } from '../../fakes/events.ts';

const configWith = (settings: Record<string, unknown>): Config => loadConfig({ flags: new Map(Object.entries(settings)) }).config;

describe('what a door holds', () => {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-privacy-'));
  const config = configWith({ 'state.folder': folder, 'privacy.journalDays': 90 });
  let holds: readonly Holding[];
  beforeAll(async () => {
    const clock = fakeClock();
    {
      using vault = vaultOf(config, clock);
      consentRules(config, vault, clock).book((book) => book.give({ id: 'p-1', name: 'Ada' }, { version: '1', how: 'paper' }, 'cli'));
      using journal = journalOf(config, clock);
      for (let n = 0; n < 3; n++) journal.append(numbered(n));
    }
    writeFileSync(join(folder, 'people.sqlite'), 'no database');
    writeFileSync(join(folder, 'left.over'), Buffer.alloc(1000));
    for (const name of ['.restoring', '.before-2026-11-30T12-00-00Z', 'of-another-door']) {
      mkdirSync(`${folder}${name}`);
      writeFileSync(join(`${folder}${name}`, 'people.sqlite'), 'some bytes');
    }
    holds = await holdingsOf(config);
  });
  afterAll(() => {
    for (const name of ['', '.restoring', '.before-2026-11-30T12-00-00Z', 'of-another-door'])
      rmSync(`${folder}${name}`, { recursive: true });
  });
  const of = (file: string) => holds.find(({ where }) => where.includes(file));

  it('is told by kind, with its number, its oldest entry, its time and its setting', () => {
    expect(of('journal.sqlite')).toMatchObject({
      counts: { entries: 3 },
      oldest: '2026-01-05T12:00:00.000Z',
      howLong: '90 days (privacy.journalDays)',
    });
    expect(of('consent.sqlite')).toMatchObject({ counts: { records: 1, ended: 0 } });
    expect(of('vault.sqlite')?.bytes).toBeGreaterThan(4096);
  });

  it('is told by its size where it cannot be read; what is not there is not told; every byte is counted somewhere', () => {
    expect(of('people.sqlite')).toMatchObject({ bytes: 11, unread: expect.stringContaining('people.sqlite') });
    expect(of('liveness.sqlite')).toBeUndefined();
    expect(of('left.over')).toMatchObject({ what: 'other files', bytes: 1000 });
  });

  it('stands beside its folder too, after a restore, with how to delete it', () => {
    const beside = holds.filter(({ where }) => where[0]?.startsWith('/'));
    expect(beside).toMatchObject([
      { where: [`${folder}.before-2026-11-30T12-00-00Z`], bytes: 10, howLong: expect.stringContaining(`rm -r ${folder}.before-`) },
      { where: [`${folder}.restoring`], bytes: 10 },
    ]);
  });
});

describe('where it goes', () => {
  it('is nowhere as it is set by default, and to everybody whom a setting names', () => {
    expect(receiversOf(configWith({}))).toEqual([]);
    const told = receiversOf(
      configWith({
        ...{ 'mqtt.enabled': true, 'mqtt.snapshots': true, 'mqtt.homeAssistant.enabled': true, 'mqtt.homeAssistant.person': 'name' },
        ...{ 'mqtt.homeAssistant.image': true, 'metrics.enabled': true, 'backup.folder': '/mnt/backup' },
        ...{ 'farm.url': 'rediss://farm:6379', 'farm.trainers': ['card.json'] },
      }),
    ).map(({ to, what }) => `${to}: ${what}`);
    expect(told).toEqual([
      expect.stringMatching(/^the broker mqtt:.*no names/),
      expect.stringMatching(/^Home Assistant.*the name of who.*picture of each attempt, of strangers/),
      expect.stringMatching(/^operators.*pictures/),
      expect.stringMatching(/^whoever reads 127/),
      expect.stringMatching(/^the trainers of the farm rediss:.*pictures/),
      expect.stringMatching(/^the folder \/mnt\/backup/),
    ]);
  });
});

describe('the sign at the door', () => {
  it('says what the settings are, in both languages', () => {
    const plain = configWith({});
    expect(noticeOf(plain, 'en')).toMatch(/No picture of you is kept\..*Pictures do not leave this door/s);
    expect(noticeOf(plain, 'de')).toMatch(/kein Bild von Ihnen.*Bilder verlassen diese Tür nicht/s);
    const more = configWith({
      ...{ 'retrain.keepUnknownsDays': 7, 'privacy.journalDays': 1, 'mqtt.enabled': true },
      ...{ 'mqtt.homeAssistant.enabled': true, 'mqtt.homeAssistant.image': true },
    });
    expect(noticeOf(more, 'en')).toMatch(/may be kept for 7 days.*and why, for one day\..*Pictures may leave/s);
    expect(noticeOf(more, 'de')).toMatch(/7 Tage lang aufbewahrt.*warum, einen Tag lang\..*können diese Tür verlassen/s);
  });
});
