/**
 * What a V4L2 camera offers and which mode to open: the listings of ffmpeg and v4l2-ctl go in, the mode comes out.
 * Pure.
 */

/** A range of whole numbers with a step; a single number has min = max. */
export interface Span {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

/** A pixel format at a size (or a range of sizes) with its rates. */
export interface Offer {
  /** ffmpeg's name for the format: `mjpeg`, `yuyv422` … */
  readonly format: string;
  readonly width: Span;
  readonly height: Span;
  /** Frames per second; empty if the listing does not say. */
  readonly rates: readonly number[];
}

export interface WantedMode {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Frames per second. */
  readonly fps: number;
}

/** What the camera is asked for. */
export interface Mode extends WantedMode {
  readonly format: string;
}

/** ffmpeg's names for V4L2's four-letter codes (linux/videodev2.h; libavdevice/v4l2-common.c). */
const formatOf: Readonly<Record<string, string>> = {
  MJPG: 'mjpeg',
  JPEG: 'mjpeg',
  YUYV: 'yuyv422',
  UYVY: 'uyvy422',
  YU12: 'yuv420p',
  NV12: 'nv12',
  RGB3: 'rgb24',
  BGR3: 'bgr24',
  GREY: 'gray',
  H264: 'h264',
};

/**
 * Formats that ffmpeg can turn into MJPEG, and the cost of choosing one (see `costOf`): work, and what H.264 loses
 * between key frames.
 */
const formatCost: ReadonlyMap<string, number> = new Map([
  ['mjpeg', 0],
  ['yuyv422', 0.2],
  ['uyvy422', 0.2],
  ['yuv420p', 0.2],
  ['nv12', 0.2],
  ['rgb24', 0.25],
  ['bgr24', 0.25],
  ['gray', 0.4],
  ['h264', 0.5],
]);

const one = (n: number): Span => ({ min: n, max: n, step: 1 });

/**
 * The offers in the output of `ffmpeg -f v4l2 -list_formats all -i DEVICE` (4.x to 7.x), which has no rates:
 * `[video4linux2,v4l2 @ 0x55…] Compressed: mjpeg : Motion-JPEG : 1280x720 640x480`, sizes in steps as `{32-2592,
 * 2}x{32-1944, 2}`.
 */
export function parseFfmpegFormats(text: string): readonly Offer[] {
  return text.split('\n').flatMap((line) => {
    const [, format = '', sizes = ''] = /\b(?:Raw|Compressed)\s*:\s*(\S+) :.* : (.+)$/.exec(line) ?? [];
    const plain = [...sizes.matchAll(/(?:^|\s)(\d+)x(\d+)(?=\s|$)/g)].map(([, w, h]) => ({
      width: one(Number(w)),
      height: one(Number(h)),
    }));
    const stepped = [...sizes.matchAll(/\{(\d+)-(\d+), (\d+)\}x\{(\d+)-(\d+), (\d+)\}/g)].map((m) => {
      const [wMin = 0, wMax = 0, wStep = 1, hMin = 0, hMax = 0, hStep = 1] = m.slice(1).map(Number);
      return { width: { min: wMin, max: wMax, step: wStep }, height: { min: hMin, max: hMax, step: hStep } };
    });
    return [...plain, ...stepped].map((size) => ({ format, ...size, rates: [] }));
  });
}

/** The offers in the output of `v4l2-ctl --list-formats-ext` (v4l-utils 1.6 to 1.28), with their rates. */
export function parseV4l2CtlFormats(text: string): readonly Offer[] {
  const offers: Offer[] = [];
  let format: string | undefined;
  let rates: number[] = [];
  for (const line of text.split('\n')) {
    const letters = /^\s*(?:\[\d+\]:|Pixel Format:)\s*'([^']{4})'/.exec(line)?.[1];
    if (letters !== undefined) format = formatOf[letters];
    if (format === undefined) continue;
    const size = sizeIn(line);
    if (size) {
      rates = [];
      offers.push({ format, ...size, rates });
    }
    rates.push(...ratesIn(line));
  }
  return offers;
}

function sizeIn(line: string): Pick<Offer, 'width' | 'height'> | undefined {
  const plain = /Size: Discrete (\d+)x(\d+)/.exec(line);
  if (plain) return { width: one(Number(plain[1])), height: one(Number(plain[2])) };
  const span = /Size: (?:Stepwise|Continuous) (\d+)x(\d+) - (\d+)x(\d+)(?: with step (\d+)\/(\d+))?/.exec(line);
  if (!span) return undefined;
  const [wMin = 0, hMin = 0, wMax = 0, hMax = 0, wStep = 1, hStep = 1] = span.slice(1).map((s) => (s === undefined ? 1 : Number(s)));
  return { width: { min: wMin, max: wMax, step: wStep }, height: { min: hMin, max: hMax, step: hStep } };
}

/**
 * `Interval: Discrete 0.033s (30.000 fps)`; for a range of intervals, every whole rate from the slowest to the fastest.
 */
function ratesIn(line: string): readonly number[] {
  const interval = /Interval: (Discrete|Stepwise|Continuous) .*\(([\d.]+)(?:-([\d.]+))? fps\)/.exec(line);
  if (!interval) return [];
  const from = Number(interval[2]);
  const to = Number(interval[3] ?? from);
  if (interval[1] === 'Discrete') return [from];
  const [slow, fast] = [Math.min(from, to), Math.min(240, Math.max(from, to))];
  const whole = Array.from({ length: Math.max(0, Math.floor(fast) - Math.ceil(slow) + 1) }, (_, i) => Math.ceil(slow) + i);
  return [...new Set([slow, ...whole, fast])];
}

/**
 * The mode nearest to what is wanted: by size, then MJPEG, then the wanted rate or the nearest above it; undefined if
 * nothing fits.
 */
export function chooseMode(offers: readonly Offer[], wanted: WantedMode): Mode | undefined {
  let best: { readonly mode: Mode; readonly cost: number } | undefined;
  for (const offer of offers) {
    const formatPrice = formatCost.get(offer.format);
    if (formatPrice === undefined || offer.width.max <= 0 || offer.height.max <= 0) continue;
    const width = nearestIn(offer.width, wanted.width);
    const height = nearestIn(offer.height, wanted.height);
    for (const fps of offer.rates.length > 0 ? offer.rates : [wanted.fps]) {
      const mode = { format: offer.format, width, height, fps };
      const cost = formatPrice + costOf(mode, wanted);
      if (!best || cost < best.cost) best = { mode, cost };
    }
  }
  return best?.mode;
}

/**
 * Distance of a mode from what is wanted, in octaves of size and rate. Half the width is as bad as half the rate: the
 * exact size at 5 frames per second must not win over the next size at 30. Too much of either is far better than too
 * little.
 */
function costOf(mode: WantedMode, wanted: WantedMode): number {
  const size = Math.abs(Math.log2(mode.width / wanted.width)) + Math.abs(Math.log2(mode.height / wanted.height));
  const smaller = mode.width * mode.height < wanted.width * wanted.height ? 0.01 : 0;
  const rate = Math.log2(mode.fps / wanted.fps);
  // 29.97 is as good as 30.
  const ratePrice = Math.abs(rate) < 0.01 ? 0 : rate > 0 ? 0.02 * rate : -rate;
  return size + smaller + ratePrice;
}

function nearestIn({ min, max, step }: Span, wanted: number): number {
  const clamped = Math.min(max, Math.max(min, wanted));
  return Math.min(max, min + Math.round((clamped - min) / Math.max(1, step)) * Math.max(1, step));
}
