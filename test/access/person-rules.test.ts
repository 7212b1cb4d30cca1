/** A change of rules: what merges, what is removed, and what is refused with its remedy. */
import { describe, expect, it } from 'vitest';
import { changedRules } from '../../src/access/person-rules.ts';

const names = { schedules: ['office'], groups: ['cleaners'] };
const change = (before: Parameters<typeof changedRules>[0], by: Parameters<typeof changedRules>[1]) => changedRules(before, by, names);

describe('a change of rules', () => {
  it('adds, replaces, takes away, and leaves the rest as it is', () => {
    const first = change({}, { schedule: 'office', uses: 3, groups: ['cleaners'] });
    expect(first).toEqual({
      rules: { schedule: 'office', uses: 3, groups: ['cleaners'] },
      changed: ['schedule', 'uses', 'groups'],
    });
    const { rules } = first as Exclude<typeof first, string>;
    expect(change(rules, { uses: null, groups: [] })).toEqual({ rules: { schedule: 'office' }, changed: ['uses', 'groups'] });
    expect(change(rules, {})).toMatchObject({ changed: [] });
    expect(change({ enabled: false }, { enabled: true })).toEqual({ rules: {}, changed: ['enabled'] });
  });

  it('counts uses from zero when they are given again', () => {
    for (const before of [
      { uses: 3, usesSince: '2026-01-01T00:00:00.000Z' },
      { uses: 3, usesAfter: 12 },
    ]) {
      expect(change(before, { uses: 3 })).toEqual({ rules: { uses: 3 }, changed: ['uses'] });
      expect(change(before, { enabled: false })).toMatchObject({ rules: before, changed: ['enabled'] });
    }
  });

  it.each([
    [{}, { schedule: 'night' }, /no schedule "night" \(access\.schedules\); there are office/],
    [{}, { groups: ['guests'] }, /no group "guests" \(access\.groups\); there are cleaners/],
    [{}, { validUntil: 'tomorrow' }, /"tomorrow" \(valid until\) is not a time with a zone/],
    [{}, { validFrom: '2026-12-01T08:00' }, /is not a time with a zone/],
    [{ validFrom: '2026-12-01T08:00Z' }, { validUntil: '2026-11-30T08:00Z' }, /is not before/],
    [{}, { uses: 0 }, /is not a number of uses/],
    [{}, { pinOpens: true }, /no PIN yet/],
    [{ pin: 'x', pinOpens: true }, { pinNeeded: true }, /either opens alone or/],
  ])('%j with %j is refused', (before, by, why) => expect(change(before, by)).toMatch(why));
});
