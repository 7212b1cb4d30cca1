/** The demo's plan: shares, turns, repeatability, and visitors that can in the end be recognised. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../../src/base/errors.ts';
import { type Cast, demoSchedule, stagings, type Visit } from '../../../src/camera/demo/plan.ts';

const ids = Array.from({ length: 16 }, (_, i) => `p${String(i + 1).padStart(2, '0')}`);
const cast: Cast = { enrolled: ids.filter((_, i) => i % 2 === 0), strangers: ids.filter((_, i) => i % 2 === 1), visits: 90 };
const plan = (seed: number, change: Partial<Cast> = {}): Visit[] => [...demoSchedule(seed, { ...cast, ...change })];
const who = ({ visitors }: Visit): string =>
  visitors
    .map(({ enrolled }) => (enrolled ? 'enrolled' : 'stranger'))
    .toSorted()
    .join(' and ');

describe('the schedule', () => {
  it('is a third enrolled people, a third strangers, and the mixture', () => {
    const counts = Object.groupBy(plan(1), who);
    expect(counts.enrolled).toHaveLength(30);
    expect(counts.stranger).toHaveLength(30);
    expect(counts['enrolled and stranger']).toHaveLength(15);
    expect(counts['']).toHaveLength(15);
  });

  it('lets everybody appear, in every manner, whatever the seed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
        const visits = plan(seed, { visits: 36 });
        expect(new Set(visits.flatMap(({ visitors }) => visitors.map(({ id }) => id)))).toEqual(new Set(ids));
        for (const kind of ['enrolled', 'stranger']) {
          const manners = new Set(visits.filter((visit) => who(visit) === kind).map(({ manner }) => manner));
          expect(manners).toEqual(new Set(['stands', 'walks up', 'off-centre', 'dim', 'blurred', 'turns away']));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('shows the enrolled only smiling, strangers in both pictures', () => {
    const visitors = plan(3).flatMap((visit) => visit.visitors);
    expect(new Set(visitors.filter(({ enrolled }) => enrolled).map(({ expression }) => expression))).toEqual(new Set(['smiling']));
    expect(new Set(visitors.filter(({ enrolled }) => !enrolled).map(({ expression }) => expression))).toEqual(
      new Set(['smiling', 'neutral']),
    );
  });

  it('brings nobody back before four other enrolled people have been, so that the door is ready for them again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
        const order = plan(seed).flatMap(({ visitors }) => visitors.filter(({ enrolled }) => enrolled).map(({ id }) => id));
        for (const [i, id] of order.entries()) expect(order.slice(i + 1, i + 5)).not.toContain(id);
      }),
      { numRuns: 50 },
    );
  });

  it('is the same for the same seed and another for another', () => {
    expect(plan(7)).toEqual(plan(7));
    expect(plan(7)).not.toEqual(plan(8));
  });

  it('counts visits from 1, without gaps, and for ever when asked', () => {
    expect(plan(1).map(({ visit }) => visit)).toEqual(Array.from({ length: 90 }, (_, i) => i + 1));
    const endless = demoSchedule(1, { ...cast, visits: 0 })
      .take(500)
      .toArray();
    expect(endless.at(-1)?.visit).toBe(500);
    expect(endless.slice(0, 90)).toEqual(plan(1));
  });

  it.each(['enrolled', 'strangers'] as const)('says which setting leaves it without %s', (list) => {
    expect(() => plan(1, { [list]: [] })).toThrow(Fault);
    expect(() => plan(1, { [list]: [] })).toThrow(/camera\.replay\.enrolled/);
  });
});

describe('the stagings', () => {
  const visits = plan(5);

  it('have 15 to 25 frames', () => {
    for (const visit of visits) {
      expect([...stagings(visit)]).toHaveLength(visit.frames);
      expect(visit.frames).toBeGreaterThanOrEqual(15);
      expect(visit.frames).toBeLessThanOrEqual(25);
    }
  });

  it('end, for one visitor, with six frames near, straight, sharp and lit: 60 px between the eyes of the narrowest face', () => {
    for (const visit of visits.filter(({ visitors }) => visitors.length === 1)) {
      for (const { poses, brightness, blurPx } of [...stagings(visit)].slice(-6)) {
        expect({ brightness, blurPx, turn: poses[0]!.turn }).toEqual({ brightness: 1, blurPx: 0, turn: expect.closeTo(0, 9) });
        expect(poses[0]!.scale * 82).toBeGreaterThanOrEqual(60);
        expect(Math.abs(poses[0]!.rollDeg)).toBeLessThan(3);
        expect(poses[0]!.x).toBeGreaterThan(120);
        expect(poses[0]!.x).toBeLessThan(520);
      }
    }
  });

  it('begin with what the manner promises', () => {
    const first = (manner: string) => stagings(visits.find((visit) => visit.manner === manner)!).next().value!;
    expect(first('walks up').poses[0]!.scale).toBeLessThan(0.4);
    expect(Math.abs(first('off-centre').poses[0]!.x - 320)).toBeGreaterThan(100);
    expect(first('dim').brightness).toBeLessThan(0.2);
    expect(first('blurred').blurPx).toBeGreaterThan(20);
    expect(Math.abs(first('turns away').poses[0]!.turn)).toBe(1);
    expect(first('nobody').poses).toEqual([]);
  });

  it('show two at once at equal size, apart from each other', () => {
    const [left, right] = stagings(visits.find(({ manner }) => manner === 'two at once')!).next().value!.poses;
    expect(left!.scale).toBe(right!.scale);
    expect(right!.x - left!.x).toBeGreaterThan(200);
  });
});
