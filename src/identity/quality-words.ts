/**
 * Why a picture is not good enough, in words for people: a face's measures and the limits go in; what is wrong and what
 * helps comes out.
 */
import type { Face, Half, QualityLimits, QualityReason } from '../face/port.ts';

/** The measures of a face. */
type Measured = Pick<Face, 'quality' | 'score' | 'fitness' | 'covered'>;

/** One reason with the measure and the limit behind it. */
function reasonText(reason: QualityReason, { quality, score, fitness, covered }: Measured, limits: QualityLimits): string {
  const { interEyePx, sharpness, yawDeg, pitchDeg, rollDeg } = quality;
  switch (reason) {
    case 'too-small':
      return `too small: ${interEyePx.toFixed(0)} pixels between the eyes, at least ${limits.minInterEyePx} are needed; come closer`;
    case 'too-dark':
      return `too dark: ${lightText(quality, limits)}; more light on the face`;
    case 'too-bright':
      return quality.clipped > limits.maxClipped
        ? `too bright: ${percent(quality.clipped)} of the face are plain white, at most ${percent(limits.maxClipped)} are allowed; less light on the face`
        : `too bright: ${lightText(quality, limits)}; less light on the face, or clean the lens`;
    case 'blurred':
      return `blurred: sharpness ${sharpness.toPrecision(2)}, at least ${limits.minSharpness} is needed; hold still, or focus the camera`;
    case 'turned-away':
      return `turned away by ${Math.max(Math.abs(yawDeg), Math.abs(pitchDeg)).toFixed(0)}°, at most ${limits.maxTurnDeg}° is allowed; look at the camera`;
    case 'turned':
      return Math.abs(rollDeg) > limits.maxRollDeg
        ? `turned by ${Math.abs(rollDeg).toFixed(0)}°, at most ${limits.maxRollDeg}° is allowed; hold the head upright`
        : 'turned: it is not clear which way up the face is; take an upright picture';
    case 'cut-off':
      return 'cut off by the edge of the picture; move to the middle';
    case 'several-faces':
      return 'several faces: it is not clear whose picture this is';
    case 'uncertain':
      return `hardly a face: the detector is sure to ${score.toFixed(2)}, at least ${limits.minScore} is needed; come closer, into more light`;
    case 'damaged':
      return 'damaged: a part of the face is one flat colour, as in a picture that was not delivered whole; take another';
    case 'unfit':
      return unfitText(fitness, covered);
  }
}

function unfitText(fitness: number | undefined, covered: Half | undefined): string {
  if (covered === 'lower')
    return 'unfit: mouth and nose seem covered; look at the camera without mask or scarf, without a hand before the face, and in good light';
  if (covered === 'upper')
    return 'unfit: the eyes seem covered; take off sunglasses, lift cap or hair from the eyes, and stand in good light';
  const measure = fitness === undefined ? '' : ` (${fitness.toFixed(2)} of 1)`;
  return `unfit${measure}: too little of the face can be told; show the whole face without mask or sunglasses, in good light`;
}

/** All reasons of a face in one text; empty where there are none. */
export function reasonsText(face: Measured, limits: QualityLimits): string {
  return face.quality.reasons.map((reason) => reasonText(reason, face, limits)).join('; ');
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** What is wrong with the light, by what it leaves to be told. */
function lightText({ contrast, noise }: Measured['quality'], { minContrast, minContrastToNoise }: QualityLimits): string {
  return contrast < minContrast
    ? `contrast ${contrast.toFixed(1)}, at least ${minContrast} is needed`
    : `contrast ${contrast.toFixed(1)} in noise of ${noise.toFixed(1)}, at least ${minContrastToNoise} times the noise is needed`;
}
