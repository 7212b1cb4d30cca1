/**
 * Why a picture is not good enough, in words for people: a face's measures and the limits go in; what is wrong and what
 * helps comes out.
 */
import type { Quality, QualityLimits, QualityReason } from '../face/port.ts';

/** One reason with the measure and the limit behind it. */
function reasonText(reason: QualityReason, quality: Quality, limits: QualityLimits): string {
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

/** All reasons of a face in one text; empty where there are none. */
export function reasonsText(quality: Quality, limits: QualityLimits): string {
  return quality.reasons.map((reason) => reasonText(reason, quality, limits)).join('; ');
}
