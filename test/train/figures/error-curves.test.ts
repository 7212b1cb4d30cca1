/** Curves of an evaluation: their axes, their truth, and that they can be drawn from whatever was measured. */
import { describe, expect, it } from 'vitest';
import { newRandom, normal } from '../../../src/base/random.ts';
import { detPlot, probit, rocPlot, scorePlot } from '../../../src/train/figures/error-curves.ts';
import { type ComparedPair, evaluate } from '../../../src/train/figures/evaluate.ts';
import { plotSvg } from '../../../src/train/figures/plots.ts';

/** Normal scores: the curve is then known, FNMR = Φ(Φ⁻¹(1 − FMR) − gap). */
function normals(count: number, gap: number): ComparedPair[] {
  const random = newRandom(3);
  return Array.from({ length: 2 * count }, (_, i) => ({ score: normal(random) + (i < count ? gap : 0), same: i < count, fold: i % 10 }));
}
const curve = (comparisons: readonly ComparedPair[]) => {
  const count = comparisons.length / 2;
  return [{ name: 'invented', roc: evaluate(comparisons, 0).roc, impostors: count, genuine: count }];
};

it('the normal deviate is the tabled one', () => {
  for (const [share, deviate] of [
    [0.5, 0],
    [0.975, 1.959963985],
    [0.01, -2.326347874],
    [0.001, -3.090232306],
    [1e-6, -4.753424309],
  ] as const)
    expect(probit(share)).toBeCloseTo(deviate, 7);
});

describe('the DET curve', () => {
  it('of normal scores is the straight line of slope −1 at its distance', () => {
    const [series] = detPlot(curve(normals(10_000, 2))).series;
    const middle = series!.points.filter(({ x, y }) => x > probit(0.005) && y > probit(0.005));
    expect(middle.length).toBeGreaterThan(30);
    for (const { x, y } of middle) expect(x + y).toBeCloseTo(-2, 0);
  });
});

describe('the ROC curve', () => {
  it('rises, over tenths from the least rate that the pairs can show', () => {
    const { ticks, series } = rocPlot(curve(normals(1000, 2)));
    expect(ticks?.x?.map(({ label }) => label)).toEqual(['0.1 %', '1 %', '10 %', '100 %']);
    const points = series[0]!.points;
    expect(points.at(-1)).toEqual({ x: 0, y: 1 });
    for (const [index, point] of points.entries()) expect(point.y).toBeGreaterThanOrEqual(points[index - 1]?.y ?? 0);
  });
});

describe('the scores', () => {
  it('of either kind come to a hundred percent', () => {
    for (const { points } of scorePlot('head', normals(500, 3)).series)
      expect(points.reduce((sum, { y }) => sum + y, 0)).toBeCloseTo(100, 6);
  });
});

it('any of them can be drawn, on a page in the page’s own colours', () => {
  for (const comparisons of [normals(500, 2), normals(40, 50), normals(1, 1), normals(40, 2).map((each) => ({ ...each, score: 0.5 }))]) {
    const plots = [rocPlot(curve(comparisons)), detPlot(curve(comparisons)), scorePlot('head', comparisons)];
    for (const plot of plots) {
      const svg = plotSvg(plot, 'page');
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      expect(svg).not.toContain('fill="white"');
      expect(svg).toContain('currentColor');
      expect(plotSvg(plot)).toContain('fill="white"');
    }
  }
});
