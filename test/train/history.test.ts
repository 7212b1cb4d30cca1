/** A run's history as a table and as a curve. */
import { describe, expect, it } from 'vitest';
import { historyCsv, lossPlot, type TrainingHistory } from '../../src/train/history.ts';

const history = (steps: number, changes: Partial<TrainingHistory> = {}): TrainingHistory => ({
  losses: Array.from({ length: steps }, (_, index) => index + 1),
  seconds: Array.from({ length: steps }, (_, index) => (index + 1) / 2),
  epochs: [{ loss: 1.5, validationLoss: 0.7, validationAccuracy: 0.25 }],
  batchesPerEpoch: 2,
  ...changes,
});

describe('history.csv', () => {
  it('has a row for each step; validation stands at the last step of its epoch', () =>
    expect(historyCsv(history(3))).toBe(
      'step,loss,validation_loss,validation_accuracy,seconds\n1,1,,,0.500\n2,2,0.7,0.25,1.000\n3,3,,,1.500\n',
    ));

  it('leaves the seconds open of steps whose checkpoint did not keep them', () =>
    expect(historyCsv(history(2, { seconds: [null, 4], epochs: [] }))).toMatch(/\n1,1,,,\n2,2,,,4\.000\n$/));
});

describe('the loss curve', () => {
  it('shows every step of a short run, and validation where it was measured', () => {
    const { series } = lossPlot(history(3));
    expect(series[0]?.points).toEqual([1, 2, 3].map((value) => ({ x: value, y: value })));
    expect(series[1]?.points).toEqual([{ x: 2, y: 0.7 }]);
  });

  it('shows means of a long one, the last of them too', () => {
    const points = lossPlot(history(1001)).series[0]?.points ?? [];
    expect(points.length).toBeLessThanOrEqual(300);
    expect(points[0]).toEqual({ x: 4, y: 2.5 });
    expect(points.at(-1)).toEqual({ x: 1001, y: 1001 });
  });

  it('has one series where nothing was validated, and none of its points where nothing was trained', () => {
    expect(lossPlot(history(2, { epochs: [{ loss: 1 }] })).series.map(({ name }) => name)).toEqual(['training']);
    expect(lossPlot(history(0, { epochs: [] })).series[0]?.points).toEqual([]);
  });
});
