import { describe, expect, it } from 'vitest';
import { challengeKinds } from '../../../src/events.ts';
import { drawChallenge } from '../../../src/liveness/challenge/draw.ts';
import { playLamp, type ShownChallenge } from '../../../src/liveness/challenge/play.ts';
import { challengeLanguages, challengeSentence } from '../../../src/liveness/challenge/words.ts';
import { fakeClock } from '../../fakes/clock.ts';
import { seeded } from './series.ts';

function lampOn(shown: ShownChallenge) {
  const clock = fakeClock();
  const stop = new AbortController();
  const seen: [atMs: number, on: boolean][] = [];
  const played = playLamp(shown, (on) => void seen.push([clock.now(), on]), clock, stop.signal);
  return { clock, stop, seen, played };
}

const times = { issuedAtMs: 0, deadlineMs: 8000 };

describe('a lamp', () => {
  it('shows a code slot by slot, and is off at the end', async () => {
    const challenge = drawChallenge(seeded(1), ['light'], times);
    if (!challenge?.code || !challenge.slotMs) throw new Error('no code');
    const { code, slotMs } = challenge;
    const { clock, seen, played } = lampOn(challenge);
    await clock.advance(code.length * slotMs + 10);
    await played;
    const litIn = (slot: number): boolean => seen.findLast(([atMs]) => atMs <= (slot + 0.5) * slotMs)?.[1] ?? false;
    expect(code.map((_, slot) => litIn(slot))).toEqual(code);
    expect(seen.at(-1)?.[1]).toBe(false);
  });

  it('begins in the middle of a code whose beginning is over', async () => {
    const { clock, seen, played } = lampOn({ kind: 'light', code: [true, false, true, false], slotMs: 100, ...times, issuedAtMs: -150 });
    await clock.advance(300);
    await played;
    expect(seen.findLast(([atMs]) => atMs < 50)?.[1]).toBe(false);
    expect(seen).toContainEqual([50, true]);
    expect(seen).toContainEqual([150, false]);
  });

  it('is on while any other challenge waits for its answer', async () => {
    const { clock, seen, played } = lampOn({ kind: 'turn-left', ...times });
    await clock.advance(7999);
    expect(seen).toEqual([[0, true]]);
    await clock.advance(1);
    await played;
    expect(seen.at(-1)).toEqual([8000, false]);
  });

  it('is off as soon as the challenge ends', async () => {
    const { clock, seen, stop, played } = lampOn({ kind: 'look-up', ...times });
    await clock.advance(1000);
    stop.abort();
    await played;
    expect(seen.at(-1)).toEqual([1000, false]);
  });
});

describe('what a person is told', () => {
  it('is one sentence for each challenge, in every language', () => {
    for (const language of challengeLanguages) {
      const all = [...challengeKinds.map((kind) => ({ kind })), { kind: 'blink', times: 3 } as const];
      const sentences = all.map((challenge) => challengeSentence(challenge, language));
      expect(new Set(sentences).size).toBe(all.length);
      for (const sentence of sentences) expect(sentence).toMatch(/^\p{L}[\p{L} ,]+\.$/u);
    }
    expect(challengeSentence({ kind: 'turn-left' }, 'en')).toMatch(/to your left/);
    expect(challengeSentence({ kind: 'blink', times: 3 }, 'de')).toMatch(/^Dreimal/);
  });
});
