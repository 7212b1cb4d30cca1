/**
 * A camera that several consumers share: one reads it, the others see the newest frame or watch the frames that pass,
 * without opening the device again.
 */
import type { Camera, Frame } from './port.ts';
import { newest } from './slot.ts';

export interface SharedCamera extends Camera {
  /** The newest frame; undefined before the first one, and after the camera has ended. */
  readonly latest: Frame | undefined;
  /**
   * The frames that the reader of `frames` takes, newest wins, until `signal` is aborted. Continues across openings of
   * the camera; nothing comes while it is closed. A slow watcher does not slow anybody down.
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
