/** A camera that several may look through: the newest frame is remembered, and whoever asks sees every frame that passes, without opening the device again. */
import type { Camera, Frame } from './port.ts';
import { newest } from './slot.ts';

export interface SharedCamera extends Camera {
  /** Undefined while there was none, and once the camera has ended. */
  readonly latest: Frame | undefined;
  /**
   * The frames that the holder of `frames` takes, newest wins, until `signal` is aborted: over every opening of the camera, and
   * with nothing while it is not open. A slow watcher slows nobody.
   */
  watch(signal: AbortSignal): AsyncIterable<Frame>;
}

export function sharedCamera(camera: Camera): SharedCamera {
  const watchers = new Set<(frame: Frame) => void>();
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
          for (const push of watchers) push(frame);
          yield frame;
        }
      } finally {
        latest = undefined;
      }
    },
    watch: (signal) =>
      newest<Frame>(async (push, over) => {
        watchers.add(push);
        if (!over.aborted) await new Promise<void>((resolve) => over.addEventListener('abort', () => resolve(), { once: true }));
        watchers.delete(push);
      }, signal),
  };
}
