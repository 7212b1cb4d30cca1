/** Figures and reason codes in the words that people read: rates, likeness, why a picture is not good enough; and tables. */
import type { Config } from '../config.ts';
import type { Quality, QualityReason } from '../face/port.ts';

/** `0.0001` → `1 in 10,000`; what lies beyond a thousand million is no longer told apart, since nothing was ever measured there. */
export function oneIn(rate: number): string {
  if (rate > 0.1) return `${Math.round(rate * 100)} in 100`;
  if (rate < 1e-9) return 'less than 1 in 1,000,000,000';
  return `1 in ${Math.round(1 / rate).toLocaleString('en', { maximumSignificantDigits: 3 })}`;
}

/** `0.99912` → `99.91 %`; never rounded up to 100 % nor down to 0 %. */
export function percent(share: number): string {
  if (share > 0 && share < 0.00005) return '< 0.01 %';
  if (share < 1 && share > 0.99995) return '> 99.99 %';
  return `${(share * 100).toFixed(2)} %`;
}

/** `1 picture`, `2 pictures`, `1 person`, `2 people`. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

/** One reason with the measure and the limit behind it. */
export function reasonText(reason: QualityReason, quality: Quality, limits: Config['face']['quality']): string {
  const { interEyePx, luminance, sharpness, yawDeg, pitchDeg } = quality;
  switch (reason) {
    case 'too-small':
      return `too small: ${interEyePx.toFixed(0)} pixels between the eyes, at least ${limits.minInterEyePx} are needed; come closer`;
    case 'too-dark':
      return `too dark: brightness ${luminance.toFixed(0)}, at least ${limits.minLuminance} is needed; more light on the face`;
    case 'too-bright':
      return `too bright: brightness ${luminance.toFixed(0)}, at most ${limits.maxLuminance} is allowed; less light on the face`;
    case 'blurred':
      return `blurred: sharpness ${sharpness.toPrecision(2)}, at least ${limits.minSharpness} is needed; hold still, or focus the camera`;
    case 'turned-away':
      return `turned away by ${Math.max(Math.abs(yawDeg), Math.abs(pitchDeg)).toFixed(0)}°, at most ${limits.maxTurnDeg}° is allowed; look at the camera`;
    case 'cut-off':
      return 'cut off by the edge of the picture; move to the middle';
    case 'several-faces':
      return 'several faces: it is not clear whose picture this is';
  }
}

/** All reasons of a face in one text; empty when there are none. */
export function reasonsText(quality: Quality, limits: Config['face']['quality']): string {
  return quality.reasons.map((reason) => reasonText(reason, quality, limits)).join('; ');
}

/** Rows as aligned columns; numbers (as text starting with a digit) are the caller's to pad. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, [...cell].length);
  const pad = (cell: string, i: number) => cell + ' '.repeat((widths[i] ?? 0) - [...cell].length);
  return rows.map((row) => indent + row.map(pad).join('  ').trimEnd()).join('\n');
}
