/**
 * A border that goes about with a face: grey pictures, the face's box and the followed points go in; whether straight
 * edges left and right of the head moved together, before a scene that did not, comes out. Paper and displays have such
 * edges. Door frames and shelves have them too, and stay where they are. Pure.
 */
import type { Box } from '../../face/port.ts';
import { medianOf } from './plane.ts';
import type { Followed } from './points.ts';
import type { Grey } from './tracks.ts';

/** A near-upright edge: x = at + slope · (y − middle of the face), pixels. */
interface Edge {
  readonly at: number;
  readonly slope: number;
  /** Brighter to the right, or darker. */
  readonly sign: 1 | -1;
  /** Share of its rows in which there is an edge, 0…1. */
  readonly whole: number;
}

/** Straight edges left and right of a head. */
export interface Border {
  readonly left: Edge;
  readonly right: Edge;
  /** How far the further edge, with its slope, is from the middle of the face: halves of the box's width. */
  readonly reach: number;
}

export interface BorderOpinion {
  /** How far the edges went together, pixels. */
  readonly value: number;
  /** `live`: the face moved and the edges stayed, as a door frame does. */
  readonly outcome: 'live' | 'spoof' | 'unsure';
}

/** Where an edge is looked for, in halves of the box's width from the middle of the face. */
const [nearest, furthest] = [1.05, 2.6];
/** From above the hair to the chin, in halves of the box's height. */
const [top, bottom] = [-1.35, 0.95];
const slopes = [-0.24, -0.18, -0.12, -0.06, 0, 0.06, 0.12, 0.18, 0.24];
/** Levels from one pixel to the second next. */
const leastStep = 10;
const rowStep = 2;
/** Bookshelves give up to 0.75 on both sides. */
const leastWhole = 0.8;
/** An edge is the same one within this distance. Pixels. */
const mostWayPx = 14;
/** Both edges have to go this far, and this much alike. */
const leastWayPx = 1.5;
const alikeShare = 0.35;
/** How far what is outside the border may have gone: share of the way of the edges. */
const restShare = 0.3;
const leastOutside = 4;
/** Edges that went no further while the face went so far are of the scene. Pixels. */
const [restPx, leastFacePx] = [1, 3];

/** Undefined: there is none on one of the sides. */
export function borderAround(grey: Grey, box: Box): Border | undefined {
  const left = edgeBeside(grey, box, -1);
  const right = left && edgeBeside(grey, box, 1);
  return left && right && { left, right, reach: reachOf(left, right, box) };
}

function reachOf(left: Edge, right: Edge, { x1, x2, y1, y2 }: Box): number {
  const middle = (x1 + x2) / 2;
  const leanOf = ({ slope }: Edge) => (Math.abs(slope * top) * (y2 - y1)) / 2;
  return (2 * Math.max(middle - left.at + leanOf(left), right.at - middle + leanOf(right))) / (x2 - x1);
}

/** `like`: the edge that is looked for again. */
function edgeBeside({ width, height, pixels }: Grey, box: Box, side: 1 | -1, like?: Edge): Edge | undefined {
  const [cx, cy] = [(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2];
  const [halfWidth, halfHeight] = [(box.x2 - box.x1) / 2, (box.y2 - box.y1) / 2];
  const rows = { from: Math.max(1, Math.round(cy + top * halfHeight)), to: Math.min(height - 2, Math.round(cy + bottom * halfHeight)) };
  const ends = like ? [like.at - mostWayPx, like.at + mostWayPx] : [cx + side * nearest * halfWidth, cx + side * furthest * halfWidth];
  const found: Edge[] = [];
  for (let at = Math.max(2, Math.round(Math.min(...ends))); at <= Math.min(width - 3, Math.max(...ends)); at++) {
    for (const slope of slopes) {
      if (like && Math.abs(slope - like.slope) > 0.1) continue;
      const { rise, fall } = wholeness(pixels, width, { at, slope, cy, ...rows });
      if (rise >= leastWhole && like?.sign !== -1) found.push({ at, slope, sign: 1, whole: rise });
      if (fall >= leastWhole && like?.sign !== 1) found.push({ at, slope, sign: -1, whole: fall });
    }
  }
  return bestOf(found, like);
}

/** The most complete edge, or the nearest to `like`; its place is the middle of those beside it that are as good. */
function bestOf(found: readonly Edge[], like: Edge | undefined): Edge | undefined {
  const rank = ({ at, whole }: Edge) => whole - (like ? Math.abs(at - like.at) / 100 : 0);
  const best = found.toSorted((a, b) => rank(b) - rank(a))[0];
  if (!best) return undefined;
  const alike = found.filter(({ at, sign, whole }) => sign === best.sign && Math.abs(at - best.at) <= 2 && whole >= 0.95 * best.whole);
  return { ...best, at: alike.reduce((sum, { at }) => sum + at, 0) / alike.length };
}

interface Line {
  readonly at: number;
  readonly slope: number;
  readonly cy: number;
  readonly from: number;
  readonly to: number;
}

/** Shares of the rows in which the picture gets brighter, and darker, across the line. */
function wholeness(pixels: Uint8Array, width: number, { at, slope, cy, from, to }: Line): { readonly rise: number; readonly fall: number } {
  let rows = 0;
  let rise = 0;
  let fall = 0;
  for (let y = from; y <= to; y += rowStep) {
    const x = Math.round(at + slope * (y - cy));
    if (x < 2 || x > width - 3) return { rise: 0, fall: 0 };
    const i = y * width + x;
    const step = (pixels[i + 1] as number) - (pixels[i - 1] as number);
    rows++;
    if (step >= leastStep) rise++;
    else if (step <= -leastStep) fall++;
  }
  return { rise: rise / Math.max(1, rows), fall: fall / Math.max(1, rows) };
}

/** Where the border of an earlier picture is in this one. `points`: followed since that picture. */
export function borderOpinion(border: Border, grey: Grey, box: Box, points: readonly Followed[]): BorderOpinion {
  const left = edgeBeside(grey, box, -1, border.left);
  const right = left && edgeBeside(grey, box, 1, border.right);
  if (!left || !right) return { outcome: 'unsure', value: 0 };
  const ways = [left.at - border.left.at, right.at - border.right.at] as const;
  const way = Math.min(...ways.map(Math.abs)) * (ways[0] * ways[1] > 0 ? 1 : 0);
  const apart = Math.abs(ways[0] - ways[1]);
  const face = points.filter(({ region }) => region === 'face').map(({ x, nowX }) => Math.abs(nowX - x));
  if (Math.max(...ways.map(Math.abs)) <= restPx && face.length > 0 && medianOf(face) >= leastFacePx) return { outcome: 'live', value: way };
  const outside = points.filter(({ region, x }) => region !== 'face' && (x < border.left.at - 5 || x > border.right.at + 5));
  if (outside.length < leastOutside) return { outcome: 'unsure', value: way };
  const rest = medianOf(outside.map(({ x, nowX }) => Math.abs(nowX - x)));
  if (way < leastWayPx) return { outcome: 'unsure', value: way };
  const isOne = apart <= 1 + alikeShare * way && rest <= restShare * way;
  return { outcome: isOne ? 'spoof' : 'unsure', value: way };
}
