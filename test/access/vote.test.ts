import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding, Sighting } from '../../src/access/port.ts';
import { cast, elect, type VoteRules } from '../../src/access/vote.ts';

const rules: VoteRules = { votes: 3, window: 5, windowMs: 2000 };
const person = (personId: string): Finding => ({ kind: 'person', personId });
const ballot = (finding: Finding, i: number, weight?: number): Sighting => ({
  ...{ digest: `frame ${i}`, capturedAtMs: 1000 + i * 66, finding },
  ...(weight === undefined ? {} : { weight }),
});
const ballots = (personId: string, ...weights: readonly (number | undefined)[]) =>
  weights.map((weight, i) => ballot(person(personId), i, weight));

describe('frames of different quality', () => {
  it('good frames decide as soon as there are k of them', () => {
    expect(elect(ballots('ada', 1, 1), rules).kind).toBe('open');
    expect(elect(ballots('ada', 1, 1, 1), rules)).toMatchObject({ kind: 'elected', personId: 'ada', votes: 3 });
  });

  it('the poorest frames need one more', () => {
    expect(elect(ballots('ada', 0.5, 0.5, 0.5), rules)).toEqual({ kind: 'open', leader: 'ada', votes: 3 });
    expect(elect(ballots('ada', 0.5, 0.5, 0.5, 0.5), rules).kind).toBe('elected');
  });

  it('one good frame makes up for two poor ones', () => expect(elect(ballots('ada', 1, 0.5, 0.5), rules).kind).toBe('elected'));

  it('frames of a network that does not measure quality count whole', () =>
    expect(elect(ballots('ada', undefined, undefined, undefined), rules).kind).toBe('elected'));
});

describe('over any ballots', () => {
  const weight = fc.option(fc.double({ min: -1, max: 3, noNaN: true }), { nil: undefined });
  const finding = fc.oneof(
    fc.constantFrom('ada', 'ada', 'bo').map(person),
    fc.constantFrom<Finding>({ kind: 'unknown' }, { kind: 'ambiguous' }, { kind: 'low-quality', reasons: ['unfit'] }),
  );
  const any = fc.array(fc.tuple(finding, weight), { maxLength: 12 }).map((all) => all.map(([found, heavy], i) => ballot(found, i, heavy)));
  const anyRules = fc
    .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 8 }))
    .map(([votes, more]): VoteRules => ({ votes, window: votes + more, windowMs: 2000 }));
  const of = (all: readonly Sighting[], personId: string) =>
    all.filter((each) => each.finding.kind === 'person' && each.finding.personId === personId);

  it('nobody is elected by fewer frames than the settings ask for, however good they are', () =>
    fc.assert(
      fc.property(any, anyRules, (all, rule) => {
        const election = elect(all, rule);
        if (election.kind === 'elected') expect(of(all, election.personId).length).toBeGreaterThanOrEqual(rule.votes);
      }),
    ));

  it('whoever is elected with weights is elected without them', () =>
    fc.assert(
      fc.property(any, anyRules, (all, rule) => {
        const unweighted = all.map(({ weight: _, ...rest }) => rest);
        if (elect(all, rule).kind === 'elected') expect(elect(unweighted, rule).kind).toBe('elected');
      }),
    ));

  it('poor frames of one never win against a good frame of another', () =>
    fc.assert(
      fc.property(any, anyRules, fc.nat(), (all, rule, place) => {
        const at = place % (all.length + 1);
        const withGood = [...all.slice(0, at), ballot(person('cy'), 100, 1), ...all.slice(at)];
        const election = elect(withGood, rule);
        if (election.kind === 'elected') expect(election.personId).toBe('cy');
      }),
    ));

  it('a better frame in the place of a poor one never loses an election', () =>
    fc.assert(
      fc.property(any, anyRules, fc.nat(), (all, rule, place) => {
        const better = all.map((each, i) => (i === place % all.length ? { ...each, weight: 1 } : each));
        if (elect(all, rule).kind === 'elected') expect(elect(better, rule).kind).toBe('elected');
      }),
    ));

  it('a full window of one person elects them, however poor', () =>
    fc.assert(
      fc.property(anyRules, fc.double({ min: 0, max: 1, noNaN: true }), (rule, poor) => {
        let all: readonly Sighting[] = [];
        for (let i = 0; i < rule.window; i++) all = cast(all, { ...ballot(person('ada'), i, poor), capturedAtMs: 1000 + i }, rule);
        expect(elect(all, rule).kind).toBe('elected');
      }),
    ));
});
