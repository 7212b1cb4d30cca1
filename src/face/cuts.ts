/**
 * What the checks of liveness need of a picture: the picture, one face and `CutOptions` go in; squares around the face,
 * its eyes, the shrunk grey picture and two colours come out. Pure.
 */
import { alignFace } from './align.ts';
import type { Picture } from './picture.ts';
import { shrinkByArea } from './pixels/resize.ts';
import type { Box, CutOptions, Cuts, Landmarks, Point } from './port.ts';

/** Side of an eye's square, pixels, and as a multiple of the distance between the eyes (models/liveness/eye). */
const eye = { side: 32, share: 0.9 } as const;

/** `compared`: whether the face was good enough to be compared; the networks of liveness look at no other. */
export function cutsOf(
  picture: Picture,
  { box, landmarks }: { readonly box: Box; readonly landmarks: Landmarks },
  { scales, side, greyWidth }: CutOptions,
  compared: boolean,
): Cuts {
  const [rightEye, leftEye] = landmarks;
  return {
    around: compared ? scales.map((scale) => squareAround(picture, box, scale, side)) : [],
    eyes: [eyeOf(picture, rightEye, rightEye, leftEye), eyeOf(picture, leftEye, rightEye, leftEye)],
    grey: greyOf(picture, greyWidth),
    skin: skinOf(picture, landmarks),
    surround: surroundOf(picture, box),
  };
}

/**
 * As `crop` of models/liveness: the box enlarged about its centre, at most to the size of the picture, moved inside it,
 * squeezed to a square (bilinear; first by area where it shrinks to less than half).
 */
function squareAround(picture: Picture, box: Box, wanted: number, side: number): Uint8Array {
  const [boxWidth, boxHeight] = [box.x2 - box.x1, box.y2 - box.y1];
  const scale = Math.min(wanted, (picture.width - 1) / boxWidth, (picture.height - 1) / boxHeight);
  const [width, height] = [boxWidth * scale, boxHeight * scale];
  const x = Math.min(Math.max(0, (box.x1 + box.x2 - width) / 2), picture.width - width);
  const y = Math.min(Math.max(0, (box.y1 + box.y2 - height) / 2), picture.height - height);
  const factor = side / width;
  const across = { begin: x, step: width / side };
  const down = { begin: y, step: height / side };
  if (factor >= 0.5) return squeezed(picture, across, down, side);
  const [shrunkWidth, shrunkHeight] = [picture.width, picture.height].map((length) => Math.max(1, Math.round(length * factor))) as [
    number,
    number,
  ];
  const [shareX, shareY] = [shrunkWidth / picture.width, shrunkHeight / picture.height];
  const left = Math.max(0, Math.floor(x * shareX) - 1);
  const top = Math.max(0, Math.floor(y * shareY) - 1);
  const region = {
    x: left,
    y: top,
    width: Math.min(shrunkWidth, Math.ceil((x + width) * shareX) + 2) - left,
    height: Math.min(shrunkHeight, Math.ceil((y + height) * shareY) + 2) - top,
  };
  const shrunk = shrinkByArea(picture, shrunkWidth, shrunkHeight, region, { across: 1 / factor, down: 1 / factor });
  return squeezed(
    shrunk,
    { begin: x * shareX - left, step: across.step * shareX },
    { begin: y * shareY - top, step: down.step * shareY },
    side,
  );
}

/** Output pixel `i` samples at `begin + i · step`. */
interface Samples {
  readonly begin: number;
  readonly step: number;
}

/** Samples a square bilinearly; outside the picture its border is repeated. */
function squeezed({ rgb, width, height }: Picture, across: Samples, down: Samples, side: number): Uint8Array {
  const columns = tapsOf(across, width, side);
  const rows = tapsOf(down, height, side);
  const out = new Uint8Array(side * side * 3);
  let o = 0;
  for (let v = 0; v < side; v++) {
    const upper = (rows.first[v] as number) * width * 3;
    const lower = (rows.second[v] as number) * width * 3;
    const fy = rows.share[v] as number;
    for (let u = 0; u < side; u++) {
      const left = (columns.first[u] as number) * 3;
      const right = (columns.second[u] as number) * 3;
      const fx = columns.share[u] as number;
      for (let c = 0; c < 3; c++) {
        const a = rgb[upper + left + c] as number;
        const b = rgb[lower + left + c] as number;
        const above = a + fx * ((rgb[upper + right + c] as number) - a);
        const below = b + fx * ((rgb[lower + right + c] as number) - b);
        out[o++] = above + fy * (below - above) + 0.5;
      }
    }
  }
  return out;
}

/** The two pixels between which each sample lies, and how near it is to the second; single precision, as OpenCV 5. */
function tapsOf({ begin, step }: Samples, length: number, count: number) {
  const first = new Int32Array(count);
  const second = new Int32Array(count);
  const share = new Float64Array(count);
  const within = (at: number) => Math.min(length - 1, Math.max(0, at));
  for (let i = 0; i < count; i++) {
    const at = Math.fround(Math.fround(i * Math.fround(step)) + Math.fround(begin));
    const whole = Math.floor(at);
    first[i] = within(whole);
    second[i] = within(whole + 1);
    share[i] = at - whole;
  }
  return { first, second, share };
}

function eyeOf(picture: Picture, at: Point, right: Point, left: Point): Uint8Array {
  // The other end of a level line as long as the eyes are apart.
  const end = { x: at.x + left.x - right.x, y: at.y + left.y - right.y };
  const middle = (eye.side - 1) / 2;
  return alignFace(
    picture,
    [at, end],
    [
      [middle, middle],
      [middle + eye.side / eye.share, middle],
    ],
    eye.side,
    eye.side,
  );
}

function greyOf(picture: Picture, greyWidth: number): Cuts['grey'] {
  const height = Math.max(1, Math.round((picture.height * greyWidth) / picture.width));
  const { rgb, width: w, height: h } = picture.width > greyWidth ? shrinkByArea(picture, greyWidth, height) : picture;
  const pixels = new Uint8Array(w * h);
  // Luma of ITU-R BT.601, in 1/256.
  for (let i = 0, p = 0; i < pixels.length; i++, p += 3)
    pixels[i] = (77 * (rgb[p] as number) + 150 * (rgb[p + 1] as number) + 29 * (rgb[p + 2] as number) + 128) >> 8;
  return { width: w, height: h, pixels };
}

type Colour = readonly [r: number, g: number, b: number];

/** Cheeks (between an eye and the corner of the mouth below it) and forehead (above the middle of the eyes). */
function skinOf(picture: Picture, [rightEye, leftEye, , rightMouth, leftMouth]: Landmarks): Colour {
  const middle = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  const [eyes, mouth] = [middle(rightEye, leftEye), middle(rightMouth, leftMouth)];
  const forehead = { x: eyes.x + (eyes.x - mouth.x) * 0.45, y: eyes.y + (eyes.y - mouth.y) * 0.45 };
  const radius = Math.hypot(leftEye.x - rightEye.x, leftEye.y - rightEye.y) * 0.14;
  const places = [middle(rightEye, rightMouth), middle(leftEye, leftMouth), forehead];
  return meanColour(
    picture,
    places.flatMap(({ x, y }) => gridOf({ x1: x - radius, y1: y - radius, x2: x + radius, y2: y + radius }, 8)),
  );
}

/** Between the box enlarged 1.4 times and the box enlarged twice, as far as the picture goes. */
function surroundOf(picture: Picture, box: Box): Colour {
  const [cx, cy] = [(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2];
  const [w, h] = [box.x2 - box.x1, box.y2 - box.y1];
  const ring = gridOf({ x1: cx - w, y1: cy - h, x2: cx + w, y2: cy + h }, 32).filter(
    ({ x, y }) => Math.abs(x - cx) > 0.7 * w || Math.abs(y - cy) > 0.7 * h,
  );
  return meanColour(picture, ring);
}

function gridOf({ x1, y1, x2, y2 }: Box, count: number): Point[] {
  return Array.from({ length: count * count }, (_, i) => ({
    x: x1 + ((x2 - x1) * ((i % count) + 0.5)) / count,
    y: y1 + ((y2 - y1) * (Math.floor(i / count) + 0.5)) / count,
  }));
}

/** Of those points that lie in the picture; black where none does. */
function meanColour({ rgb, width, height }: Picture, points: readonly Point[]): Colour {
  let [r, g, b, n] = [0, 0, 0, 0];
  for (const { x, y } of points) {
    if (x < 0 || y < 0 || x >= width || y >= height) continue;
    const p = (Math.floor(y) * width + Math.floor(x)) * 3;
    r += rgb[p] as number;
    g += rgb[p + 1] as number;
    b += rgb[p + 2] as number;
    n++;
  }
  const count = Math.max(1, n);
  return [r / count, g / count, b / count];
}
