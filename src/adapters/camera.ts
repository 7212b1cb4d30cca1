/** The camera room as the configuration says. */

import type { Clock, SteppedClock } from '../base/time.ts';
import { demoVisits } from '../camera/demo/visits.ts';
import type { Camera } from '../camera/port.ts';
import { replayCamera } from '../camera/replay.ts';
import { rtspCamera } from '../camera/rtsp.ts';
import { v4l2Camera } from '../camera/v4l2.ts';
import { watched } from '../camera/watch.ts';
import { webcamCamera } from '../camera/webcam.ts';
import type { Config } from '../settings/load.ts';
import { demoPeopleFolder } from './basics.ts';

/** The demo people, as their pictures are named. */
export const demoPeople = Array.from({ length: 16 }, (_, i) => `p${String(i + 1).padStart(2, '0')}`);

/** The camera that the configuration names, watched for freezing and darkness. */
export function cameraOf({ camera }: Config, clock: Clock): Camera {
  const { width, height, fps, device, url, replay } = camera;
  const lockStep = replay.speed === 0;
  switch (camera.source) {
    case 'replay': {
      const { enrolled, visits, seed, speed, from, loop } = replay;
      const strangers = demoPeople.filter((name) => !enrolled.includes(name));
      const source =
        from === 'demo'
          ? demoVisits({ folder: demoPeopleFolder, enrolled, strangers, visits, seed, fps, speed, clock })
          : replayCamera({ from, fps, speed, loop, clock });
      return lockStep ? source : watched(source, { ...camera, clock });
    }
    case 'v4l2':
      return watched(v4l2Camera({ device, width, height, fps, clock }), { ...camera, clock });
    case 'webcam':
      return watched(webcamCamera({ device, width, height, fps, clock }), { ...camera, clock });
    case 'rtsp':
      return watched(rtspCamera({ url, width, height, fps, clock }), { ...camera, clock });
  }
}

/** A replay in lock-step moves its own clock by one frame period a frame. */
export function stepping(camera: Camera, clock: SteppedClock, fps: number): Camera {
  return {
    label: camera.label,
    frames: async function* (signal) {
      for await (const frame of camera.frames(signal)) {
        clock.step(1000 / fps);
        yield { ...frame, capturedAtMs: clock.now() };
      }
    },
  };
}
