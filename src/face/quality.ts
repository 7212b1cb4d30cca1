/**
 * Is this face good enough to be compared? Pure: landmarks, the aligned face and the picture's size go in, measures and
 * reasons come out. The measures follow ISO/IEC 29794-5 (face image quality): inter-eye distance, illumination,
 * sharpness, head pose, cropping.
 */
import type { Detection } from './detect.ts';
import type { Box, Landmarks, Quality, QualityLimits, QualityReason } from './port.ts';

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

/**
 * Mean luma and sharpness of the middle of an aligned face. Sharpness is the variance of the Laplacian divided by the
 * variance of the luma (J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000; the
 * division makes it independent of contrast). Dimensionless, 0 for a flat picture.
 */
export function lightOf(aligned: Uint8Array, width: number, height: number): { luminance: number; sharpness: number } {
  const luma = lumaOf(aligned);
  let n = 0;
  let sum = 0;
  let square = 0;
  let edge = 0;
  let edgeSquare = 0;
  for (let y = height >> 3; y < height - (height >> 3); y++) {
    for (let x = width >> 3; x < width - (width >> 3); x++) {
      const i = y * width + x;
      const v = luma[i] as number;
      const laplacian =
        (luma[i - 1] as number) + (luma[i + 1] as number) + (luma[i - width] as number) + (luma[i + width] as number) - 4 * v;
      n++;
      sum += v;
      square += v * v;
      edge += laplacian;
      edgeSquare += laplacian * laplacian;
    }
  }
  const variance = square / n - (sum / n) ** 2;
  return { luminance: sum / n, sharpness: variance > 1 ? (edgeSquare / n - (edge / n) ** 2) / variance : 0 };
}

/** Judges one face in a picture of `width`×`height` pixels that also has the faces `others`. */
export function judge(
  face: Detection,
  others: readonly Detection[],
  light: { luminance: number; sharpness: number },
  width: number,
  height: number,
  limits: QualityLimits,
): Quality {
  const pose = poseOf(face.landmarks);
  const reasons: QualityReason[] = [];
  if (pose.interEyePx < limits.minInterEyePx) reasons.push('too-small');
  if (light.luminance < limits.minLuminance) reasons.push('too-dark');
  if (light.luminance > limits.maxLuminance) reasons.push('too-bright');
  if (light.sharpness < limits.minSharpness) reasons.push('blurred');
  if (Math.max(Math.abs(pose.yawDeg), Math.abs(pose.pitchDeg)) > limits.maxTurnDeg) reasons.push('turned-away');
  if (isCutOff(face, pose.interEyePx, width, height)) reasons.push('cut-off');
  if (others.some((other) => areaOf(other.box) >= limits.dominance * areaOf(face.box))) reasons.push('several-faces');
  return { reasons, ...light, ...pose };
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
