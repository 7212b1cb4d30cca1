/**
 * Is this face good enough to be compared? Pure: landmarks, the aligned face and the picture's size go in, measures and
 * reasons come out. The measures follow ISO/IEC 29794-5 (face image quality): inter-eye distance, illumination,
 * sharpness, head pose, cropping.
 */
import { similarityOf } from './align.ts';
import type { Detection } from './detect.ts';
import type { Box, Framing, Landmarks, Quality, QualityLimits, QualityReason } from './port.ts';

/**
 * Sorts faces, large and central ones first: by area × score − half the squared distance between the centres of box and
 * picture (the rule of the reference pipeline).
 */
export function byDominance(detections: readonly Detection[], width: number, height: number): Detection[] {
  const weight = ({ box: b, score }: Detection) => areaOf(b) * score - ((b.x1 + b.x2 - width) ** 2 + (b.y1 + b.y2 - height) ** 2) / 2;
  return detections.toSorted((a, b) => weight(b) - weight(a));
}

const areaOf = (b: Box): number => Math.max(0, b.x2 - b.x1) * Math.max(0, b.y2 - b.y1);

/**
 * Head pose estimated from five landmarks, degrees: where the nose is between the eyes, and between eyes and mouth.
 * Accurate to about ten degrees.
 */
function poseOf(landmarks: Landmarks): { yawDeg: number; pitchDeg: number; rollDeg: number; interEyePx: number } {
  const [right, left, nose, mouthRight, mouthLeft] = landmarks;
  const ex = left.x - right.x;
  const ey = left.y - right.y;
  const interEyePx = Math.hypot(ex, ey);
  const unit = interEyePx || 1;
  const eyes = { x: (right.x + left.x) / 2, y: (right.y + left.y) / 2 };
  const mouth = { x: (mouthRight.x + mouthLeft.x) / 2, y: (mouthRight.y + mouthLeft.y) / 2 };
  // In the face's own axes (x along the eyes): the tip of the nose stands out by about 0.6 eye distances, so it moves
  // by 0.6·sin(yaw).
  const axis = { x: ex / unit, y: ey / unit };
  const middle = { x: (eyes.x + mouth.x) / 2, y: (eyes.y + mouth.y) / 2 };
  const sideways = ((nose.x - middle.x) * axis.x + (nose.y - middle.y) * axis.y) / unit;
  const down = (p: { x: number; y: number }) => (-(p.x - eyes.x) * axis.y + (p.y - eyes.y) * axis.x) / unit;
  const between = down(mouth) > 0 ? down(nose) / down(mouth) : 0.5;
  const degrees = (sine: number) => (Math.asin(Math.min(1, Math.max(-1, sine))) * 180) / Math.PI;
  return {
    yawDeg: degrees(sideways / 0.6),
    pitchDeg: degrees((between - 0.59) / 0.6),
    rollDeg: (Math.atan2(ey, ex) * 180) / Math.PI,
    interEyePx,
  };
}

/** Luma (ITU-R BT.601) of interleaved RGB, 0…255. */
function lumaOf(rgb: Uint8Array): Float32Array {
  const luma = new Float32Array(rgb.length / 3);
  for (let i = 0, p = 0; i < luma.length; i++, p += 3)
    luma[i] = 0.299 * (rgb[p] as number) + 0.587 * (rgb[p + 1] as number) + 0.114 * (rgb[p + 2] as number);
  return luma;
}

/** What the pixels of an aligned face say. */
export type Looks = Pick<Quality, 'luminance' | 'contrast' | 'noise' | 'clipped' | 'flat' | 'sharpness'>;

/** Side of the squares that are averaged for the contrast, pixels. */
const square = 8;
/** A channel from this on is as bright as the picture can show it. */
const white = 253;

/**
 * The looks of an aligned face; all but `flat` of its middle. Sharpness is the variance of the Laplacian divided by the
 * variance of the luma (J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000; the
 * division makes it independent of contrast). Dimensionless, 0 for a flat picture. Noise: J. Immerkær, "Fast noise
 * variance estimation", CVIU 64(2), 1996.
 */
export function looksOf(aligned: Uint8Array, width: number, height: number): Looks {
  const luma = lumaOf(aligned);
  const [left, top] = [width >> 3, height >> 3];
  let n = 0;
  let sum = 0;
  let squares = 0;
  let edge = 0;
  let edgeSquare = 0;
  let roughness = 0;
  let clipped = 0;
  for (let y = top; y < height - top; y++) {
    for (let x = left; x < width - left; x++) {
      const i = y * width + x;
      const v = luma[i] as number;
      const sides = (luma[i - 1] as number) + (luma[i + 1] as number) + (luma[i - width] as number) + (luma[i + width] as number);
      const corners =
        (luma[i - width - 1] as number) +
        (luma[i - width + 1] as number) +
        (luma[i + width - 1] as number) +
        (luma[i + width + 1] as number);
      const laplacian = sides - 4 * v;
      n++;
      sum += v;
      squares += v * v;
      edge += laplacian;
      edgeSquare += laplacian * laplacian;
      roughness += Math.abs(corners - 2 * sides + 4 * v);
      if ((aligned[3 * i] as number) >= white && (aligned[3 * i + 1] as number) >= white && (aligned[3 * i + 2] as number) >= white)
        clipped++;
    }
  }
  const variance = squares / n - (sum / n) ** 2;
  return {
    luminance: sum / n,
    contrast: contrastOf(luma, width, height),
    noise: (Math.sqrt(Math.PI / 2) * roughness) / (6 * n),
    clipped: clipped / n,
    flat: flatShare(luma, width, height),
    sharpness: variance > 1 ? (edgeSquare / n - (edge / n) ** 2) / variance : 0,
  };
}

/** Standard deviation of the means of squares in the middle of a face: what is left of it without noise and detail. */
function contrastOf(luma: Float32Array, width: number, height: number): number {
  let n = 0;
  let sum = 0;
  let squares = 0;
  for (let top = height >> 3; top + square <= height - (height >> 3); top += square) {
    for (let left = width >> 3; left + square <= width - (width >> 3); left += square) {
      let mean = 0;
      for (let y = top; y < top + square; y++)
        for (let x = left; x < left + square; x++) mean += (luma[y * width + x] as number) / (square * square);
      n++;
      sum += mean;
      squares += mean * mean;
    }
  }
  return Math.sqrt(Math.max(0, squares / n - (sum / n) ** 2));
}

/** Levels within which a row or column counts as flat: what JPEG makes of one colour. */
const flatLevels = 1.5;
/** Rows as bright or as dark as a picture can show them are light, or the lack of it. */
const [blackLevel, whiteLevel] = [4, 250];

/**
 * The share of rows, or of columns if that is more, whose luma is the same from end to end. Only those that cross the
 * face count: a plain wall beside or above it is flat too, in little light.
 */
function flatShare(luma: Float32Array, width: number, height: number): number {
  const isFlat = (from: number, step: number, count: number): boolean => {
    let [low, high] = [luma[from] as number, luma[from] as number];
    for (let i = 1, at = from + step; i < count; i++, at += step) {
      const v = luma[at] as number;
      if (v < low) low = v;
      else if (v > high) high = v;
      if (high - low > flatLevels) return false;
    }
    return high > blackLevel && low < whiteLevel;
  };
  const [top, left] = [height >> 3, Math.round(width / 3)];
  let [rows, columns] = [0, 0];
  for (let y = top; y < height; y++) if (isFlat(y * width, 1, width)) rows++;
  for (let x = left; x < width - left; x++) if (isFlat(x, width, height)) columns++;
  return Math.max(rows / (height - top), columns / (width - 2 * left));
}

/** Judges one face in a picture of `width`×`height` pixels that also has the faces `others`. */
export function judge(
  face: Detection,
  others: readonly Detection[],
  looks: Looks,
  width: number,
  height: number,
  limits: QualityLimits,
): Quality {
  const pose = poseOf(face.landmarks);
  const reasons: QualityReason[] = [];
  if (pose.interEyePx < limits.minInterEyePx) reasons.push('too-small');
  reasons.push(...lightReasons(looks, limits));
  if (looks.flat > mostFlat) reasons.push('damaged');
  if (looks.sharpness < limits.minSharpness) reasons.push('blurred');
  if (Math.max(Math.abs(pose.yawDeg), Math.abs(pose.pitchDeg)) > limits.maxTurnDeg) reasons.push('turned-away');
  if (Math.abs(pose.rollDeg) > limits.maxRollDeg) reasons.push('turned');
  if (face.score < limits.minScore) reasons.push('uncertain');
  if (isCutOff(face, pose.interEyePx, width, height)) reasons.push('cut-off');
  if (others.some((other) => areaOf(other.box) >= limits.dominance * areaOf(face.box))) reasons.push('several-faces');
  return { reasons, ...looks, ...pose };
}

/** A larger share of flat rows or columns is a part of the picture that never arrived. */
const mostFlat = 1 / 16;

/**
 * Too little or too much light, by what it leaves of the face and not by how bright it is: the brightness of a face
 * depends on its skin. Measured on the London Set at 0.35 of its light: of the 34 darkest faces 0 are refused (by
 * brightness it were 15), and all of them match.
 */
function lightReasons({ luminance, contrast, noise, clipped }: Looks, limits: QualityLimits): QualityReason[] {
  if (clipped > limits.maxClipped) return ['too-bright'];
  if (contrast >= limits.minContrast && contrast >= limits.minContrastToNoise * noise) return [];
  return [luminance < 128 ? 'too-dark' : 'too-bright'];
}

/**
 * True if a landmark is within a fifth of the eye distance of the picture's edge, or a tenth of the box is outside the
 * picture.
 */
function isCutOff(face: Detection, interEyePx: number, width: number, height: number): boolean {
  const margin = interEyePx / 5;
  const near = face.landmarks.some((p) => p.x < margin || p.y < margin || p.x > width - margin || p.y > height - margin);
  const { x1, y1, x2, y2 } = face.box;
  const inside = areaOf({ x1: Math.max(0, x1), y1: Math.max(0, y1), x2: Math.min(width, x2), y2: Math.min(height, y2) });
  return near || inside < 0.9 * areaOf(face.box);
}

/** The share of an aligned face that the edge of a stored picture may cut: foreheads of tight crops. */
const mostBeyond = 0.18;
/** Points on each side that are looked at. */
const grid = 32;

/**
 * True if too much of what the network would see lies beyond the picture's edge, where there is nothing but the edge
 * repeated. For pictures that are stored: such a template resembles its person less (cosine 0.65 to 0.9).
 */
export function isBeyondEdge(
  landmarks: Landmarks,
  { width, height, points }: Framing,
  picture: { width: number; height: number },
): boolean {
  const { a, b, tx, ty } = similarityOf(
    points,
    landmarks.map(({ x, y }) => [x, y] as const),
  );
  let beyond = 0;
  for (let row = 0; row < grid; row++)
    for (let column = 0; column < grid; column++) {
      const [u, v] = [((column + 0.5) * width) / grid, ((row + 0.5) * height) / grid];
      const [x, y] = [a * u - b * v + tx, b * u + a * v + ty];
      if (x < 0 || y < 0 || x >= picture.width || y >= picture.height) beyond++;
    }
  return beyond > mostBeyond * grid ** 2;
}
