/**
 * What of a picture counts. In: the faces found, the size of the picture and the mask. Out: the faces that count, and
 * those left out because they never move. Pure.
 */
import type { Box, Mask, Polygon, Zones } from './port.ts';

/** Two boxes that share at least this much are the same place. Intersection over union. */
const samePlace = 0.7;

export interface Divided<F> {
  readonly counted: readonly F[];
  readonly still: readonly F[];
}

/** Faces outside the zones are in neither. */
export function divided<F extends { readonly box: Box }>(
  faces: readonly F[],
  { width, height }: { readonly width: number; readonly height: number },
  mask: Mask | undefined,
): Divided<F> {
  if (!mask) return { counted: faces, still: [] };
  const isStill = ({ box }: F) => mask.still.some((other) => intersectionOverUnion(box, other) >= samePlace);
  const seen = faces.filter(({ box: { x1, y1, x2, y2 } }) => isIn((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, mask.zones));
  return { counted: seen.filter((face) => !isStill(face)), still: seen.filter(isStill) };
}

/** Whether a point counts: in one of the zones to include, where there are any, and in none to ignore. */
function isIn(x: number, y: number, { include = [], ignore = [] }: Zones): boolean {
  return (include.length === 0 || include.some((zone) => contains(zone, x, y))) && !ignore.some((zone) => contains(zone, x, y));
}

/** Even-odd rule: a ray to the right crosses the outline an odd number of times. */
function contains(polygon: Polygon, x: number, y: number): boolean {
  let inside = false;
  polygon.forEach(([x1, y1], i) => {
    const [x2, y2] = polygon.at(i - 1) ?? [x1, y1];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  });
  return inside;
}

/** Intersection over union of two boxes, 0…1. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const w = Math.max(0, Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1));
  const h = Math.max(0, Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1));
  const shared = w * h;
  const joint = (a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - shared;
  return joint > 0 ? shared / joint : 0;
}
