/** The port of the camera room: what a frame is and what a camera is. */

/** One picture from a camera. */
export interface Frame {
  /** Counts up from 1 for each opening of a camera. */
  readonly seq: number;
  /** When the picture reached this process: monotonic milliseconds of the Clock. */
  readonly capturedAtMs: number;
  /** The encoded picture: JPEG from cameras, from a folder whatever the file holds. */
  readonly picture: Uint8Array;
  /**
   * Set only by the demo replay: the scene that the picture shows, so that the demo's table can say who really came.
   */
  readonly scene?: Scene;
}

/** What a demo frame truly shows. */
export interface Scene {
  /** Counts the visits from 1. */
  readonly visit: number;
  /**
   * Names of the people in the visit as enrolled, `stranger:…` for people who are not, `picture:…` for a picture of
   * somebody enrolled; empty for a visit of nobody.
   */
  readonly people: readonly string[];
  /** How they behave: `walks up`, `off-centre`, `dim`, `blurred`, `two at once`, `nobody`, `printed photo` … */
  readonly manner: string;
  /** True on the last frame of the visit. */
  readonly last: boolean;
}

/** A source of frames. Creating one does no I/O; iterating over `frames` opens the camera. */
export interface Camera {
  /** For people: which camera this is (`/dev/v4l/by-id/…`, `replay demo`). Never contains a password. */
  readonly label: string;
  /**
   * Opens the camera and yields its frames. Newest wins: a live frame that the consumer does not take before the next
   * one is dropped. Leaving the loop or aborting `signal` closes the camera. Ends without a fault only when `signal` is
   * aborted or a replay has played everything.
   * @throws Fault `camera-missing` (not there, forbidden, in use), `camera-ended`, `camera-frozen`, `camera-dark`,
   * `tool-missing`, `bad-config`.
   */
  frames(signal: AbortSignal): AsyncIterable<Frame>;
}
