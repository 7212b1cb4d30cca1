/** How long wrong PINs have to wait: in rows longer than a test waits for hashes. */
import { expect, it } from 'vitest';
import { barred, emergency, nobody, noTries, type PinTries, withWrong } from '../../src/access/pin-tries.ts';

/** What bars the next try after each of `count` wrong ones, of which each waited its time. */
function barsAfter(who: string, count: number): (string | undefined)[] {
  let tries: PinTries = noTries;
  let nowMs = 0;
  return Array.from({ length: count }, () => {
    tries = withWrong(tries, who, 'a PIN', nowMs);
    const why = barred(tries, who, 'a PIN', nowMs);
    nowMs += 3_600_000;
    return why;
  });
}
const waitOf = (seconds: number) => `too many wrong PINs: wait ${seconds} s`;

it.each([
  ['the emergency PIN', emergency],
  ['a PIN without a name', nobody],
])('%s waits twice as long each time, an hour at most, and never for good', (_, who) => {
  const bars = barsAfter(who, 40);
  expect(bars.slice(0, 10)).toEqual([undefined, undefined, ...[30, 60, 120, 240, 480, 960, 1920, 3600].map(waitOf)]);
  expect(new Set(bars.slice(10))).toEqual(new Set([waitOf(3600)]));
});

it('a person’s PIN is closed after ten', () => {
  const bars = barsAfter('ada', 10);
  expect(bars.slice(2, 9)).toEqual([30, 60, 120, 240, 480, 960, 1920].map(waitOf));
  expect(bars[9]).toContain('lockout.reset');
});

it('what is nobody’s own is forgotten after a day without a wrong one; a person’s is not', () => {
  const day = 86_400_000;
  for (const [who, wait] of [
    [nobody, undefined],
    ['ada', waitOf(60)],
  ] as const) {
    const three = [0, 1, 2].reduce((tries, atMs) => withWrong(tries, who, 'a PIN', atMs), noTries);
    expect(barred(three, who, 'a PIN', 2)).toBe(waitOf(30));
    const later = 2 + 30_000 + day + 1;
    expect(barred(withWrong(three, who, 'a PIN', later), who, 'a PIN', later)).toBe(wait);
  }
});
