/** Plots: what a reader sees at the axes. */
import { expect, it } from 'vitest';
import { plotSvg } from '../../../src/train/figures/plots.ts';

const plotOf = (xs: readonly number[]) =>
  plotSvg({ title: 'invented', x: 'trial', y: 'loss', series: [{ name: 'loss', points: xs.map((x) => ({ x, y: x / 7 })) }] });
/** The labels below the horizontal axis: those that stand in the middle of their mark, without the title and the axis's name. */
const labelsOf = (svg: string) =>
  [...svg.matchAll(/<text x="([\d.]+)" y="302\.0" text-anchor="middle" >([^<]+)</g)].map(([, x, label]) => ({ x: Number(x), label }));

it('marks an axis of whole numbers at whole numbers, however few there are', () => {
  expect(labelsOf(plotOf([1, 2, 3])).map(({ label }) => label)).toEqual(['1', '2', '3']);
  expect(labelsOf(plotOf([1])).map(({ label }) => label)).toEqual(['1']);
  expect(labelsOf(plotOf([1, 1.5, 2])).length).toBeGreaterThan(3);
});

it('keeps the last label inside the picture', () => {
  const ticks = { x: [0, 1].map((at) => ({ at, label: `${at * 100} %` })) };
  const svg = plotSvg({
    title: 'invented',
    x: 'rate',
    y: 'rate',
    ticks,
    series: [
      {
        name: 'a',
        points: [
          { x: 0, y: 0 },
          { x: 1, y: 1 },
        ],
      },
    ],
  });
  const last = labelsOf(svg).at(-1);
  expect(last?.label).toBe('100 %');
  // A digit of this font is at most 8 pixels wide.
  expect((last?.x ?? 640) + (8 * '100 %'.length) / 2).toBeLessThanOrEqual(640);
});
