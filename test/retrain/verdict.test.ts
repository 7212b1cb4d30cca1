import { describe, expect, test } from 'vitest';
import { type NetworkScores, type NetworkTrial, verdictOf } from '../../src/retrain/verdict.ts';

const probesOf = (people: number, each: number) => Array.from({ length: people * each }, (_, i) => `p${Math.floor(i / each)}`);

function scores(genuine: readonly number[], impostors: readonly number[], pairs: readonly number[] = [0], threshold = 5): NetworkScores {
  const [g, i, p] = [genuine, impostors, pairs].map((list) => Float64Array.from(list));
  return { threshold, genuine: g!, impostors: i!, pairs: p!, cohort: new Float64Array() };
}

/** The same with genuine scores on the cohort, ten of each stranger. */
const onCohort = (of: NetworkScores, scored: readonly number[]): NetworkScores => ({ ...of, cohort: Float64Array.from(scored) });

function trial(champion: NetworkScores, candidate: NetworkScores, probes: readonly string[], fmr = 1e-3): NetworkTrial {
  const cohortOf = Array.from(champion.cohort, (_, i) => `stranger ${Math.floor(i / 10)}`);
  return { champion, candidate, probes, pairsOf: [['p0', 'p1']], cohortOf, fmr, seed: 1 };
}

const quiet = Array.from({ length: 1000 }, (_, i) => -i / 100);
/** Twenty people with ten probes each; the first `missed` of each are below the threshold. */
const missing = (missed: number) => Array.from({ length: 200 }, (_, i) => (i % 10 < missed ? 1 : 9));
const probes = probesOf(20, 10);

describe('the verdict on a candidate', () => {
  test('is «better» where fewer genuine probes are missed, with an interval below 0', () => {
    const verdict = verdictOf(trial(scores(missing(3), quiet), scores(missing(1), quiet), probes));
    expect(verdict).toMatchObject({ ok: true, why: 'better', champion: { fnmr: 0.3 }, candidate: { fnmr: 0.1 } });
    expect(verdict.difference.value).toBeCloseTo(-0.2);
    expect(verdict.difference.interval[1]).toBeLessThan(0);
  });

  test('is "no gain" for the champion itself, and where nobody was missed before', () => {
    const same = scores(missing(2), quiet);
    expect(verdictOf(trial(same, same, probes))).toMatchObject({ ok: false, why: 'no-gain', difference: { value: 0, upper: 0 } });
    const flawless = scores(missing(0), quiet);
    expect(verdictOf(trial(flawless, flawless, probes))).toMatchObject({ ok: false, why: 'no-gain' });
  });

  test('is "no gain" where fewer are missed by chance: some people are missed more often, others less', () => {
    // A hundred people: six have one probe less missed, three one more.
    const missedBy = (people: readonly number[]) => Array.from({ length: 1000 }, (_, i) => (people.includes(i / 10) ? 1 : 9));
    const [before, after] = [missedBy([0, 1, 2, 3, 4, 5]), missedBy([6, 7, 8])];
    const verdict = verdictOf(trial(scores(before, quiet), scores(after, quiet), probesOf(100, 10)));
    expect(verdict.difference.upper).toBeGreaterThan(0);
    expect(verdict.difference.value).toBeLessThan(0);
    expect(verdict).toMatchObject({ ok: false, why: 'no-gain' });
  });

  test('is "worse-on-cohort" where the door gains and strangers, enrolled the same way, are missed more often', () => {
    const [before, after] = [onCohort(scores(missing(3), quiet), missing(1)), onCohort(scores(missing(1), quiet), missing(2))];
    const verdict = verdictOf(trial(before, after, probes));
    expect(verdict).toMatchObject({ ok: false, why: 'worse-on-cohort', onCohort: { champion: 0.1, candidate: 0.2 } });
    expect(verdictOf(trial(before, onCohort(after, missing(1)), probes))).toMatchObject({ ok: true, why: 'better' });
  });

  test('is «worse» where more are missed', () => {
    expect(verdictOf(trial(scores(missing(1), quiet), scores(missing(2), quiet), probes))).toMatchObject({ ok: false, why: 'worse' });
  });

  test('counts one person who is now always missed against the candidate, though the mean moves little', () => {
    const unlucky = missing(0).map((score, i) => (i < 10 ? 1 : score));
    const verdict = verdictOf(trial(scores(missing(0), quiet), scores(unlucky, quiet), probes));
    expect(verdict).toMatchObject({ ok: false, why: 'worse', difference: { value: 0.05 } });
  });

  test('wins nothing from a threshold that lets more impostors in than the target', () => {
    const loud = quiet.map((score, i) => (i < 20 ? 8.5 : score));
    const generous = scores(missing(2), loud, [0], 0);
    const verdict = verdictOf(trial(scores(missing(2), quiet), generous, probes));
    expect(verdict.candidate.raised).toBe(true);
    expect(verdict.candidate.threshold).toBeGreaterThan(8.5);
    expect(verdict.candidate.measuredFmr).toBeCloseTo(0.021, 2);
  });

  test('leaves at the raised threshold as many impostors as the target allows, and no more', () => {
    const impostors = Array.from({ length: 1000 }, (_, i) => i / 100);
    const { candidate } = verdictOf(trial(scores([], quiet), scores([], impostors, [0], -1), [], 0.01));
    expect(impostors.filter((score) => score >= candidate.threshold)).toHaveLength(10);
  });

  test('refuses a candidate under which two enrolled people became confusable, and names them', () => {
    const verdict = verdictOf(trial(scores(missing(3), quiet, [4]), scores(missing(0), quiet, [6]), probes));
    expect(verdict).toMatchObject({ ok: false, why: 'confusable', confusable: [['p0', 'p1']] });
  });

  test('does not hold against the candidate a pair that the champion confuses as well', () => {
    expect(verdictOf(trial(scores(missing(3), quiet, [6]), scores(missing(0), quiet, [7]), probes)).ok).toBe(true);
  });

  test.each([[[]], [['a', 'b']], [Array.from({ length: 50 }, () => 'a')]])('is «unmeasured» for too few people or probes', (few) => {
    const genuine = few.map(() => 9);
    expect(verdictOf(trial(scores(genuine, quiet), scores(genuine, quiet), few))).toMatchObject({ ok: false, why: 'unmeasured' });
  });

  test('is the same again under the same seed', () => {
    const run = () => verdictOf(trial(scores(missing(3), quiet), scores(missing(2), quiet), probes));
    expect(run()).toEqual(run());
  });
});
