/** The door of the camera room: frames, newest first, and what a camera is. */

/** One picture from a camera. */
export interface Frame {
  /** Counts up from 1 for each opening of a camera. */
  readonly seq: number;
  /** When the picture was captured (reached this process), monotonic milliseconds of the Clock. */
  readonly capturedAtMs: number;
  /** The encoded picture (JPEG from cameras; from a folder whatever the file holds). */
  readonly picture: Uint8Array;
  /** Set by the demo replay only: the scene the picture was composed from, so that its table can say who really came. */
  readonly scene?: Scene;
}

/** What a demo frame truly shows. */
export interface Scene {
  /** Counts the visits from 1. */
  readonly visit: number;
  /** Names of the people in the visit as enrolled (`stranger:…` for people who are not); empty for a visit of nobody. */
  readonly people: readonly string[];
  /** How they come: `walks up`, `off-centre`, `dim`, `blurred`, `two at once`, `nobody`, … */
  readonly manner: string;
  /** True on the last frame of the visit. */
  readonly last: boolean;
}

/**
 * A source of frames. `frames` opens it; the iteration throws a Fault (`camera-missing`, `camera-ended`, `camera-frozen`,
 * `camera-dark`) when the camera can no longer be trusted, and ends without one only when `signal` is aborted or when
 * a replay has played all it was asked to.
 */
export interface Camera {
  /** For people: what this camera is (`/dev/v4l/by-id/…`, `replay demo`); no password in it. */
  readonly label: string;
  frames(signal: AbortSignal): AsyncIterable<Frame>;
}
