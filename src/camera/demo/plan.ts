/**
 * Who comes to the demo's door, when and how: a seed and the cast go in, a series of visits comes out, and for each
 * visit where everybody stands in each frame. Pure: the same seed always gives the same visits.
 */
import { Fault } from '../../base/errors.ts';
import { type Chance, chance } from './chance.ts';
import type { Expression } from './expression.ts';
import type { Stand } from './head.ts';
import type { Hold } from './held.ts';
import { answeredAfterS, eyesOpenAt, type HeadAnswer, headAnswer, holdOf, hump, type Question, wander } from './movement.ts';

/** How a visit goes. Visits of one person take the first six in turn, visits with a picture the last three. */
export const manners = [
  ...(['stands', 'walks up', 'off-centre', 'dim', 'blurred', 'turns away'] as const),
  ...(['two at once', 'nobody'] as const),
  ...(['printed photo', 'phone', 'slideshow'] as const),
] as const;
export type Manner = (typeof manners)[number];
const alone = manners.slice(0, 6);
const attacks = ['printed photo', 'phone', 'slideshow'] as const satisfies readonly Manner[];
/** What a picture is shown on. */
export type Attack = (typeof attacks)[number];

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
  /** Whose picture is held before the camera; nobody else is in sight. */
  readonly shown?: Visitor;
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
 * The visits of `seed`. Of every four, one is an enrolled person's, one a stranger's, one is `two at once` or `nobody`,
 * and one is somebody with a picture of an enrolled person. People come in shuffled turns: everybody appears, and
 * nobody returns before half of the others have been there.
 * @throws Fault `bad-config` if nobody can come.
 */
export function* demoSchedule(seed: number, { enrolled, strangers, visits }: Cast): Generator<Visit, void, void> {
  const luck = chance(seed);
  const someone = turns(enrolled, luck, 'enrolled');
  const stranger = turns(strangers, luck, 'strangers');
  const pictured = turns(enrolled, luck, 'enrolled');
  const mannerOf = {
    enrolled: turns(alone, luck, 'manners'),
    stranger: turns(alone, luck, 'manners'),
    mixture: turns(['two at once', 'nobody'] as const, luck, 'mixture'),
    attack: turns(attacks, luck, 'attacks'),
  };
  const known = (id: string): Visitor => ({ id, expression: 'smiling', enrolled: true });
  const unknown = (): Visitor => ({ id: stranger(), expression: luck.next() < 0.5 ? 'neutral' : 'smiling', enrolled: false });
  for (let visit = 1; visits === 0 || visit <= visits; ) {
    for (const kind of luck.shuffled(['enrolled', 'stranger', 'mixture', 'attack'] as const)) {
      if (visits !== 0 && visit > visits) return;
      const manner: Manner = mannerOf[kind]();
      const both = kind === 'mixture' && manner !== 'nobody';
      const visitors = [...(kind === 'enrolled' || both ? [known(someone())] : []), ...(kind === 'stranger' || both ? [unknown()] : [])];
      const shown = kind === 'attack' ? { shown: known(pictured()) } : {};
      yield { visit, manner, visitors: luck.shuffled(visitors), ...shown, frames: 30 + luck.below(11), seed: luck.below(2 ** 31) };
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

/** A visitor in a frame. */
export interface Pose {
  readonly visitor: Visitor;
  readonly stand: Stand;
  readonly expression: Expression;
}

/** One frame of a visit before it is drawn. */
export interface Staging {
  readonly poses: readonly Pose[];
  /** A picture of somebody, held before the camera; `s`: since the visit began, seconds. */
  readonly held?: { readonly on: Attack; readonly shown: Visitor; readonly hold: Hold; readonly s: number; readonly seed: number };
  /** Of the whole picture, 1 is the hallway's normal light. */
  readonly brightness: number;
  /** Length of the motion blur to the side, pixels (and half of it in height); 0 for none. */
  readonly blurPx: number;
}

export interface StagingOptions {
  /** Frames per second. */
  readonly fps: number;
  /** What the door has said to this visit's people so far; the answer to a challenge begins when it is first heard. */
  readonly said?: () => DoorSaid;
}

/** A challenge as the demo's people hear it. */
export type DemoChallenge = Pick<Question, 'kind' | 'times'> & { readonly id: string };

/** To the people of one visit. */
export interface DoorSaid {
  /** The latest. */
  readonly challenge?: DemoChallenge;
  readonly letIn: boolean;
}

/**
 * From this share of the visit on (0…1), a single visitor stands near, straight and well lit: at least fourteen frames
 * of thirty.
 */
const settledAt = 0.5;
/** After an answer somebody stays so long, that the door can see who answered. Seconds. */
const staysS = 0.8;
/** The time of a challenge is over then; a third question does not come. */
const mostRepeats = 2;
/** A resident does not leave at once where the door stays closed. Seconds. */
const waitsS = 1;

/** The `visit` frame by frame. It lasts longer where the door asks something, or keeps a resident waiting. */
export function* stagings(visit: Visit, { fps, said }: StagingOptions): Generator<Staging, void, void> {
  const { visitors, shown, manner, frames, seed } = visit;
  const luck = chance(seed);
  const scene = shown ? heldBy(shown, manner as Attack, luck, seed) : visitors.length === 0 ? empty : peopleOf(visit, luck, fps);
  const isResident = visitors.length === 1 && visitors[0]?.enrolled;
  const answerFrames = Math.ceil((answeredAfterS + staysS) * fps);
  let last = frames;
  let heard: Heard | undefined;
  for (let i = 0; i < last; i++) {
    const s = i / fps;
    const { challenge: now, letIn = true } = said?.() ?? {};
    if (i === frames - 1 && isResident && !letIn) last = Math.max(last, frames + Math.ceil(waitsS * fps));
    if (i >= frames && letIn) return;
    const isNew = now?.id !== heard?.id;
    const isOver = heard !== undefined && i + 1 >= heard.fromFrame + answerFrames;
    if (now && (isNew || (isOver && !letIn && isThereAndBack(now) && (heard?.time ?? 0) < mostRepeats))) {
      heard = { ...now, fromFrame: i, time: isNew ? 0 : (heard?.time ?? 0) + 1 };
      last = Math.max(last, i + answerFrames);
    }
    yield scene(s, Math.max(0, 1 - i / (frames - 1) / settledAt), heard);
  }
}

/** Somebody whose answer was not understood gives it again; who has come closer stays there. */
const isThereAndBack = ({ kind }: DemoChallenge): boolean => kind.startsWith('turn-') || kind.startsWith('look-');

/** Since which frame of the visit; `time`: 0 the first time, then how often the answer was given before. */
type Heard = DemoChallenge & { readonly fromFrame: number; readonly time: number };

/** Draws up a frame: seconds since the visit began, and 1 at its beginning … 0 once the visitor has settled. */
type Scene = (s: number, coming: number, heard: Heard | undefined) => Staging;

const plain = { brightness: 1, blurPx: 0 };
const empty: Scene = () => ({ ...plain, poses: [] });

/** A hand brings a picture near and holds it there. It answers nothing. */
function heldBy(shown: Visitor, on: Attack, luck: Chance, seed: number): Scene {
  const hold = holdOf(luck, luck.between(0.76, 0.88));
  return (s, coming) => {
    const at = hold(s);
    return { ...plain, poses: [], held: { on, shown, hold: { ...at, scale: at.scale * (1 - 0.4 * coming) }, s, seed } };
  };
}

function peopleOf({ manner, visitors, frames, seed }: Visit, luck: Chance, fps: number): Scene {
  const near = luck.between(0.8, 0.89);
  const side = luck.next() < 0.5 ? -1 : 1;
  const bodies = visitors.map(() => bodyOf(luck, (frames * settledAt) / fps));
  return (s, coming, heard) => {
    const askedS = heard ? heard.fromFrame / fps : 0;
    const answer = heard && headAnswer({ ...heard, issuedAtMs: askedS * 1000 }, chance(seed + heard.id.length + heard.time));
    const pose = (index: number, at: Partial<Stand> = {}): Pose => ({
      visitor: visitors[index] as Visitor,
      ...(bodies[index] as Body)(
        s,
        { ...{ x: 320, y: 215, scale: near, rollDeg: 0, yawDeg: 0, pitchDeg: 0 }, ...at },
        answer?.(s),
        heard ? Math.max(0.3, 1 - 2 * (s - askedS)) : 1,
      ),
    });
    if (visitors.length > 1) {
      const apart = { scale: 0.66, y: 225 };
      return { ...plain, poses: [pose(0, { ...apart, x: 172 }), pose(1, { ...apart, x: 468 })] };
    }
    return single(manner, coming, side, near, (at) => pose(0, at));
  };
}

/** `restless`: 1; less while somebody answers. */
type Body = (s: number, at: Stand, answer: HeadAnswer | undefined, restless: number) => Omit<Pose, 'visitor'>;

/** Somebody who stands sways, looks about a little, and blinks. `settledS`: when they have come. */
function bodyOf(luck: Chance, settledS: number): Body {
  const [x, y, roll, yaw, pitch] = [0.3, 0.3, 0.4, 0.9, 0.9].map((fastestHz) => wander(luck, 0.6 * fastestHz, fastestHz)) as [
    OfTime,
    OfTime,
    OfTime,
    OfTime,
    OfTime,
  ];
  const glance = { deg: luck.between(8, 11) * (luck.next() < 0.5 ? -1 : 1), fromS: settledS + luck.between(-0.3, 0.1) };
  const blinksS = [settledS + luck.between(-0.4, 0.9)];
  return (s, at, answer, restless) => ({
    stand: {
      x: at.x + 7 * x(s),
      y: at.y + 3 * y(s),
      scale: at.scale * (answer?.nearer ?? 1),
      rollDeg: at.rollDeg + 1.6 * roll(s),
      yawDeg: at.yawDeg + restless * (5 * yaw(s) + glance.deg * hump(s, glance.fromS, 0.35, 0.05)) + 1.06 * (answer?.yawDeg ?? 0),
      pitchDeg: at.pitchDeg + 3.5 * restless * pitch(s) + 1.15 * (answer?.pitchDeg ?? 0),
    },
    expression: { eyesOpen: eyesOpenAt(s, blinksS, answer?.closingsS), mouthOpen: 0 },
  });
}

type OfTime = (s: number) => number;

function single(manner: Manner, coming: number, side: number, near: number, pose: (at?: Partial<Stand>) => Pose): Staging {
  switch (manner) {
    case 'walks up':
      return { ...plain, poses: [pose({ scale: near - coming * (near - 0.3), y: 215 - coming * 35, x: 320 + side * 60 * coming })] };
    case 'off-centre':
      return { ...plain, poses: [pose({ x: 320 + side * (125 + 45 * coming), y: 225 })] };
    case 'dim':
      // Somebody finds the switch on the way.
      return { poses: [pose()], brightness: coming > 0.25 ? 0.05 : coming > 0 ? 0.6 : 1, blurPx: 0 };
    case 'blurred':
      return { poses: [pose({ x: 320 + side * 70 * coming })], brightness: 1, blurPx: Math.round(48 * coming) };
    case 'turns away':
      return {
        ...plain,
        poses: [pose({ yawDeg: 25 * side * Math.min(1, 1.5 * coming), rollDeg: side * 9 * coming, x: 320 + side * 20 * coming })],
      };
    default:
      return { ...plain, poses: [pose()] };
  }
}
