/**
 * The checks of liveness on the path of a frame: a frame, what was read in it and its sighting go in; the sighting with
 * what the checks say comes out. Checks that fail are journalled and opened again; meanwhile faces are not checked, and
 * the policy of the door says what that means. wire.ts opens it; it owns the checker.
 */
import type { Sighting } from '../../access/port.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Clock } from '../../base/time.ts';
import type { Frame } from '../../camera/port.ts';
import type { Event } from '../../events.ts';
import type { CutOptions, Reading } from '../../face/port.ts';
import type { Gallery } from '../../identity/port.ts';
import type { Entry } from '../../journal/port.ts';
import { firstBands, livenessJudge } from '../../liveness/judge.ts';
import type { FrameEvidence, JudgeLiveness, LivenessChecker } from '../../liveness/port.ts';
import type { InfraredWatch } from './infrared-watch.ts';
import type { LiveVisitsWatch } from './live-visits.ts';

export interface LivenessWatch extends AsyncDisposable {
  /** What the reader cuts out; undefined while nothing is checked. */
  readonly cuts: CutOptions | undefined;
  readonly judge: JudgeLiveness;
  /** Takes the memory of the reading's cuts. */
  check(frame: Frame, reading: Reading, sighting: Sighting): Promise<Sighting>;
  /** Something was journalled. */
  journalled(event: Event, entry: Entry): void;
  /** Every second: what is learned of this camera is stored. */
  refresh(gallery: Pick<Gallery, 'people' | 'ids'>): void;
  /** Forgets what attempts left that nobody confirmed, up to this entry. */
  forgetAttempts(upTo: number): void;
}

export interface LivenessWatchParts {
  readonly open: () => Promise<LivenessChecker>;
  readonly clock: Clock;
  readonly log: Log;
  readonly record: (event: Event) => unknown;
  /** What the door has learned of its camera; ends with the watch. */
  readonly visits: LiveVisitsWatch;
  /** Where there is an infrared camera. */
  readonly infrared?: Pick<InfraredWatch, 'check'> | undefined;
  readonly retry: { readonly minMs: number; readonly maxMs: number };
}

interface State extends LivenessWatchParts {
  checker: LivenessChecker | undefined;
  opening: Promise<void> | undefined;
  failedAtMs: number | undefined;
  /** Journalled once, however often it is tried again. */
  failedWith: string | undefined;
  waitMs: number;
  nextTryMs: number;
}

/** Points on a face at the door can be tracked at this width. Pixels. */
const greyWidth = 320;

/** Opens the checks; where they cannot be opened, the door runs without and they are tried again. */
export async function watchLiveness(parts: LivenessWatchParts): Promise<LivenessWatch> {
  const state: State = {
    ...parts,
    ...{ checker: undefined, opening: undefined, failedAtMs: undefined, failedWith: undefined },
    ...{ waitMs: parts.retry.minMs, nextTryMs: 0 },
  };
  await open(state);
  return {
    get cuts() {
      if (!state.checker) tryAgain(state);
      return state.checker && { scales: state.checker.info.scales, side: state.checker.info.side, greyWidth };
    },
    judge: livenessJudge(() => (state.checker ? state.visits.known(state.checker.info) : { bands: firstBands, networks: 1 })),
    check: async (frame, reading, sighting) => {
      const liveness = await look(state, frame, reading, sighting);
      return liveness ? { ...sighting, liveness } : sighting;
    },
    journalled: (event, entry) => state.visits.journalled(event, entry, state.checker?.info),
    refresh: state.visits.refresh,
    forgetAttempts: state.visits.forgetAttempts,
    [Symbol.asyncDispose]: async () => {
      state.visits[Symbol.dispose]();
      await state.opening;
      await state.checker?.[Symbol.asyncDispose]();
    },
  };
}

async function open(state: State): Promise<void> {
  const { clock, log, record } = state;
  try {
    state.checker = await state.open();
    state.waitMs = state.retry.minMs;
    if (state.failedAtMs === undefined) return;
    const afterMs = Math.round(clock.now() - state.failedAtMs);
    log.info({ room: 'liveness', afterMs }, 'liveness is checked again');
    record({ kind: 'liveness.restored', afterMs });
    state.failedAtMs = undefined;
    state.failedWith = undefined;
  } catch (error) {
    noteFailed(state, messageOf(error));
  }
}

function noteFailed(state: State, detail: string): void {
  const { clock, log, record, retry } = state;
  log.error({ room: 'liveness', err: detail, retryInMs: state.waitMs }, 'liveness checks failed');
  if (state.failedWith !== detail) record({ kind: 'liveness.failed', detail, retryInMs: state.waitMs });
  state.failedWith = detail;
  state.failedAtMs ??= clock.now();
  state.nextTryMs = clock.now() + state.waitMs;
  state.waitMs = Math.min(retry.maxMs, state.waitMs * 2);
}

/** Beside the frames, which go on unchecked. */
function tryAgain(state: State): void {
  if (state.opening || state.clock.now() < state.nextTryMs) return;
  state.opening = open(state).finally(() => {
    state.opening = undefined;
  });
}

async function look(state: State, { capturedAtMs }: Frame, reading: Reading, { finding }: Sighting): Promise<FrameEvidence | undefined> {
  const { checker, infrared } = state;
  const [face] = reading.faces;
  const { width, height, cuts } = reading;
  if (!checker || !face || !cuts) return undefined;
  const { box, landmarks, quality } = face;
  try {
    const passive = finding.kind === 'person';
    const seen = await checker.look({ capturedAtMs, width, height, box, landmarks, quality, cuts, passive });
    if (finding.kind === 'person') state.visits.saw(finding.personId, seen);
    return infrared && passive ? { ...seen, infrared: infrared.check(face) } : seen;
  } catch (error) {
    state.checker = undefined;
    await checker[Symbol.asyncDispose]();
    noteFailed(state, messageOf(error));
    return undefined;
  }
}
