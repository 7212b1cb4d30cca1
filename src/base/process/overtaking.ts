/**
 * Work of one thread, a piece at a time, in two lanes. Pieces that cannot wait overtake the others, also between the
 * steps of one that is under way. After work that cannot wait the others let a moment pass, so that the next such piece
 * finds the thread free. In: pieces of work. Out: what they resolve to.
 */
import { type SerialQueue, serialQueue } from '../serial.ts';
import type { Clock } from '../time.ts';

/** What a piece that can wait calls between its steps. Of a piece that cannot wait, both do nothing. */
export interface Overtaken {
  /** Resolves when the next step may begin. */
  next(): Promise<void>;
  /** Resolves with `work`, which shares nothing with other pieces: they may run meanwhile. */
  beside<T>(work: Promise<T>): Promise<T>;
}

export interface OvertakingQueue {
  /** Runs `work` before everything that can wait. */
  readonly ahead: SerialQueue;
  /** Runs `work` after what was given before it. Gives up its place where `steps` is called. */
  behind<T>(work: (steps: Overtaken) => Promise<T>): Promise<T>;
}

export interface OvertakingOptions {
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  /** How long a piece that can wait lets the thread rest after one that cannot, milliseconds. */
  readonly calmMs: number;
  /** A piece that can wait does so for this long. Then it gets every second turn. Milliseconds. */
  readonly patienceMs: number;
  /** Takes in what has arrived meanwhile. */
  readonly turn: () => Promise<void>;
}

interface State extends OvertakingOptions {
  held: boolean;
  readonly ahead: (() => void)[];
  /** The piece that can wait, while it waits for what is under way. `wake(true)`: it has the thread now. */
  waiting: { readonly untilMs: number; readonly wake: (got: boolean) => void } | undefined;
  lastAheadMs: number;
}

/** Of a piece that is never overtaken. */
export const allAtOnce: Overtaken = { next: () => Promise.resolve(), beside: (work) => work };

export function overtakingQueue(options: OvertakingOptions): OvertakingQueue {
  const state: State = { ...options, held: false, ahead: [], waiting: undefined, lastAheadMs: Number.NEGATIVE_INFINITY };
  const inTurn = serialQueue();
  return {
    ahead: async (work) => {
      await takeAhead(state);
      try {
        return await work();
      } finally {
        state.lastAheadMs = state.clock.now();
        giveOn(state, true);
      }
    },
    behind: (work) => inTurn(() => inSteps(state, work)),
  };
}

async function inSteps<T>(state: State, work: (steps: Overtaken) => Promise<T>): Promise<T> {
  const untilMs = state.clock.now() + state.patienceMs;
  const take = () => takeBehind(state, untilMs);
  await take();
  try {
    return await work({
      next: () => {
        giveOn(state, false);
        return take();
      },
      beside: async (other) => {
        giveOn(state, false);
        try {
          return await other;
        } finally {
          await take();
        }
      },
    });
  } finally {
    giveOn(state, false);
  }
}

function takeAhead(state: State): Promise<void> {
  if (state.held) return new Promise((resolve) => state.ahead.push(resolve));
  state.held = true;
  return Promise.resolve();
}

async function takeBehind(state: State, untilMs: number): Promise<void> {
  const { clock, calmMs, turn } = state;
  await turn();
  for (;;) {
    if (state.held) {
      const { promise, resolve: wake } = Promise.withResolvers<boolean>();
      state.waiting = { untilMs, wake };
      if (await promise) return;
    }
    const restMs = Math.min(state.lastAheadMs + calmMs, untilMs) - clock.now();
    if (!state.held && restMs <= 0) break;
    if (restMs > 0) await clock.sleep(restMs);
  }
  state.held = true;
}

/** Whoever had the thread gives it to the next. */
function giveOn(state: State, wasAhead: boolean): void {
  const { ahead, waiting, clock } = state;
  const isDue = wasAhead && waiting !== undefined && clock.now() >= waiting.untilMs;
  const next = isDue ? undefined : ahead.shift();
  if (!next) {
    state.waiting = undefined;
    state.held = isDue;
  }
  if (next) next();
  else waiting?.wake(isDue);
}
