/**
 * What a face gives back of the infrared lamp beside the camera. In: a frame with the lamp and one without, and where
 * the face is in them. Out: whether it shines back as a head does. A display gives nothing back. Paper gives back the
 * same everywhere, and goes on beyond the face; a head gives less towards its sides (Lambert's cosine law), and what is
 * behind it is far from the lamp (inverse square).
 *
 * The limits are from simulated pictures (test/liveness/infrared); no real camera has been tried.
 */
import type { Box } from '../../face/port.ts';
import type { InfraredReturn } from '../port.ts';
import type { LitPair } from './pulse.ts';

/**
 * Less than this is nothing: a display, or a face too far away. The level that unlit and lit frames differ by anyway.
 */
const leastReturned = 6;
/** Above this a pixel says nothing any more. */
const saturated = 250;
/** Share of saturated pixels from which the lamp cannot be measured: sun on the face. */
const mostSaturated = 0.2;
const headSides = 0.75;
const paperSides = 0.88;
const headBeyond = 0.45;
const paperBeyond = 0.7;

/** Parts of the face: shares of half its width and half its height, from the middle. */
const middle = { from: 0, to: 0.3, rows: 0.35 } as const;
const side = { from: 0.72, to: 0.92, rows: 0.35 } as const;
const outside = { from: 1.25, to: 1.5, rows: 0.5 } as const;

/** `box`: the face in the infrared picture, pixels. */
export function infraredReturn({ lit, unlit }: LitPair, box: Box): InfraredReturn {
  const part = (of: { readonly from: number; readonly to: number; readonly rows: number }) =>
    addedIn(lit.pixels, unlit.pixels, lit, box, of);
  const [inner, edge, around] = [part(middle), part(side), part(outside)];
  const returned = inner.added;
  const share = (added: number) => (returned <= 0 ? 0 : Math.max(0, added / returned));
  const [sides, beyond] = [share(edge.added), share(around.added)];
  const said = (outcome: InfraredReturn['outcome'], why: InfraredReturn['why']) => ({ outcome, returned, sides, beyond, why });
  if (inner.pixels === 0 || edge.pixels === 0 || around.pixels === 0) return said('unsure', 'cut-off');
  if (inner.saturated > mostSaturated) return said('unsure', 'too-bright');
  if (returned < leastReturned) return said('spoof', 'nothing-back');
  if (sides <= headSides && beyond <= headBeyond) return said('live', 'head');
  if (sides >= paperSides || beyond >= paperBeyond) return said('spoof', 'flat');
  return said('unsure', 'between');
}

interface Added {
  /** Mean levels. */
  readonly added: number;
  readonly pixels: number;
  /** Share, 0…1. */
  readonly saturated: number;
}

/** What the lamp adds in two upright strips, one on each side of the middle: the tilt of a plane cancels out. */
function addedIn(
  lit: Uint8Array,
  unlit: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  { x1, y1, x2, y2 }: Box,
  { from, to, rows }: { readonly from: number; readonly to: number; readonly rows: number },
): Added {
  const [cx, cy, halfWidth, halfHeight] = [(x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / 2, (y2 - y1) / 2];
  const [top, bottom] = [Math.ceil(cy - rows * halfHeight), Math.floor(cy + rows * halfHeight)];
  const sum = (left: number, right: number): Added => {
    if (left < 0 || top < 0 || right >= width || bottom >= height || right < left || bottom < top)
      return { added: 0, pixels: 0, saturated: 0 };
    let [added, full, pixels] = [0, 0, 0];
    for (let y = top; y <= bottom; y++)
      for (let x = left; x <= right; x++, pixels++) {
        const bright = lit[y * width + x] as number;
        added += bright - (unlit[y * width + x] as number);
        if (bright >= saturated) full++;
      }
    return { added: added / pixels, pixels, saturated: full / pixels };
  };
  const one = sum(Math.ceil(cx - to * halfWidth), Math.floor(cx - from * halfWidth));
  const other = sum(Math.ceil(cx + from * halfWidth), Math.floor(cx + to * halfWidth));
  // A side that leaves the picture says nothing; neither does the other one without it.
  if (one.pixels === 0 || other.pixels === 0) return { added: 0, pixels: 0, saturated: 0 };
  return {
    added: (one.added + other.added) / 2,
    pixels: one.pixels + other.pixels,
    saturated: Math.max(one.saturated, other.saturated),
  };
}
