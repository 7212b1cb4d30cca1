/**
 * The scores behind "how strict?": the rooms of the house go in; histograms of this door's people, strangers and
 * visits, and what each rate asks for, come out. console/open.ts opens it; it owns the thread that measures, and ends
 * with the console.
 */
import { modelFolder, stateFolder } from '../../adapters/basics.ts';
import { cameraFitness, knownOfDoor } from '../../adapters/evidence.ts';
import { sideThread } from '../../base/side-thread.ts';
import { digestOf } from '../../identity/evidence/door.ts';
import type { EnrolledPerson } from '../../identity/port.ts';
import type { Seq } from '../../journal/port.ts';
import type { Rooms } from '../rooms.ts';
import type { MeasuredScores, ToScore } from './measure.ts';

export interface StrictnessScores extends AsyncDisposable {
  /** `busy`: it cannot be measured now. Throws Faults of the journal. */
  now(): Promise<DoorScores | 'busy'>;
}

/** Counts of logits: `counts[n]` lie from `from + n × step` on, up to the next. */
export interface DoorScores {
  readonly from: number;
  readonly step: number;
  readonly genuine: readonly number[];
  readonly strangers: readonly number[];
  /** Of the last `days`: who was let in, and strangers who were not. */
  readonly granted: readonly number[];
  readonly turnedAway: readonly number[];
  readonly days: number;
  /** Whether older attempts of those days are left out: there are too many. */
  readonly cut: boolean;
  readonly rates: MeasuredScores['rates'];
}

const days = 30;
const step = 0.1;
/** Older attempts than these change no picture. */
const [mostAttempts, mostLooks] = [20_000, 12];
/** More say the same, and take long to hand over. */
const mostTemplates = 4000;

interface State {
  readonly rooms: Rooms;
  readonly thread: ReturnType<typeof sideThread<ToScore, MeasuredScores>>;
  known: { readonly as: string; readonly scored: MeasuredScores } | undefined;
  measuring: Promise<MeasuredScores | undefined> | undefined;
}

export function strictnessScores(rooms: Rooms): StrictnessScores {
  const thread = sideThread<ToScore, MeasuredScores>({
    module: new URL('./worker.ts', import.meta.url),
    ...{ mostWaiting: 1, patienceMs: 50_000, heapMb: 192, idleMs: 5000 },
  });
  const state: State = { rooms, thread, known: undefined, measuring: undefined };
  return {
    now: () => now(state),
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}

async function now(state: State): Promise<DoorScores | 'busy'> {
  state.measuring ??= measured(state).finally(() => {
    state.measuring = undefined;
  });
  const scored = await state.measuring;
  const attempts = await attemptsOf(state);
  if (!scored || attempts === 'busy') return 'busy';
  const all = [scored.genuine, scored.strangers, attempts.granted, attempts.strangers];
  const [low, high] = rangeOf([...all, scored.rates.map(({ logit }) => logit)]);
  const counts = (logits: ArrayLike<number>) => countsOf(logits, low, Math.ceil((high - low) / step) + 1);
  return {
    ...{ from: low, step, days, cut: attempts.cut, rates: scored.rates },
    ...{ genuine: counts(scored.genuine), strangers: counts(scored.strangers) },
    ...{ granted: counts(attempts.granted), turnedAway: counts(attempts.strangers) },
  };
}

async function measured(state: State): Promise<MeasuredScores | undefined> {
  const { rooms, thread, known } = state;
  const { gallery, reader } = rooms.eyes.current;
  const enrolled = gallery.enrolled();
  const stored = knownOfDoor(stateFolder(rooms.config), reader.embedder);
  const as = JSON.stringify([reader.embedder.sha256, digestOf(enrolled), stored?.evidence]);
  if (known?.as === as) return known.scored;
  const fitness = stored && cameraFitness(stored.fitness);
  const scored = await thread.ask({
    ...{ embedder: reader.embedder, policy: rooms.config.identity, cohort: modelFolder('cohort') },
    ...handedOver(enrolled, reader.embedder.dimension),
    ...(rooms.config.identity.doorEvidence && stored?.evidence && { evidence: stored.evidence }),
    ...(fitness !== undefined && { fitness }),
  });
  if (scored) state.known = { as, scored };
  return scored;
}

function handedOver(enrolled: readonly EnrolledPerson[], dimension: number): Pick<ToScore, 'people' | 'vectors'> {
  const people: EnrolledPerson[] = [];
  let count = 0;
  for (const person of enrolled) {
    if (count + person.templates.length > mostTemplates) break;
    count += person.templates.length;
    people.push(person);
  }
  const vectors = new Float32Array(count * dimension);
  for (const [row, template] of people.flatMap(({ templates }) => templates).entries()) vectors.set(template, row * dimension);
  return { people: people.map(({ id, templates }) => ({ id, templates: templates.length })), vectors };
}

async function attemptsOf({ rooms: { entries, clock } }: State) {
  const since = new Date(clock.wall() - days * 86_400_000).toISOString();
  const [granted, strangers]: [number[], number[]] = [[], []];
  let before: Seq | undefined;
  for (let looks = 0; looks < mostLooks && granted.length + strangers.length < mostAttempts; looks++) {
    const found = await entries.attempts(since, before);
    if (found === 'busy') return found;
    granted.push(...found.granted);
    strangers.push(...found.strangers);
    if (found.from === undefined) return { granted, strangers, cut: false };
    before = found.from;
  }
  return { granted, strangers, cut: true };
}

/** Whole logits. */
function rangeOf(all: readonly ArrayLike<number>[]): readonly [number, number] {
  let [low, high] = [0, 1];
  for (const logits of all)
    for (const logit of Array.from(logits)) {
      low = Math.min(low, logit);
      high = Math.max(high, logit);
    }
  return [Math.floor(low), Math.ceil(high)];
}

function countsOf(logits: ArrayLike<number>, from: number, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const logit of Array.from(logits)) {
    const bin = Math.min(bins - 1, Math.max(0, Math.floor((logit - from) / step)));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}
