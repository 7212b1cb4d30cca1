/** How likeness and error rates are told: never against the verdict beside them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aboveText, likenessText, matchRateOf, matchRateText, strictness } from '../../src/cli/likeness-words.ts';
import type { EmbedderInfo } from '../../src/face/port.ts';

const calibration = {
  impostorPairs: 1_000_000,
  table: [
    { fmr: 0.1, logit: -2, fnmr: 0 },
    { fmr: 0.001, logit: 4, fnmr: 0.2 },
    { fmr: 0.00001, logit: 8, fnmr: 0.5 },
  ],
};
const embedder = { name: 'twin', calibration } as unknown as EmbedderInfo;

describe('likeness', () => {
  it('is told against the threshold', () => {
    expect(aboveText(8.4, 7)).toBe('1.4 above the threshold');
    expect(aboveText(6.4, 7)).toBe('0.6 below the threshold');
    expect([aboveText(7, 7), aboveText(6.999, 7)]).toEqual(['just above the threshold', 'just below the threshold']);
  });

  it('is above exactly where the match is accepted, however near the threshold is', () => {
    const logit = fc.double({ min: -50, max: 50, noNaN: true });
    fc.assert(fc.property(logit, logit, (found, least) => aboveText(found, least).includes('above') === found >= least));
  });

  it("is the share of pictures under the paper's policy", () => {
    const paper = { policy: 'paper', logit: 0, verification: 0.8 };
    expect(likenessText({ logit: 9, share: 0.5 }, paper)).toBe('50.00 % of the pictures agree (80.00 % needed)');
    expect(likenessText({ logit: 9, share: 0.5 }, { policy: 'paper', logit: 0 })).toBe('50.00 % of the pictures agree');
  });
});

describe('a false-match rate', () => {
  const told = (logit: number) => matchRateText(matchRateOf(embedder)(logit), embedder);

  it('is a fact within the calibration', () => {
    expect(told(4)).toBe('1 in 1,000 comparisons of strangers');
  });

  it('is an estimate beyond it, and says where the calibration ends', () => {
    expect(told(9)).toMatch(/^rarer than 1 in 100,000 comparisons of strangers, where the calibration ends \(estimated: 1 in [\d,]+\)$/);
    expect(told(-5)).toBe('more often than 1 in 10 comparisons of strangers, where the calibration begins');
  });

  it('is unknown without a calibration', () => {
    const bare = { name: 'own' } as EmbedderInfo;
    expect(matchRateText(matchRateOf(bare)(3), bare)).toBe('unknown: the embedder own has no calibration');
  });

  it('of a threshold is told as an estimate where the calibration does not support it', () => {
    expect(strictness('1 in 10', false, 'attempts')).toBe('1 in 10 attempts');
    expect(strictness('1 in 10', true, 'attempts')).toBe('stricter than the calibration supports; estimated 1 in 10 attempts');
  });
});
