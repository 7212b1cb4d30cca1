/**
 * Augmentation: pictures changed as cameras and people change them, by an affine transform, light and colour, blur
 * and JPEG loss. All is drawn from a seed. In and out: side × side × 3 numbers, 0…1; the input is not changed.
 */
import sharp from 'sharp';
import { normal, type Random } from '../../base/random.ts';
import { toBytes, toNumbers } from './pictures.ts';

/** Limits of each change; all 0 and `flip` false leaves pictures as they are. */
export interface AugmentLimits {
  /** Degrees either way. */
  readonly rotation: number;
  /** Share of the side, in both directions. */
  readonly shift: number;
  /** Share of the size: 0.1 draws 0.9…1.1 (and its inverse). */
  readonly scale: number;
  /** Slant: pixels sideways for each pixel down. */
  readonly shear: number;
  readonly flip: boolean;
  /** Added to all numbers. */
  readonly brightness: number;
  /** Share by which the distance from the mean grows or shrinks; saturation: the distance from grey. */
  readonly contrast: number;
  readonly saturation: number;
  /** The most JPEG quality that is lost: 70 draws qualities 30…100. */
  readonly jpegLoss: number;
  /** Standard deviation of a Gaussian, pixels. */
  readonly blur: number;
}

/** One drawn change. */
export interface Augmentation {
  /** Output pixel (from the middle) to input pixel (from the middle): x' = a·x + b·y + tx, y' = c·x + d·y + ty. */
  readonly affine: {
    readonly a: number;
    readonly b: number;
    readonly c: number;
    readonly d: number;
    readonly tx: number;
    readonly ty: number;
  };
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** 1…100, or undefined for none. */
  readonly jpegQuality: number | undefined;
  readonly blur: number;
}

const full: Omit<AugmentLimits, 'flip'> = {
  rotation: 20,
  shift: 0.1,
  scale: 0.15,
  shear: 0.15,
  brightness: 0.2,
  contrast: 0.4,
  saturation: 0.5,
  jpegLoss: 70,
  blur: 1.2,
};

/** Limits that grow together: strength 0 changes nothing, 1 as much as leaves a face easy to recognise. */
export function limitsOf(strength: number): AugmentLimits {
  return {
    rotation: full.rotation * strength,
    shift: full.shift * strength,
    scale: full.scale * strength,
    shear: full.shear * strength,
    flip: strength > 0,
    brightness: full.brightness * strength,
    contrast: full.contrast * strength,
    saturation: full.saturation * strength,
    jpegLoss: full.jpegLoss * strength,
    blur: full.blur * strength,
  };
}

/** Draws one change within the limits. */
export function drawAugmentation(limits: AugmentLimits, side: number, random: Random): Augmentation {
  const within = (limit: number) => (2 * random() - 1) * limit;
  const angle = (within(limits.rotation) * Math.PI) / 180;
  const size = (1 + limits.scale) ** within(1);
  const stretch = (1 + limits.scale / 2) ** within(1);
  const shear = within(limits.shear);
  const mirror = limits.flip && random() < 0.5 ? -1 : 1;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  // Rotation · shear · scale, and the mirror on the way out.
  return {
    affine: {
      a: mirror * cos * size * stretch,
      b: (cos * shear - sin) * size,
      c: mirror * sin * size * stretch,
      d: (sin * shear + cos) * size,
      tx: within(limits.shift) * side,
      ty: within(limits.shift) * side,
    },
    brightness: within(limits.brightness),
    contrast: 1 + within(limits.contrast),
    saturation: 1 + within(limits.saturation),
    // Half the pictures get neither: cameras differ, and both cost more time than everything else together.
    jpegQuality: limits.jpegLoss > 0 && random() < 0.5 ? Math.round(100 - random() * limits.jpegLoss) : undefined,
    blur: random() < 0.5 ? Math.min(limits.blur, Math.abs(normal(random)) * limits.blur * 0.5) : 0,
  };
}

/** Applies the change to a picture. */
export async function augment(picture: Float32Array, side: number, change: Augmentation): Promise<Float32Array> {
  const coloured = recolour(blur(warpPicture(picture, side, change.affine), side, change.blur), change);
  return change.jpegQuality === undefined ? coloured : await throughJpeg(coloured, side, change.jpegQuality);
}

/** Resamples bilinearly; the edge continues beyond the picture. */
export function warpPicture(picture: Float32Array, side: number, { a, b, c, d, tx, ty }: Augmentation['affine']): Float32Array {
  const out = new Float32Array(picture.length);
  const [middle, last] = [(side - 1) / 2, side - 1];
  for (let y = 0, at = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const sourceX = Math.min(last, Math.max(0, middle + a * (x - middle) + b * (y - middle) + tx));
      const sourceY = Math.min(last, Math.max(0, middle + c * (x - middle) + d * (y - middle) + ty));
      const left = Math.floor(sourceX);
      const top = Math.floor(sourceY);
      const toRight = left < last ? 3 : 0;
      const toBelow = top < last ? 3 * side : 0;
      const dx = sourceX - left;
      const dy = sourceY - top;
      for (let from = (top * side + left) * 3, end = from + 3; from < end; from++) {
        const upper = (picture[from] as number) * (1 - dx) + (picture[from + toRight] as number) * dx;
        const lower = (picture[from + toBelow] as number) * (1 - dx) + (picture[from + toBelow + toRight] as number) * dx;
        out[at++] = upper * (1 - dy) + lower * dy;
      }
    }
  return out;
}

/**
 * Contrast around the mean of the picture, saturation around the luma of each pixel (ITU-R BT.601), then brightness;
 * clamped to 0…1.
 */
export function recolour(picture: Float32Array, change: Pick<Augmentation, 'brightness' | 'contrast' | 'saturation'>): Float32Array {
  const mean = picture.reduce((sum, value) => sum + value, 0) / picture.length;
  const out = new Float32Array(picture.length);
  const cut = (value: number) => Math.min(1, Math.max(0, value));
  const { brightness, contrast, saturation } = change;
  const shift = mean * (1 - contrast) + brightness;
  for (let pixel = 0; pixel < picture.length; pixel += 3) {
    const r = picture[pixel] as number;
    const g = picture[pixel + 1] as number;
    const b = picture[pixel + 2] as number;
    const luma = 0.299 * r + 0.587 * g + 0.114 * b;
    out[pixel] = cut((luma + (r - luma) * saturation) * contrast + shift);
    out[pixel + 1] = cut((luma + (g - luma) * saturation) * contrast + shift);
    out[pixel + 2] = cut((luma + (b - luma) * saturation) * contrast + shift);
  }
  return out;
}

/**
 * Gaussian of standard deviation `sigma` pixels, along rows and then columns; the edge continues beyond the picture.
 */
export function blur(picture: Float32Array, side: number, sigma: number): Float32Array {
  if (sigma < 0.1) return picture.slice();
  const reach = Math.ceil(3 * sigma);
  const weights = Float32Array.from({ length: 2 * reach + 1 }, (_, index) => Math.exp(-((index - reach) ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const line = new Float32Array((side + 2 * reach) * 3);
  /** All lines of pixels: the pixels of one are `step` numbers apart, the lines `next` numbers. */
  const along = (from: Float32Array, step: number, next: number) => {
    const out = new Float32Array(from.length);
    for (let start = 0, lines = 0; lines < side; lines++, start += next) {
      for (let at = 0; at < side + 2 * reach; at++) {
        const source = start + step * Math.min(side - 1, Math.max(0, at - reach));
        for (let channel = 0; channel < 3; channel++) line[3 * at + channel] = from[source + channel] as number;
      }
      for (let at = 0; at < 3 * side; at++) {
        let sum = 0;
        for (let tap = 0; tap < weights.length; tap++) sum += (line[at + 3 * tap] as number) * (weights[tap] as number);
        out[start + step * Math.floor(at / 3) + (at % 3)] = sum / total;
      }
    }
    return out;
  };
  return along(along(picture, 3, 3 * side), 3 * side, 3);
}

/** Encoded as JPEG of that quality (1…100) and decoded again. */
export async function throughJpeg(picture: Float32Array, side: number, quality: number): Promise<Float32Array> {
  const raw = { width: side, height: side, channels: 3 } as const;
  const jpeg = await sharp(toBytes(picture), { raw }).jpeg({ quality }).toBuffer();
  return toNumbers(await sharp(jpeg).removeAlpha().raw().toBuffer());
}

/** Pictures side by side as one PNG or JPEG, `columns` in a row, for people to look at. */
export async function contactSheet(
  pictures: readonly Float32Array[],
  side: number,
  columns: number,
  format: 'png' | 'jpeg',
): Promise<Buffer> {
  const gap = 2;
  const rows = Math.ceil(pictures.length / columns);
  const raw = { width: side, height: side, channels: 3 } as const;
  const size = { width: columns * (side + gap) - gap, height: rows * (side + gap) - gap };
  const tiles = pictures.map((picture, index) => ({
    input: Buffer.from(toBytes(picture)),
    raw,
    left: (index % columns) * (side + gap),
    top: Math.floor(index / columns) * (side + gap),
  }));
  return sharp({ create: { ...size, channels: 3, background: 'white' } })
    .composite(tiles)
    .toFormat(format)
    .toBuffer();
}
