/**
 * Faces that never move, in frames with the noise that was measured (a tenth of a per cent to six per cent of the face's
 * width), and people who stand still: their heads sway, as posturography has it, by some two centimetres in a minute.
 */
import { describe, expect, it } from 'vitest';
import { divided } from '../../src/face/mask.ts';
import type { Box, Embedding, Face, Reading } from '../../src/face/port.ts';
import { type PosterNews, posterWatch } from '../../src/face/posters.ts';

const minuteMs = 60_000;
const frameMs = 250;
const point = { x: 0, y: 0 };
const quality = {
  reasons: [],
  interEyePx: 60,
  luminance: 120,
  contrast: 30,
  noise: 1,
  clipped: 0,
  flat: 0,
  sharpness: 1,
  yawDeg: 0,
  pitchDeg: 0,
  rollDeg: 0,
};

/** A face before the camera: where it is at a moment, and whose. */
interface Shown {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly who: number;
}

function noise(seed: number): () => number {
  let at = seed;
  const next = () => {
    at = (at * 1103515245 + 12345) & 0x7fffffff;
    return at / 0x7fffffff;
  };
  return () => Math.sqrt(-2 * Math.log(next() + 1e-9)) * Math.cos(2 * Math.PI * next());
}

/** Unit vectors; whose face it is decides the direction, and the noise turns it a little. */
function embeddingOf(who: number, gauss: () => number): Embedding {
  const vector = Float32Array.from({ length: 32 }, (_, i) => (i === who ? 1 : 0.05 * gauss()));
  const length = Math.hypot(...vector);
  return vector.map((v) => v / length);
}

/** A door with a camera whose boxes are `noisePx` off (standard deviation), and what it notices. */
function door(noisePx: number, stillMs = minuteMs) {
  const watch = posterWatch(stillMs);
  const gauss = noise(7);
  const news: (PosterNews & { readonly atMs: number })[] = [];
  const clock = { atMs: 0 };
  const look = (shown: readonly Shown[]): Reading => {
    const mask = { zones: {}, ...watch.mask(clock.atMs) };
    const faces = shown.map(({ x, y, width, who }): Face => {
      const [dx, dy, dw] = [gauss() * noisePx, gauss() * noisePx, gauss() * noisePx];
      const box: Box = { x1: x - width / 2 + dx - dw / 2, y1: y - width / 2 + dy, x2: x + width / 2 + dx + dw / 2, y2: y + width / 2 + dy };
      return { score: 0.9, box, landmarks: [point, point, point, point, point], quality, embedding: embeddingOf(who, gauss) };
    });
    const { counted, still } = divided(faces, { width: 640, height: 480 }, mask);
    const seen = still.map(({ embedding, ...face }) => (mask.check && embedding ? { ...face, embedding } : face));
    const reading = { width: 640, height: 480, faces: counted, still: seen, timings: { decode: 0, detect: 0, align: 0, embed: 0 } };
    news.push(...watch.saw(reading, clock.atMs).map((each) => ({ ...each, atMs: clock.atMs })));
    clock.atMs += frameMs;
    return reading;
  };
  const during = (ms: number, shown: (atMs: number) => readonly Shown[]): Reading[] =>
    Array.from({ length: Math.ceil(ms / frameMs) }, () => look(shown(clock.atMs)));
  return { watch, news, clock, look, during };
}

const poster = { x: 400, y: 200, width: 60, who: 1 };

describe('a poster', () => {
  it.each([0.3, 0.6, 1.3])('is left out after a minute and stays so, with boxes %d pixels off', (noisePx) => {
    const { watch, news, during } = door(noisePx);
    during(minuteMs - 2000, () => [poster]);
    expect(watch.count).toBe(0);
    during(10_000, () => [poster]);
    expect(news.map(({ kind }) => kind)).toEqual(['noticed']);
    const later = during(3 * minuteMs, () => [poster]);
    expect(later.filter(({ faces }) => faces.length > 0)).toEqual([]);
    expect(news).toHaveLength(1);
  });

  it('does not hide who comes: beside it, before it, and exactly in its place within a second', () => {
    const { news, during } = door(0.5);
    during(minuteMs + 5000, () => [poster]);
    const beside = during(2000, () => [poster, { x: 200, y: 240, width: 150, who: 2 }]);
    expect(beside.every(({ faces: [face], still }) => face?.embedding !== undefined && still?.length === 1)).toBe(true);
    const before = during(2000, () => [{ ...poster, width: 120, who: 2 }]);
    expect(before.every(({ faces }) => faces.length === 1)).toBe(true);
    const inPlace = during(1500, () => [{ ...poster, who: 2 }]);
    expect(inPlace.slice(-1)[0]?.faces).toHaveLength(1);
    expect(news.at(-1)).toMatchObject({ kind: 'ended', why: 'another' });
  });

  it('counts again when it moves', () => {
    const { news, during, watch } = door(0.5);
    during(minuteMs + 5000, () => [poster]);
    const moving = during(4000, (atMs) => [{ ...poster, x: poster.x + (atMs - minuteMs - 5000) / 500 }]);
    expect(news.at(-1)).toMatchObject({ kind: 'ended', why: 'moved' });
    expect(moving.at(-1)?.faces).toHaveLength(1);
    expect(watch.count).toBe(0);
  });

  it('that hangs elsewhere counts at once, and has moved', () => {
    const { news, during } = door(0.5);
    during(minuteMs + 5000, () => [poster]);
    expect(during(1000, () => [{ ...poster, x: 100 }])[0]?.faces).toHaveLength(1);
    expect(news.at(-1)).toMatchObject({ kind: 'ended', why: 'moved' });
  });

  it('is still known after a night in which nothing was seen, and forgotten when it is gone', () => {
    const { news, during, clock } = door(0.5);
    during(minuteMs + 5000, () => [poster]);
    clock.atMs += 10 * 3_600_000;
    expect(during(1000, () => [poster])[0]?.faces).toEqual([]);
    clock.atMs += 13 * 3_600_000;
    during(1000, () => []);
    expect(news.at(-1)).toMatchObject({ kind: 'ended', why: 'gone' });
  });

  it('that shows one face after the other (a screen with pictures) is never left out', () => {
    const { watch, during } = door(0.3);
    during(3 * minuteMs, (atMs) => [{ ...poster, who: Math.floor(atMs / 20_000) % 9 }]);
    expect(watch.count).toBe(0);
  });

  it('counts where the setting says so', () => {
    const { watch, during } = door(0.3, 0);
    during(3 * minuteMs, () => [poster]);
    expect(watch.count).toBe(0);
  });
});

describe('a person who stands still', () => {
  /** Slow sway: some frequencies below 1 Hz; `cm` is the standard deviation, of a head 15 cm wide. */
  const swaying = (cm: number, width: number, seed: number) => {
    const gauss = noise(seed);
    const waves = Array.from({ length: 6 }, (_, i) => ({ rate: 0.02 * 2 ** i, phase: gauss() * 3, share: gauss() }));
    const size = Math.hypot(...waves.map(({ share }) => share)) / Math.SQRT2;
    const at = (atMs: number, phase: number) =>
      waves.reduce((sum, w) => sum + (w.share / size) * Math.sin((2 * Math.PI * w.rate * atMs) / 1000 + w.phase + phase), 0);
    return (atMs: number): Shown[] => [
      { x: 320 + (width / 15) * cm * at(atMs, 0), y: 240 + (width / 15) * cm * 0.5 * at(atMs, 1), width, who: 3 },
    ];
  };

  it.each([40, 80, 160])('is not taken for a poster within five minutes, at a face of %d pixels', (width) => {
    const taken = Array.from({ length: 20 }, (_, seed) => {
      const { watch, during } = door(0.5);
      during(5 * minuteMs, swaying(0.5, width, seed + 1));
      return watch.count;
    });
    expect(taken.filter((count) => count > 0)).toEqual([]);
  });

  it('and is taken for a poster after all counts again with the first step', () => {
    const { watch, during } = door(0.5);
    const still = { x: 320, y: 240, width: 80, who: 3 };
    during(minuteMs + 5000, () => [still]);
    expect(watch.count).toBe(1);
    const step = during(1250, (atMs) => [{ ...still, width: 80 + (atMs - minuteMs - 5000) / 50 }]);
    expect(step.slice(-1).every(({ faces }) => faces.length === 1)).toBe(true);
  });
});
