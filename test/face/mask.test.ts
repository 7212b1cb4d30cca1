/** What of a picture counts: zones, and the places of faces that never move. */
import { expect, it } from 'vitest';
import { divided } from '../../src/face/mask.ts';
import type { Zones } from '../../src/face/port.ts';

const size = { width: 200, height: 100 };
const box = (x: number, y: number, side = 20) => ({ x1: x - side / 2, y1: y - side / 2, x2: x + side / 2, y2: y + side / 2 });
const at = (x: number, y: number, side?: number) => ({ box: box(x, y, side) });
const left = [
  [0, 0],
  [0.5, 0],
  [0.5, 1],
  [0, 1],
] as const;
const middle = [
  [0.25, 0.2],
  [0.75, 0.2],
  [0.75, 0.8],
  [0.25, 0.8],
] as const;
const counted = (zones: Zones) => divided([at(30, 50), at(70, 50), at(130, 50)], size, { zones, still: [], check: false }).counted;

it('everything counts without a mask, and with empty zones', () => {
  expect(divided([at(1, 1)], size, undefined).counted).toHaveLength(1);
  expect(counted({})).toHaveLength(3);
});

it('a face counts whose middle lies in a zone to include, and in none to ignore', () => {
  expect(counted({ ignore: [left] })).toEqual([at(130, 50)]);
  expect(counted({ include: [left] })).toEqual([at(30, 50), at(70, 50)]);
  expect(counted({ include: [left], ignore: [middle] })).toEqual([at(30, 50)]);
});

it('an outline that turns inward leaves out what lies in the turn', () => {
  const horseshoe = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0.9, 1],
    [0.9, 0.1],
    [0.1, 0.1],
    [0.1, 1],
    [0, 1],
  ] as const;
  const faces = [at(100, 50), at(190, 50), at(10, 50)];
  expect(divided(faces, size, { zones: { include: [horseshoe] }, still: [], check: false }).counted).toEqual([at(190, 50), at(10, 50)]);
});

it('a face in the place of one that never moves is set apart; one that is larger, or beside it, counts', () => {
  const mask = { zones: {}, still: [box(100, 50)], check: false };
  expect(divided([at(101, 50), at(100, 50, 40), at(115, 50)], size, mask)).toEqual({
    counted: [at(100, 50, 40), at(115, 50)],
    still: [at(101, 50)],
  });
});
