/**
 * Shows each challenge to the person, and ends it when the door waits for no answer any more. In: what the door asks,
 * ten times a second. Out: calls to the thread of lamps and voice, which nothing here waits for. wire.ts opens it; it
 * owns the thread. What fails is a line in the log: the person still sees the challenge elsewhere, or is asked for the
 * PIN.
 */
import type { ChallengeOutputs } from '../adapters/challenge.ts';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Challenge } from '../liveness/port.ts';

export interface ChallengeWatch extends AsyncDisposable {
  /** `challenge`: what waits for an answer now. */
  tick(challenge: Challenge | undefined): void;
}

export interface ChallengeWatchParts {
  readonly open: () => Promise<Pick<ChallengeOutputs, 'info' | 'call' | typeof Symbol.asyncDispose>>;
  readonly clock: Clock;
  readonly log: Log;
}

interface State extends ChallengeWatchParts {
  outputs: ReturnType<ChallengeWatchParts['open']> | undefined;
  /** The challenge that is shown. */
  shownId: string | undefined;
}

/** Begins to open the outputs. */
export function watchChallenges(parts: ChallengeWatchParts): ChallengeWatch {
  const state: State = { ...parts, outputs: undefined, shownId: undefined };
  void outputsOf(state).catch(() => undefined);
  return {
    tick: (challenge) => {
      if (challenge?.id === state.shownId) return;
      state.shownId = challenge?.id;
      void show(state, challenge);
    },
    [Symbol.asyncDispose]: async () => {
      if (state.shownId !== undefined) void show(state, undefined);
      const outputs = await state.outputs?.catch(() => undefined);
      await outputs?.[Symbol.asyncDispose]();
    },
  };
}

async function show(state: State, shown: Challenge | undefined): Promise<void> {
  const { clock, log } = state;
  try {
    const outputs = await outputsOf(state);
    const { troubles } = await outputs.call({ sinceMs: shown ? clock.now() - shown.issuedAtMs : 0, ...(shown && { shown }) });
    tell(log, troubles);
  } catch (error) {
    // Opened again with the next challenge.
    state.outputs = undefined;
    tell(log, [messageOf(error)]);
  }
}

function outputsOf(state: State): NonNullable<State['outputs']> {
  state.outputs ??= state.open().then((opened) => {
    tell(state.log, opened.info.troubles);
    return opened;
  });
  return state.outputs;
}

function tell(log: Log, troubles: readonly string[]): void {
  for (const detail of troubles) log.warn({ detail }, 'a challenge cannot be shown');
}
