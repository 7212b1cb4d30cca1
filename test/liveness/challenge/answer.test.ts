import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChallengeKind, challengeKinds } from '../../../src/events.ts';
import { answered } from '../../../src/liveness/challenge/answer.ts';
import { drawChallenge } from '../../../src/liveness/challenge/draw.ts';
import type { Challenge, FrameEvidence } from '../../../src/liveness/port.ts';
import { type Act, answerTo, type Filming, filmed, issuedAtMs, lampOf, seeded } from './series.ts';

const time = { issuedAtMs, deadlineMs: issuedAtMs + 8000 };
const untilMs = 8200;
const drawn = (seed: number, kinds: readonly ChallengeKind[] = challengeKinds): Challenge => {
  const challenge = drawChallenge(seeded(seed), kinds, time);
  if (!challenge) throw new Error('nothing drawn');
  return challenge;
};
const asked = (kind: ChallengeKind, more: Partial<Challenge> = {}): Challenge => ({ ...drawn(1, [kind]), ...more });

/** The first answer that is not `waiting`, as the door asks frame by frame. */
function outcome(challenge: Challenge, frames: readonly FrameEvidence[]): 'waiting' | 'passed' | 'failed' {
  for (let n = 1; n <= frames.length; n++) {
    const answer = answered(challenge, frames.slice(0, n));
    if (answer !== 'waiting') return answer;
  }
  return 'waiting';
}

const film = (seed: number, act: Act, more: Partial<Filming> = {}) => filmed(seeded(seed), act, { fps: 15, untilMs, ...more });
const step = (fromMs: number, toMs: number) => (ms: number) => (ms >= fromMs && ms < toMs ? 1 : 0);
const wave = (fromMs: number, halfMs: number) => (ms: number) => (ms < fromMs ? 0 : Math.sin(((ms - fromMs) / halfMs) * Math.PI));

describe('a person who does what they are asked', () => {
  it.each(challengeKinds.flatMap((kind) => [15, 30].map((fps) => [kind, fps] as const)))(
    'passes: %s at %i frames a second',
    (kind, fps) => {
      const passed = Array.from({ length: 25 }, (_, seed) => {
        const random = seeded(1000 + seed);
        const challenge = drawn(seed, [kind]);
        const frames = filmed(random, answerTo(random, challenge), { fps, untilMs, delayMs: random() * 120 });
        return outcome(challenge, frames) === 'passed';
      }).filter(Boolean);
      // The network for the eyes is often wrong: blinks are not among the challenges that are asked by default.
      expect(passed.length).toBeGreaterThanOrEqual(kind === 'blink' ? 23 : 24);
    },
  );

  it.each(['turn-left', 'turn-right', 'look-up', 'look-down'] as const)('passes mostly at 10 frames a second: %s', (kind) => {
    const passed = Array.from({ length: 50 }, (_, seed) => {
      const random = seeded(2000 + seed);
      return outcome(asked(kind), filmed(random, answerTo(random, { kind }), { fps: 10, untilMs })) === 'passed';
    }).filter(Boolean);
    expect(passed.length).toBeGreaterThanOrEqual(45);
  });

  it('passes with the frames in which the head is back, which can be voted on', () => {
    const frames = film(4, { yawDeg: (ms) => 30 * Math.max(0, wave(600, 1200)(Math.min(ms, 1800))) });
    const n = frames.findIndex((_, i) => answered(asked('turn-left'), frames.slice(0, i + 1)) === 'passed');
    const before = frames[0]?.pose.yawDeg ?? Number.NaN;
    for (const { pose } of frames.slice(n - 2, n + 1)) expect(Math.abs(pose.yawDeg - before)).toBeLessThan(12);
  });
});

describe('a nod', () => {
  it('counts for nothing where what is seen at its end is not solid any more', () => {
    const act = answerTo(seeded(3), { kind: 'look-down' });
    const frames = film(3, act);
    expect(outcome(asked('look-down'), frames)).toBe('passed');
    const cut = frames.map((frame, i) =>
      i > frames.length / 3 && frame.motion ? { ...frame, motion: [{ kind: 'flat', outcome: 'unsure' } as const] } : frame,
    );
    expect(outcome(asked('look-down'), cut)).not.toBe('passed');
  });
});

describe('a recording that answers another challenge', () => {
  it('never passes: 0 of 200', () => {
    const accepted = Array.from({ length: 200 }, (_, seed) => {
      const random = seeded(seed);
      const challenge = drawn(3 * seed);
      let other = drawn(3 * seed + 1);
      for (let more = 2; fits(other, challenge); more += 997) other = drawn(3 * seed + more);
      const lateMs = random() * 1500;
      const { yawDeg, pitchDeg, growth, closed, lamp, ...act } = answerTo(random, other);
      const late =
        <T>(course: ((ms: number) => T) | undefined) =>
        (ms: number) =>
          course?.(ms - lateMs);
      const shown: Act = {
        ...act,
        yawDeg: (ms) => late(yawDeg)(ms) ?? 0,
        pitchDeg: (ms) => late(pitchDeg)(ms) ?? 0,
        growth: (ms) => late(growth)(ms) ?? 1,
        closed: (ms) => late(closed)(ms) ?? false,
        lamp: (ms) => late(lamp)(ms) ?? false,
      };
      const frames = filmed(random, shown, { fps: 10 + Math.floor(random() * 21), untilMs });
      return outcome(challenge, frames) === 'passed' ? [`${challenge.kind} by ${other.kind}`] : [];
    }).flat();
    expect(accepted).toEqual([]);
  });

  const fits = (a: Challenge, b: Challenge): boolean => a.kind === b.kind && a.times === b.times && String(a.code) === String(b.code);

  it('fails at the first movement that was not asked for, though the right one follows', () => {
    const everything: Act = { yawDeg: (ms) => (ms < 400 || ms > 3400 ? 0 : 30 * Math.sin(((ms - 400) / 1500) * Math.PI)) };
    expect(outcome(asked('turn-left'), film(1, everything))).toBe('failed'); // swings through to the right
    expect(outcome(asked('turn-right'), film(1, everything))).toBe('failed');
    expect(outcome(asked('look-up'), film(1, everything))).toBe('failed');
    expect(outcome(asked('blink'), film(1, everything))).toBe('failed');
  });

  it('fails with one closing of the eyes too many', () => {
    const three: Act = { closed: (ms) => ms > 600 && ms < 3600 && (ms - 600) % 1000 < 500 };
    expect(outcome(asked('blink', { times: 2 }), film(2, three, { fps: 30 }))).toBe('failed');
    expect(outcome(asked('blink', { times: 3 }), film(2, three, { fps: 30 }))).toBe('passed');
  });

  it('does not pass with a movement that was under way when the challenge was issued', () => {
    const turning: Act = { yawDeg: (ms) => 30 * Math.max(0, wave(-250, 1100)(Math.min(ms, 850))) };
    expect(outcome(asked('turn-left'), film(3, turning))).not.toBe('passed');
  });
});

describe('a picture', () => {
  const kinds = challengeKinds.filter((kind) => kind !== 'light');

  it.each(kinds)('that is held still does not pass: %s', (kind) => {
    for (let seed = 0; seed < 20; seed++) expect(outcome(asked(kind), film(seed, { still: true }))).not.toBe('passed');
  });

  it.each(['turn-left', 'turn-right', 'look-up', 'look-down'] as const)(
    'of each pose, shown one after the other, does not pass: %s',
    (kind) => {
      const sign = kind === 'turn-left' || kind === 'look-down' ? 1 : -1;
      const shown = step(800, 1800);
      const slides: Act = kind.startsWith('turn')
        ? { yawDeg: (ms) => sign * 30 * shown(ms), still: true }
        : { rise: (ms) => sign * 0.4 * shown(ms), still: true, flat: 'live' };
      // What follows is the same picture, held still. With other seeds one show in 700 passes: the detector's jitter
      // then looks like frames on the way.
      const untilMs = issuedAtMs + 3800;
      for (const fps of [6, 15, 30])
        for (let seed = 0; seed < 30; seed++) {
          const frames = film(seed, slides, { fps }).filter(({ capturedAtMs }) => capturedAtMs < untilMs);
          expect(outcome(asked(kind), frames)).not.toBe('passed');
        }
    },
  );

  it('that is held higher or lower does not pass unless the points on it move as those of something solid', () => {
    const moved = (sign: number, flat?: 'live' | 'spoof'): Act => ({
      rise: (ms) => sign * 0.5 * Math.max(0, wave(600, 1200)(Math.min(ms, 1800))),
      ...(flat && { flat }),
    });
    expect(outcome(asked('look-down'), film(6, moved(1)))).not.toBe('passed');
    expect(outcome(asked('look-up'), film(6, moved(-1, 'spoof')))).not.toBe('passed');
    expect(outcome(asked('look-up'), film(6, moved(-1, 'live')))).toBe('passed');
  });

  it('that is held closer does not pass unless the points on it move as those of something solid', () => {
    const nearer = (flat?: 'live' | 'spoof'): Act => ({
      growth: (ms) => 1 + 0.5 * Math.min(1, Math.max(0, (ms - 500) / 1000)),
      ...(flat && { flat }),
    });
    expect(outcome(asked('closer'), film(5, nearer()))).not.toBe('passed');
    expect(outcome(asked('closer'), film(5, nearer('spoof')))).not.toBe('passed');
    expect(outcome(asked('closer'), film(5, nearer('live')))).toBe('passed');
  });
});

describe('light', () => {
  const challenge = drawn(7, ['light']);
  const under = (answers: NonNullable<Act['answers']>, more: Act = {}) =>
    Array.from({ length: 20 }, (_, seed) =>
      outcome(challenge, film(seed, { lamp: lampOf(challenge), answers, flat: 'live', ...more }, { fps: seed % 2 ? 15 : 30 })),
    );
  const passes = (outcomes: readonly string[]) => outcomes.filter((one) => one === 'passed').length;

  it('is answered by skin before something further away', () => {
    expect(passes(under({ skin: 0.3, surround: 0.1 }))).toBeGreaterThanOrEqual(19);
  });

  it.each([
    ['a print: its paper answers as much', { skin: 0.3, surround: 0.3 }],
    ['a print that is bent towards the lamp', { skin: 0.32, surround: 0.3 }],
    ['a display: it shines by itself, the hand around it answers', { skin: 0.004, surround: 0.3 }],
    ['a display in which the lamp is mirrored', { skin: 0.02, surround: 0.05 }],
    ['a face in sunlight, which the lamp does not reach', { skin: 0.01, surround: 0.002 }],
    ['a face close before a wall', { skin: 0.3, surround: 0.29 }],
  ])('is not answered by %s', (_, answers) => {
    expect(passes(under(answers))).toBe(0);
  });

  it('is not answered by something flat that gives the light back as a face does', () => {
    expect(passes(under({ skin: 0.3, surround: 0.1 }, { flat: 'spoof' }))).toBe(0);
  });

  it('is not answered by a face that is too bright to become brighter', () => {
    expect(passes(under({ skin: 0.4, surround: 0.1 }, { skin: 250 }))).toBe(0);
  });

  it('is not answered by a lamp with another code, nor by one that just goes on', () => {
    const other = drawn(8, ['light']);
    expect(other.code).not.toEqual(challenge.code);
    expect(passes(under({ skin: 0.4, surround: 0.1 }, { lamp: lampOf(other) }))).toBe(0);
    expect(passes(under({ skin: 0.4, surround: 0.1 }, { lamp: (ms) => ms > 300 }))).toBe(0);
    expect(passes(under({ skin: 0.4, surround: 0.1 }, { lamp: (ms) => ms % 132 < 66 }))).toBe(0);
  });

  it('is not answered a quarter of a second late', () => {
    expect(passes(under({ skin: 0.4, surround: 0.1 }, { lamp: (ms) => lampOf(challenge)(ms - 250) }))).toBe(0);
  });
});

describe('the frames of an answer', () => {
  const right: Act = { yawDeg: (ms) => 30 * Math.max(0, wave(800, 1200)(Math.min(ms, 2000))) };
  const frames = film(11, right);
  const challenge = asked('turn-left');

  it('pass', () => {
    expect(outcome(challenge, frames)).toBe('passed');
  });

  it('fail across a gap, behind which another face may stand', () => {
    const gap = frames.filter(({ capturedAtMs: at }) => at < issuedAtMs + 1000 || at > issuedAtMs + 1700);
    expect(outcome(challenge, gap)).toBe('failed');
  });

  it('fail where the face jumps, also when the answer was given', () => {
    const from = (ms: number) =>
      frames.map((frame) =>
        frame.capturedAtMs < issuedAtMs + ms ? frame : { ...frame, place: { ...frame.place, x: frame.place.x + 0.3 } },
      );
    expect(outcome(challenge, from(500))).toBe('failed');
    const n = frames.findIndex((_, i) => answered(challenge, frames.slice(0, i + 1)) === 'passed');
    const lastMs = (frames[n]?.capturedAtMs ?? 0) - issuedAtMs;
    expect(answered(challenge, from(lastMs + 100))).toBe('failed');
    const bigger = frames.map((frame) =>
      frame.capturedAtMs < issuedAtMs + 500 ? frame : { ...frame, place: { ...frame.place, interEye: frame.place.interEye * 1.6 } },
    );
    expect(outcome(challenge, bigger)).toBe('failed');
  });

  it('fail after the deadline', () => {
    expect(outcome({ ...challenge, deadlineMs: issuedAtMs + 1500 }, frames)).toBe('failed');
  });

  it('fail without frames from before the challenge', () => {
    expect(
      outcome(
        challenge,
        frames.filter(({ capturedAtMs: at }) => at > issuedAtMs + 200),
      ),
    ).toBe('failed');
  });

  it('are never enough when a camera gives one a second', () => {
    for (const kind of challengeKinds) {
      const random = seeded(12);
      const slow = asked(kind, { deadlineMs: issuedAtMs + 60_000 });
      expect(outcome(slow, filmed(random, answerTo(random, slow), { fps: 1, untilMs: 30_000 }))).not.toBe('passed');
    }
  });

  it('may be anything: it never throws, and numbers at random do not pass', () => {
    const any = fc.double({ min: -1e3, max: 1e3 });
    const one = fc.record({
      capturedAtMs: fc.double({ min: issuedAtMs - 2000, max: issuedAtMs + 9000, noDefaultInfinity: true }),
      pose: fc.record({ yawDeg: any, pitchDeg: any, rollDeg: any }),
      place: fc.record({ x: any, y: any, interEye: any }),
      eyesOpen: fc.option(fc.tuple(any, any), { nil: undefined }),
      skin: fc.tuple(any, any, any),
      surround: fc.tuple(any, any, any),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 80 }), fc.nat(), (frames, seed) => {
        const given = frames.map(({ eyesOpen, ...frame }): FrameEvidence => ({ ...frame, ...(eyesOpen && { eyesOpen }) }));
        expect(answered(drawn(seed), given)).not.toBe('passed');
      }),
      { numRuns: 200 },
    );
  });
});
