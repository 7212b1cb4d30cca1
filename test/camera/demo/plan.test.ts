/** The demo's plan: shares, turns, repeatability, and visitors that can in the end be recognised. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../../src/base/errors.ts';
import type { Stand } from '../../../src/camera/demo/head.ts';
import { type Cast, type DemoChallenge, type DoorSaid, demoSchedule, stagings, type Visit } from '../../../src/camera/demo/plan.ts';

const ids = Array.from({ length: 16 }, (_, i) => `p${String(i + 1).padStart(2, '0')}`);
const cast: Cast = { enrolled: ids.filter((_, i) => i % 2 === 0), strangers: ids.filter((_, i) => i % 2 === 1), visits: 88 };
const plan = (seed: number, change: Partial<Cast> = {}): Visit[] => [...demoSchedule(seed, { ...cast, ...change })];
const who = ({ visitors }: Visit): string =>
  visitors
    .map(({ enrolled }) => (enrolled ? 'enrolled' : 'stranger'))
    .toSorted()
    .join(' and ');

describe('the schedule', () => {
  it('is a quarter each of enrolled people, strangers, the mixture, and pictures of enrolled people', () => {
    const counts = Object.groupBy(plan(1), who);
    expect(counts.enrolled).toHaveLength(22);
    expect(counts.stranger).toHaveLength(22);
    expect(counts['enrolled and stranger']).toHaveLength(11);
    expect(counts['']).toHaveLength(33);
    const held = plan(1).filter(({ shown }) => shown);
    expect(held).toHaveLength(22);
    expect(held.every(({ shown, visitors }) => shown?.enrolled && visitors.length === 0)).toBe(true);
    expect(new Set(held.map(({ manner }) => manner))).toEqual(new Set(['printed photo', 'phone', 'slideshow']));
    expect(plan(1).filter(({ manner }) => manner === 'nobody')).toHaveLength(11);
  });

  it('lets everybody appear, in every manner, whatever the seed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
        const visits = plan(seed, { visits: 48 });
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
    expect(plan(1).map(({ visit }) => visit)).toEqual(Array.from({ length: 88 }, (_, i) => i + 1));
    const endless = demoSchedule(1, { ...cast, visits: 0 })
      .take(500)
      .toArray();
    expect(endless.at(-1)?.visit).toBe(500);
    expect(endless.slice(0, 88)).toEqual(plan(1));
  });

  it.each(['enrolled', 'strangers'] as const)('says which setting leaves it without %s', (list) => {
    expect(() => plan(1, { [list]: [] })).toThrow(Fault);
    expect(() => plan(1, { [list]: [] })).toThrow(/camera\.replay\.enrolled/);
  });
});

describe('the stagings', () => {
  const visits = plan(5);
  const fps = 15;
  const said = (visit: Visit, says: () => DoorSaid) => [...stagings(visit, { fps, said: says })];
  const played = (visit: Visit, asked?: () => DemoChallenge | undefined) => {
    if (!asked) return [...stagings(visit, { fps })];
    return said(visit, () => {
      const challenge = asked();
      return { ...(challenge && { challenge }), letIn: false };
    });
  };

  it('have 30 to 40 frames', () => {
    for (const visit of visits) {
      expect(played(visit)).toHaveLength(visit.frames);
      expect(visit.frames).toBeGreaterThanOrEqual(30);
      expect(visit.frames).toBeLessThanOrEqual(40);
    }
  });

  it('end, for one visitor, with fourteen frames near, nearly straight, sharp and lit: 60 px between the eyes of the narrowest face', () => {
    for (const visit of visits.filter(({ visitors }) => visitors.length === 1)) {
      for (const { poses, brightness, blurPx } of played(visit).slice(-14)) {
        const { scale, rollDeg, yawDeg, pitchDeg, x } = poses[0]!.stand;
        expect({ brightness, blurPx }).toEqual({ brightness: 1, blurPx: 0 });
        expect(Math.abs(yawDeg)).toBeLessThan(17);
        expect(Math.abs(pitchDeg)).toBeLessThan(5);
        expect(scale * 82).toBeGreaterThanOrEqual(60);
        expect(Math.abs(rollDeg)).toBeLessThan(3);
        expect(x).toBeGreaterThan(120);
        expect(x).toBeLessThan(520);
      }
    }
  });

  it('begin with what the manner promises', () => {
    const first = (manner: string) => played(visits.find((visit) => visit.manner === manner)!)[0]!;
    expect(first('walks up').poses[0]!.stand.scale).toBeLessThan(0.4);
    expect(Math.abs(first('off-centre').poses[0]!.stand.x - 320)).toBeGreaterThan(100);
    expect(first('dim').brightness).toBeLessThan(0.2);
    expect(first('blurred').blurPx).toBeGreaterThan(20);
    expect(Math.abs(first('turns away').poses[0]!.stand.yawDeg)).toBeGreaterThan(20);
    expect(first('nobody').poses).toEqual([]);
    for (const on of ['printed photo', 'phone', 'slideshow']) expect(first(on)).toMatchObject({ poses: [], held: { on } });
  });

  it('show two at once at equal size, apart from each other', () => {
    const [left, right] = played(visits.find((visit) => visit.manner === 'two at once')!)[0]!.poses;
    expect(left!.stand.scale).toBe(right!.stand.scale);
    expect(right!.stand.x - left!.stand.x).toBeGreaterThan(200);
  });

  it.each([
    ['turn-left', ({ yawDeg }: Stand) => yawDeg],
    ['turn-right', ({ yawDeg }: Stand) => -yawDeg],
    ['look-down', ({ pitchDeg }: Stand) => pitchDeg],
  ] as const)('a person who is asked to %s does so, and stays until it is done', (kind, of) => {
    const visit = visits.find(({ manner, visitors }) => manner === 'stands' && visitors.length === 1)!;
    let frame = 0;
    const frames = played(visit, () => (frame++ < 25 ? undefined : { id: 'a', kind }));
    const angles = frames.map(({ poses }) => of(poses[0]!.stand));
    expect(frames.length).toBeGreaterThan(visit.frames + 20);
    expect(Math.max(...angles.slice(25))).toBeGreaterThan(13);
    expect(Math.abs(angles.at(-1)!)).toBeLessThan(10);
  });

  it('a person who was asked answers up to three times, and leaves once let in', () => {
    const visit = visits.find(({ manner, visitors }) => manner === 'stands' && visitors.length === 1)!;
    const ask = (letInAtFrame: number) => {
      let frame = 0;
      return said(visit, () => ({ ...(frame >= 25 && { challenge: { id: 'a', kind: 'turn-left' } }), letIn: frame++ >= letInAtFrame }));
    };
    const answerFrames = 4 * fps;
    expect(ask(Number.POSITIVE_INFINITY).length - 25).toBeGreaterThanOrEqual(3 * answerFrames - 3);
    expect(ask(Number.POSITIVE_INFINITY).length - 25).toBeLessThanOrEqual(3 * answerFrames);
    expect(ask(60)).toHaveLength(60);
    expect(ask(150)).toHaveLength(150);
  });

  it('a resident before a closed door waits a second, and leaves as soon as it opens; nobody else waits', () => {
    const alone = visits.find(({ visitors }) => visitors.length === 1 && visitors[0]!.enrolled)!;
    expect(said(alone, () => ({ letIn: false }))).toHaveLength(alone.frames + fps);
    expect(said(alone, () => ({ letIn: true }))).toHaveLength(alone.frames);
    let frame = 0;
    expect(said(alone, () => ({ letIn: frame++ >= alone.frames + 3 }))).toHaveLength(alone.frames + 3);
    for (const visit of visits.filter(({ visitors }) => visitors.length !== 1 || !visitors[0]!.enrolled))
      expect(said(visit, () => ({ letIn: false }))).toHaveLength(visit.frames);
  });

  it('a picture that is asked moves no differently', () => {
    const visit = visits.find(({ manner }) => manner === 'printed photo')!;
    const asked = played(visit, () => ({ id: 'a', kind: 'turn-left' }));
    expect(asked.slice(0, visit.frames)).toEqual(played(visit));
  });
});
