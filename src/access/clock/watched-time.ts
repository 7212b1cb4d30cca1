/**
 * The clocks of the entrance over the journal: it begins with what the journal knows of the clock, and notes there when
 * the clock becomes sure or doubtful. The entrance opens it; there is nothing to close.
 */
import { Fault, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { BootTime, Clock } from '../../base/time.ts';
import type { Journal, JournalNotes } from '../../journal/port.ts';
import type { Moment } from '../kept.ts';
import { type ClockWatchOptions, clockMemory, clockNote, clockWatch } from './clock-watch.ts';

export interface WatchedTimeOptions {
  readonly journal: Pick<Journal, 'query' | 'note' | 'keep' | 'head'>;
  readonly clock: Clock;
  readonly boot: BootTime;
  readonly synchronised: () => boolean;
  readonly log: Log;
}

export interface WatchedTime {
  /** Call it often. */
  tick(): void;
  readonly sure: boolean;
  moment(): Moment;
  /** To be stored with each event. */
  notes(): JournalNotes;
  /** An operator stands by the clock as it is. */
  accept(): void;
}

/** Throws Fault `journal-down` where the journal cannot be read. */
export function watchedTime(options: WatchedTimeOptions, onJump: ClockWatchOptions['onJump']): WatchedTime {
  const { journal, clock, boot, synchronised, log } = options;
  const watch = clockWatch({ clock, boot, synchronised, before: clockMemory(journal), onJump });
  let noted: boolean | undefined;
  let seq = 0;
  /** A change of trust stands in the journal before the next entry does. */
  const note = () => {
    if (watch.sure === noted) return;
    try {
      seq = journal.head;
      journal.keep(clockNote(watch, seq));
      noted = watch.sure;
    } catch (error) {
      // Tried again at the next tick.
      if (!(error instanceof Fault)) throw error;
      log.warn({ code: error.code, err: messageOf(error) }, 'trust in the clock cannot be noted');
    }
  };
  note();
  if (!watch.sure) log.warn('the wall clock may be wrong until a time service sets it: people bound to times wait (access.unsureClock)');
  return {
    tick: () => {
      watch.tick();
      note();
    },
    get sure() {
      return watch.sure;
    },
    moment: () => ({ nowMs: clock.now(), wallMs: clock.wall(), sure: watch.sure, bootId: boot.id, bootMs: boot.nowMs() }),
    notes: () => clockNote(watch, seq),
    accept: () => {
      watch.accept();
      note();
    },
  };
}
