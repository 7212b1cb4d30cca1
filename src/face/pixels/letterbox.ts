/**
 * What the detector is shown: a picture of any size goes in; the network's input, with the picture in the top left
 * corner as large as it fits and zero elsewhere, comes out. The buffers are made once for each size of picture.
 */

import type { NetworkInput } from '../../base/model/folder.ts';
import { fill } from '../../base/model/session.ts';
import type { Picture } from '../picture.ts';
import { enlarge, shrinkByArea } from './resize.ts';
import { openShrinkKernel, type ShrinkKernel } from './shrink-kernel.ts';

export interface Letterboxed {
  /** Overwritten by the next picture. */
  readonly data: Float32Array;
  /** Input pixels for a pixel of the picture. */
  readonly scale: number;
}

/** How pictures of one size are laid out. */
interface Layout {
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  readonly shown: { readonly width: number; readonly height: number };
  readonly kernel: ShrinkKernel | undefined;
}

/** A camera has one size, and a picture that may be turned three more: its own, and small in two orientations. */
const mostLayouts = 4;

/** `upscaleAtMost`: a small picture is enlarged by this factor at most. */
export function openLetterbox(input: NetworkInput, upscaleAtMost: number): (picture: Picture) => Letterboxed {
  const plain = new Float32Array(3 * input.width * input.height);
  // The last one first.
  let layouts: readonly Layout[] = [];
  let plainShows: Layout | undefined;
  return (picture) => {
    const known = layouts.find(({ width, height }) => width === picture.width && height === picture.height);
    const layout = known ?? layoutOf(picture, input, upscaleAtMost);
    if (layout !== layouts[0]) layouts = [layout, ...layouts.filter((other) => other !== layout)].slice(0, mostLayouts);
    const { kernel, scale, shown } = layout;
    if (kernel) {
      kernel.shrink(picture.rgb);
      return { data: kernel.data, scale };
    }
    if (plainShows !== layout) clear(plain, input);
    plainShows = layout;
    fill(plain, 0, resized(picture, shown).rgb, shown.width, shown.height, input);
    return { data: plain, scale };
  };
}

function resized(picture: Picture, { width, height }: Layout['shown']): Picture {
  if (picture.width === width && picture.height === height) return picture;
  return picture.width > width || picture.height > height ? shrinkByArea(picture, width, height) : enlarge(picture, width, height);
}

function layoutOf({ width, height }: Picture, input: NetworkInput, upscaleAtMost: number): Layout {
  const scale = Math.min(input.width / width, input.height / height, upscaleAtMost);
  const within = (side: number, most: number) => Math.min(most, Math.max(1, Math.round(side * scale)));
  const shown = { width: within(width, input.width), height: within(height, input.height) };
  const kernel = openShrinkKernel({ width, height }, shown, input);
  if (kernel) clear(kernel.data, input);
  return { width, height, scale, shown, kernel };
}

/** What zero is to the network. */
function clear(data: Float32Array, input: NetworkInput): void {
  fill(data, 0, new Uint8Array(input.width * input.height * 3), input.width, input.height, input);
}
