/**
 * The pictures of whoever stands at the door, in memory until the door has decided. Frames and decisions go in; what
 * the owner allows to be kept comes out, after the door has been served.
 */

import { type Fault, messageOf } from '../base/errors.ts';
import type { Event } from '../events.ts';
import type { Entry } from '../journal/port.ts';
import type { KeepRequest, Samples } from './samples.ts';

export interface VisitPictures {
  /** A frame with a face good enough to be compared. */
  saw(capturedAtMs: number, picture: Uint8Array): void;
  decided(event: Event, entry: Entry): void;
  /** Resolves when everything is written. */
  written(): Promise<void>;
}

/**
 * After this long without a face, whoever stood there has left, milliseconds (the longest that the door itself
 * waits).
 */
const leftMs = 4000;
/** Frames of one visit in memory. */
const mostFrames = 40;
/** Of somebody turned away: the best one and one from the beginning and the end of the visit. */
const mostKept = 3;

export interface VisitPicturesOptions {
  readonly samples: Pick<Samples, 'keep'>;
  /** Pictures of an entry were kept; `until`: ISO 8601, UTC. */
  readonly onKept: (kept: { readonly seq: number; readonly pictures: number; readonly until: string }) => void;
  /** A picture could not be kept; the door goes on. */
  readonly onFault: (fault: Fault | Error) => void;
}

export function visitPictures({ samples, onKept, onFault }: VisitPicturesOptions): VisitPictures {
  let frames: { readonly atMs: number; readonly picture: Uint8Array }[] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  /** The first entry about whoever stands there now. */
  let visit: number | undefined;
  const writing = new Set<Promise<void>>();

  const later = (work: () => void) => {
    // The relay first: writing a picture may take as long as the disk does.
    const written = new Promise<void>((done) => setImmediate(done)).then(() => {
      try {
        work();
      } catch (error) {
        onFault(error instanceof Error ? error : new Error(messageOf(error)));
      }
    });
    writing.add(written);
    void written.finally(() => writing.delete(written));
  };

  const keep = (entry: KeepRequest) =>
    later(() => {
      const until = samples.keep(entry);
      if (until !== undefined) onKept({ seq: entry.seq, pictures: entry.pictures.length, until });
    });

  return {
    saw: (atMs, picture) => {
      if (atMs - lastMs > leftMs) {
        visit = undefined;
        frames = [];
      }
      lastMs = atMs;
      frames = [...frames, { atMs, picture }].slice(-mostFrames);
    },
    decided: (event, { seq, at: takenAt }) => {
      if (event.kind !== 'access.granted' && event.kind !== 'access.denied') return;
      const seen = frames;
      frames = [];
      visit ??= seq;
      const first = visit;
      // Whoever comes after a grant is somebody else, or nobody to learn from.
      if (event.kind === 'access.granted') visit = undefined;
      const best = seen.find(({ atMs }) => atMs === event.capturedAtMs) ?? seen.at(-1);
      if (!best) return;
      if (event.kind === 'access.granted') {
        const { personId } = event;
        keep({ seq, takenAt, personId, pictures: [best.picture] });
      } else if (event.reason === 'unknown') {
        const alike = (event.likeness?.probability ?? 0) >= 0.5;
        const chosen = new Set([best, seen[0] ?? best, seen.at(-1) ?? best].slice(0, mostKept));
        keep({ seq, takenAt, alike, visit: first, pictures: [...chosen].map(({ picture }) => picture) });
      }
    },
    written: async () => {
      await Promise.all(writing);
    },
  };
}
