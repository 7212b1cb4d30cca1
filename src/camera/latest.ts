/** Remembers the newest frame of a camera, for whoever may ask for a picture of now. */
import type { Camera, Frame } from './port.ts';

export interface RememberingCamera extends Camera {
  /** Undefined while there was none, and once the camera has ended. */
  readonly latest: Frame | undefined;
}

export function rememberingLatest(camera: Camera): RememberingCamera {
  let latest: Frame | undefined;
  return {
    label: camera.label,
    get latest() {
      return latest;
    },
    frames: async function* (signal) {
      try {
        for await (const frame of camera.frames(signal)) {
          latest = frame;
          yield frame;
        }
      } finally {
        latest = undefined;
      }
    },
  };
}
