/** A person's rules against the door's, reason by reason. */
import { describe, expect, it } from 'vitest';
import { admit, type Circumstances, type DoorRules } from '../../src/access/admission.ts';
import { parseSchedule, type Schedule } from '../../src/base/schedule.ts';
import type { PersonRules } from '../../src/identity/port.ts';

const monday = Date.parse('2026-11-23T10:00:00Z');
const now: Circumstances = { wallMs: monday, clockSure: true, used: 0, inside: false };
const door: DoorRules = {
  schedules: new Map([['office', parseSchedule(['Mon-Fri 08:00-18:00']) as Schedule]]),
  calendar: { timeZone: 'UTC', holidays: [] },
  groups: new Map([
    ['cleaners', { schedule: 'office', pin: true }],
    ['pairs', { secondPerson: true }],
    ['family', {}],
  ]),
  admits: [],
  unsureClock: 'deny',
  liveness: { policy: 'off', schedules: new Map() },
};
const sunday = { ...now, wallMs: Date.parse('2026-11-22T10:00:00Z') };

describe('who may come in', () => {
  it('is everyone enrolled where no rules say otherwise', () => expect(admit({}, door, now)).toMatchObject({ ok: true, needs: [] }));

  it.each<[string, PersonRules, Partial<DoorRules>, Partial<Circumstances>]>([
    ['disabled', { enabled: false }, {}, {}],
    ['expired', { validUntil: '2026-11-23T10:00:00Z' }, {}, {}],
    ['not-yet-valid', { validFrom: '2026-11-23T10:00:01Z' }, {}, {}],
    ['used-up', { uses: 3 }, {}, { used: 3 }],
    ['still-inside', {}, {}, { inside: true }],
    ['out-of-hours', { schedule: 'office' }, {}, sunday],
    ['out-of-hours', { schedule: 'gone' }, {}, {}],
    ['out-of-hours', { groups: ['cleaners'] }, {}, sunday],
    ['not-in-group', {}, { admits: ['family'] }, {}],
    ['not-in-group', { groups: ['cleaners'] }, { admits: ['family'] }, {}],
    ['clock-unsure', { schedule: 'office' }, {}, { clockSure: false }],
    ['clock-unsure', { validUntil: '2030-01-01T00:00:00Z' }, {}, { clockSure: false }],
    ['clock-unsure', { groups: ['cleaners'] }, {}, { clockSure: false }],
  ])('%s: %j', (reason, rules, of, when) => {
    expect(admit(rules, { ...door, ...of }, { ...now, ...when })).toMatchObject({ ok: false, reason, detail: expect.stringMatching(/./) });
  });

  it('an unsure clock keeps out only people bound to times, and not where the owner says so', () => {
    const unsure = { ...now, clockSure: false };
    expect(admit({ uses: 5 }, door, unsure)).toMatchObject({ ok: true });
    expect(admit({ groups: ['family'] }, door, unsure)).toMatchObject({ ok: true });
    expect(admit({ schedule: 'office' }, { ...door, unsureClock: 'allow' }, unsure)).toMatchObject({ ok: true });
  });

  it('of several groups the one that asks least counts, among those that are open', () => {
    expect(admit({ groups: ['cleaners', 'pairs'] }, door, now)).toMatchObject({ ok: true, needs: ['pin'] });
    expect(admit({ groups: ['cleaners', 'pairs'] }, door, sunday)).toMatchObject({ ok: true, needs: ['second-person'] });
    expect(admit({ groups: ['cleaners', 'family'] }, door, now)).toMatchObject({ ok: true, needs: [] });
    expect(admit({ groups: ['cleaners', 'family'] }, { ...door, admits: ['cleaners'] }, now)).toMatchObject({ ok: true, needs: ['pin'] });
  });

  it('a PIN that the person needs is needed in every group', () => {
    expect(admit({ pinNeeded: true }, door, now)).toMatchObject({ ok: true, needs: ['pin'] });
    expect(admit({ pinNeeded: true, groups: ['pairs'] }, door, now)).toMatchObject({ ok: true, needs: ['pin', 'second-person'] });
  });
});
