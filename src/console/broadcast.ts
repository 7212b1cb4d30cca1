/**
 * What the house tells by itself, for everybody who watches: moments with their pictures, events, states. Each watcher
 * has its own queue; a slow one loses moments, never events, and is let go where it takes nothing at all.
 */
import type { LiveMoment } from './port.ts';

export interface ToldWatchers {
  readonly topic: 'moment' | 'event' | 'state' | 'enrolment' | 'training';
  readonly data: object;
}

export interface Broadcast {
  tell(told: ToldWatchers): void;
  moment(moment: LiveMoment, picture: Uint8Array): void;
  /** The picture of a moment that was told lately. */
  picture(n: number): Uint8Array | undefined;
  /** `onTold` is called until the watcher is disposed of. `moments`: whether it shows the camera. */
  watch(onTold: (told: ToldWatchers) => void, moments: boolean): Disposable;
  readonly watchers: number;
}

/** Pictures that a browser may still ask for: a second of them. */
const keptPictures = 8;

/** `onWatchers`: how many listen, and how many of them look at moments, whenever that changes. */
export function openBroadcast(onWatchers: (listeners: number, viewers: number) => void): Broadcast {
  const watchers = new Map<(told: ToldWatchers) => void, boolean>();
  const changed = () => {
    const viewers = [...watchers.values()].filter((moments) => moments).length;
    if (viewers === 0) pictures.clear();
    onWatchers(watchers.size, viewers);
  };
  const pictures = new Map<number, Uint8Array>();
  const tell = (told: ToldWatchers) => {
    for (const [watcher, moments] of watchers) if (moments || told.topic !== 'moment') watcher(told);
  };
  return {
    tell,
    moment: (moment, picture) => {
      pictures.set(moment.n, picture);
      for (const n of pictures.keys()) if (pictures.size > keptPictures) pictures.delete(n);
      tell({ topic: 'moment', data: moment });
    },
    picture: (n) => pictures.get(n),
    watch: (onTold, moments) => {
      const watcher = (told: ToldWatchers) => onTold(told);
      watchers.set(watcher, moments);
      changed();
      return {
        [Symbol.dispose]: () => {
          if (watchers.delete(watcher)) changed();
        },
      };
    },
    get watchers() {
      return watchers.size;
    },
  };
}
