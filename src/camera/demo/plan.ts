/**
 * Who comes to the demo's door, when and how: a seed and the cast go in, a series of visits comes out, and for each
 * visit where everybody stands in each frame. Pure: the same seed always gives the same visits.
 */
import { Fault } from '../../base/errors.ts';
import { type Chance, chance } from './chance.ts';

/** How a visit goes. Visits of one person take the first six in turn. */
export const manners = ['stands', 'walks up', 'off-centre', 'dim', 'blurred', 'turns away', 'two at once', 'nobody'] as const;
export type Manner = (typeof manners)[number];
const alone = manners.slice(0, 6);

/** Somebody in a visit: a demo person (`p07`) in one of the two pictures. */
export interface Visitor {
  readonly id: string;
  readonly expression: 'neutral' | 'smiling';
  readonly enrolled: boolean;
}

export interface Visit {
  /** Counts from 1. */
  readonly visit: number;
  readonly manner: Manner;
  readonly visitors: readonly Visitor[];
  /** Frames with the visitors in them (for `nobody`, without). */
  readonly frames: number;
  /** What the details of this visit are drawn from. */
  readonly seed: number;
}

export interface Cast {
  /** Ids of the people who are enrolled (from their neutral picture): in the visits they smile. */
  readonly enrolled: readonly string[];
  /** Ids of the people who are not. */
  readonly strangers: readonly string[];
  /** Number of visits; 0: it never ends. */
  readonly visits: number;
}

/**
 * The visits of `seed`. Of every three, one is an enrolled person's, one a stranger's, and one is `two at once` or
 * `nobody`. People come in shuffled turns: everybody appears, and nobody returns before half of the others have been
 * there.
 * @throws Fault `bad-config` if nobody can come.
 */
export function* demoSchedule(seed: number, { enrolled, strangers, visits }: Cast): Generator<Visit, void, void> {
  const luck = chance(seed);
  const someone = turns(enrolled, luck, 'enrolled');
  const stranger = turns(strangers, luck, 'strangers');
  const mannerOf = { enrolled: turns(alone, luck, 'manners'), stranger: turns(alone, luck, 'manners') };
  const mixture = turns(['two at once', 'nobody'] as const, luck, 'mixture');
  const kinds = ['enrolled', 'stranger', 'mixture'] as const;
  const known = (): Visitor => ({ id: someone(), expression: 'smiling', enrolled: true });
  const unknown = (): Visitor => ({ id: stranger(), expression: luck.next() < 0.5 ? 'neutral' : 'smiling', enrolled: false });
  for (let visit = 1; visits === 0 || visit <= visits; ) {
    for (const kind of luck.shuffled(kinds)) {
      if (visits !== 0 && visit > visits) return;
      const manner = kind === 'mixture' ? mixture() : mannerOf[kind]();
      const visitors =
        kind === 'enrolled' ? [known()] : kind === 'stranger' ? [unknown()] : manner === 'nobody' ? [] : [known(), unknown()];
      yield { visit, manner, visitors: luck.shuffled(visitors), frames: 15 + luck.below(11), seed: luck.below(2 ** 31) };
      visit++;
    }
  }
}

/** Deals `items` in rounds; each round shuffles the first and the second half of the round before separately. */
function turns<T>(items: readonly T[], luck: Chance, what: string): () => T {
  if (items.length === 0)
    throw new Fault('bad-config', `The demo has nobody under ${what}: name some but not all of the demo people in camera.replay.enrolled`);
  let deck = luck.shuffled(items);
  let dealt = 0;
  return () => {
    if (dealt === deck.length) {
      const half = Math.ceil(deck.length / 2);
      deck = [...luck.shuffled(deck.slice(0, half)), ...luck.shuffled(deck.slice(half))];
      dealt = 0;
    }
    return deck[dealt++] as T;
  };
}

/** Where a visitor stands in a frame. */
export interface Pose {
  readonly visitor: Visitor;
  /** Between the eyes, frame pixels. */
  readonly x: number;
  readonly y: number;
  /** Frame pixels for one pixel of the 600-pixel picture (the eyes are then 82…97 times this apart). */
  readonly scale: number;
  /** Tilt in the picture's plane, degrees, clockwise positive. */
  readonly rollDeg: number;
  /** Turn to the side: how far the middle of the face is moved, −1…1; 0 is frontal. */
  readonly turn: number;
}

/** One frame of a visit before it is drawn. */
export interface Staging {
  readonly poses: readonly Pose[];
  /** Of the whole picture, 1 is the hallway's normal light. */
  readonly brightness: number;
  /** Length of the motion blur to the side, pixels (and half of it in height); 0 for none. */
  readonly blurPx: number;
}

/**
 * From this share of the visit on (0…1), a single visitor stands near, straight and well lit: at least six frames of
 * fifteen.
 */
const settledAt = 0.58;

/** The `visit` frame by frame. */
export function* stagings({ manner, visitors, frames, seed }: Visit): Generator<Staging, void, void> {
  const luck = chance(seed);
  const near = luck.between(0.8, 0.89);
  const side = luck.next() < 0.5 ? -1 : 1;
  const sway = luck.between(0, 2 * Math.PI);
  for (let i = 0; i < frames; i++) {
    // 1 at the visit's beginning, 0 once the visitor has settled.
    const coming = Math.max(0, 1 - i / (frames - 1) / settledAt);
    const pose = (visitor: Visitor, at: Partial<Pose>): Pose => ({
      visitor,
      scale: near,
      turn: 0,
      ...at,
      x: (at.x ?? 320) + 5 * Math.sin(sway + i * 0.35) + luck.between(-1.2, 1.2),
      y: (at.y ?? 215) + 2 * Math.cos(sway + i * 0.27) + luck.between(-1.2, 1.2),
      rollDeg: (at.rollDeg ?? 0) + 1.5 * Math.sin(sway + i * 0.2),
    });
    const [first, second] = visitors;
    if (!first) {
      yield { poses: [], brightness: 1, blurPx: 0 };
    } else if (second) {
      yield {
        poses: [pose(first, { x: 172, scale: 0.66, y: 225 }), pose(second, { x: 468, scale: 0.66, y: 225 })],
        brightness: 1,
        blurPx: 0,
      };
    } else {
      yield single(manner, coming, side, near, (at) => pose(first, at));
    }
  }
}

function single(manner: Manner, coming: number, side: number, near: number, pose: (at: Partial<Pose>) => Pose): Staging {
  const plain = { brightness: 1, blurPx: 0 };
  switch (manner) {
    case 'walks up':
      return { ...plain, poses: [pose({ scale: near - coming * (near - 0.3), y: 215 - coming * 35, x: 320 + side * 60 * coming })] };
    case 'off-centre':
      return { ...plain, poses: [pose({ x: 320 + side * (125 + 45 * coming), y: 225 })] };
    case 'dim':
      // Somebody finds the switch on the way.
      return { poses: [pose({})], brightness: coming > 0.25 ? 0.05 : coming > 0 ? 0.6 : 1, blurPx: 0 };
    case 'blurred':
      return { poses: [pose({ x: 320 + side * 70 * coming })], brightness: 1, blurPx: Math.round(48 * coming) };
    case 'turns away':
      return {
        ...plain,
        poses: [pose({ turn: side * Math.min(1, 1.5 * coming), rollDeg: side * 9 * coming, x: 320 + side * 20 * coming })],
      };
    default:
      return { ...plain, poses: [pose({})] };
  }
}
