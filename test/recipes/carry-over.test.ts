import { describe, expect, test } from 'vitest';
import { newRandom, normal } from '../../src/base/random.ts';
import type { Calibration, Head } from '../../src/face/port.ts';
import { carriedOver } from '../../src/recipes/carry-over.ts';
import { cosine, toUnit } from '../../src/recipes/embeddings.ts';

const random = newRandom(4);
const [size, count] = [64, 60_000];
const drawn = () => toUnit(Float32Array.from({ length: size }, () => normal(random)));
const pairs = Array.from({ length: count }, () => [drawn(), drawn()] as const);
const l1: Head = { kind: 'l1-logistic', weights: new Array<number>(size).fill(2), bias: 30 };
const logits = Float64Array.from(pairs, ([a, b]) => 30 - a.reduce((sum, value, i) => sum + 2 * Math.abs(value - (b[i] as number)), 0));
const cosines = Float64Array.from(pairs, ([a, b]) => cosine(a, b));
const head = { kind: 'cosine', scale: 20, bias: -8 } as const;
const genuine = Float64Array.of(0.4, 0.5, 0.6, 0.7, 0.8);

/** A calibration that is stricter, by `more`, than what is drawn here shows. */
function strict(more: number): Calibration {
  const falling = logits.toSorted().reverse();
  const table = [0.1, 0.03, 0.01, 0.003, 0.001].map((fmr) => ({ fmr, logit: (falling[fmr * count] as number) + more, fnmr: 0.1 }));
  return { population: 'the strictest', impostorPairs: 1e6, genuinePairs: 100, table };
}
const measured = { genuine, impostors: [cosines] };
const former = (calibration?: Calibration) => ({ head: l1, impostors: logits, ...(calibration && { calibration }) });

describe('a calibration carried over to a changed network', () => {
  test('stays as much stricter than strangers are as it was before', () => {
    const after = { head, impostors: cosines };
    const [plain, stricter] = [0, 4].map((more) => carriedOver(former(strict(more)), after, measured, 'those drawn').table);
    const falling = cosines.toSorted().reverse();
    for (const [i, { fmr, logit }] of plain!.entries()) {
      const shown = falling[Math.floor(fmr * count)] as number;
      expect((logit - head.bias) / head.scale).toBeCloseTo(shown, 1);
      // Four logits of the old head: |a − b| of 64 numbers, weighted by 2, is about 12.8 of the Euclidean distance.
      const [from, to] = [shown, (stricter![i]!.logit - head.bias) / head.scale].map((value) => Math.sqrt(2 - 2 * value));
      expect(from! - to!).toBeCloseTo(4 / 12.8, 1);
    }
    expect(stricter!.every((row, i) => i === 0 || row.logit > stricter![i - 1]!.logit)).toBe(true);
  });

  test('moves its thresholds up where the changed network finds strangers more alike', () => {
    const closer = cosines.map((value) => 0.9 * value + 0.1);
    const rows = (impostors: Float64Array) =>
      carriedOver(former(strict(2)), { head, impostors }, { genuine, impostors: [] }, 'those drawn').table.map(({ logit }) => logit);
    const [plain, moved] = [rows(cosines), rows(closer)];
    for (const [i, logit] of moved.entries()) expect(logit).toBeGreaterThan(plain[i]! + 0.5);
  });

  test('is never more lenient than what is measured at the door', () => {
    const atDoor = cosines.map((value) => value + 0.3);
    const after = { head, impostors: cosines };
    const { table } = carriedOver(former(strict(0)), after, { genuine, impostors: [cosines, atDoor] }, 'those drawn');
    for (const { fmr, logit } of table)
      expect(atDoor.filter((value) => head.scale * value + head.bias > logit + 1e-5).length / count).toBeLessThanOrEqual(fmr);
  });

  test('names both populations, carries the table of photographs too, and counts who would be missed', () => {
    const calibration = { ...strict(3), wild: strict(0) };
    const carried = carriedOver(former(calibration), { head, impostors: cosines }, measured, 'those drawn');
    expect(carried.population).toBe('the strictest; carried over to this network by those drawn');
    expect(carried.wild!.table[0]!.logit).toBeLessThan(carried.table[0]!.logit);
    for (const { logit, fnmr } of carried.table)
      expect(fnmr).toBeCloseTo(genuine.filter((value) => head.scale * value + head.bias < logit).length / genuine.length, 4);
  });

  test('is what was measured, where there was none before', () => {
    const { population, table, wild } = carriedOver(former(), { head, impostors: cosines }, measured, 'those drawn');
    expect(population).toBe('those drawn');
    expect(table.length).toBeGreaterThan(3);
    expect(wild).toBeUndefined();
  });
});
