/**
 * The wall clock as it stamps what expires by its age: a clock and the notes of the journal go in, a time that is never
 * before the one that it surely is comes out. A board without a battery starts years behind after a power cut; what was
 * stamped so would be past its time as soon as the clock is right. Too early it still is, by as long as the door was
 * off.
 */
import { Fault } from '../../base/errors.ts';
import type { Clock } from '../../base/time.ts';
import type { Journal } from '../../journal/port.ts';
import { earliestWallMs } from './clock-watch.ts';
import { knownTime, knownTimeNote } from './surely.ts';

/** `clock`: as time passes. Of the journal the note counts, else the newest entry; without either, the clock itself. */
export function stampingWall(
  clock: Pick<Clock, 'now' | 'wall'>,
  journal: () => (Pick<Journal, 'note'> & Partial<Pick<Journal, 'query'>>) | undefined,
): () => number {
  const state = { note: undefined as string | undefined, surelyMs: Number.NEGATIVE_INFINITY, readMs: clock.now() };
  const look = () => {
    const notes = journal();
    const note = notes?.note(knownTimeNote);
    if (!notes || (note === state.note && state.surelyMs !== Number.NEGATIVE_INFINITY)) return;
    const [newest] = note === undefined ? (notes.query?.({ limit: 1 }) ?? []) : [];
    const surelyMs = knownTime(note)?.surelyMs ?? (newest ? Date.parse(newest.at) : Number.NEGATIVE_INFINITY);
    Object.assign(state, { note, surelyMs, readMs: clock.now() });
  };
  return () => {
    try {
      look();
    } catch (error) {
      // Without the journal, what was known last counts.
      if (!(error instanceof Fault)) throw error;
    }
    return Math.max(clock.wall(), earliestWallMs, state.surelyMs + clock.now() - state.readMs);
  };
}
