/** The camera room as the configuration says. */
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import { cameraAddress } from '../base/network/camera-address.ts';
import { readSecretFile } from '../base/secret.ts';
import type { Clock, SteppedClock } from '../base/time.ts';
import { type CameraIdentity, requireBound } from '../camera/binding.ts';
import type { DemoOptions } from '../camera/demo/visits.ts';
import { findVideoDevice } from '../camera/devices.ts';
import { type Mounting, mounted } from '../camera/mounting.ts';
import type { Camera } from '../camera/port.ts';
import { replayCamera } from '../camera/replay.ts';
import type { RtspOptions } from '../camera/rtsp.ts';
import { v4l2Camera } from '../camera/v4l2.ts';
import { watched } from '../camera/watch.ts';
import type { WebcamOptions } from '../camera/webcam.ts';
import type { Config } from '../settings/load.ts';
import { demoPeopleFolder, stateFolder } from './basics.ts';

/** The demo people, as their pictures are named. */
export const demoPeople = Array.from({ length: 16 }, (_, i) => `p${String(i + 1).padStart(2, '0')}`);

/** Where the door notes its camera. */
export const cameraFile = (config: Config): string => join(stateFolder(config), 'camera.json');

/**
 * The camera that the configuration names, watched for freezing and darkness. `onBound`: the daemon's, which notes the
 * first camera; without it a camera is compared with the noted one, and none is noted. `said`: what the door says to
 * the demo's people.
 */
export function cameraOf(config: Config, clock: Clock, onBound?: (camera: CameraIdentity) => void, said?: DemoOptions['said']): Camera {
  const { camera } = config;
  const { width, height, fps, device, replay } = camera;
  const mounting = mountingOf(camera);
  const lockStep = replay.speed === 0;
  const find = async (name: string) => {
    const path = await findVideoDevice(name, camera);
    await requireBound(path, { file: cameraFile(config), rule: camera.binding, onBound });
    return path;
  };
  switch (camera.source) {
    case 'replay': {
      const { enrolled, visits, seed, speed, from, loop } = replay;
      const strangers = demoPeople.filter((name) => !enrolled.includes(name));
      const played =
        from === 'demo'
          ? demoCamera({ folder: demoPeopleFolder, enrolled, strangers, visits, seed, fps, speed, clock, ...(said && { said }) })
          : replayCamera({ from, fps, speed, loop, clock });
      const source = mounted(played, mounting);
      // What is played over and over shows nothing new.
      return lockStep ? source : watched(source, { ...camera, stillMs: 0, clock });
    }
    case 'v4l2':
      return watched(v4l2Camera({ device, width, height, fps, mounting, clock, find }), {
        ...camera,
        refuseLoops: !camera.allowVirtual,
        clock,
      });
    case 'webcam':
      return watched(mounted(webcam({ device, width, height, fps, clock, find }), mounting), {
        ...camera,
        refuseLoops: !camera.allowVirtual,
        clock,
      });
    case 'browser':
      throw new Fault(
        'camera-missing',
        'camera.source is "browser": only a running door has that camera (facelatch run, then open the console)',
      );
    case 'rtsp':
      return watched(networkCamera({ ...camera, ...networkPlace(camera), mounting, clock }), { ...camera, refuseLoops: true, clock });
  }
}

/** The infrared camera beside it, if there is one. Every second frame is dark by design. */
export function infraredOf(config: Config, clock: Clock, onBound: (camera: CameraIdentity) => void): Camera | undefined {
  const { infrared, binding, freezeMs } = config.camera;
  const { device, width, height, fps } = infrared;
  if (device === '') return undefined;
  const find = async (name: string) => {
    const path = await findVideoDevice(name, config.camera);
    await requireBound(path, { file: join(stateFolder(config), 'camera-infrared.json'), rule: binding, onBound });
    return path;
  };
  return watched(v4l2Camera({ device, width, height, fps, clock, find }), { freezeMs, darkLevel: 0, darkMs: 0, fps, clock });
}

/** A door has one kind of camera: what the others need is loaded with their first frame (7 MB). */
const loadedLater = (label: string, load: () => Promise<Camera>): Camera => ({
  label,
  frames: async function* (signal) {
    yield* (await load()).frames(signal);
  },
});

const demoCamera = (options: DemoOptions): Camera =>
  loadedLater('replay demo', async () => (await import('../camera/demo/visits.ts')).demoVisits(options));

const webcam = (options: WebcamOptions): Camera =>
  loadedLater(options.device, async () => (await import('../camera/webcam.ts')).webcamCamera(options));

const networkCamera = (options: RtspOptions): Camera =>
  loadedLater(options.label, async () => (await import('../camera/rtsp.ts')).rtspCamera(options));

/** `auto` turns nothing: the door only says what it finds. */
function mountingOf({ rotate, mirror }: Config['camera']): Mounting {
  const turn = ([90, 180, 270] as const).find((deg) => String(deg) === String(rotate));
  return { rotate: turn ?? 0, mirror };
}

/** Where the network camera is. Its file is read at each opening, so that a new password needs no restart. */
function networkPlace({ url, urlFile }: Config['camera']): Pick<RtspOptions, 'address' | 'label'> {
  if (urlFile !== '') return { address: () => readSecretFile('camera.urlFile', urlFile).trim(), label: `network camera of ${urlFile}` };
  const at = cameraAddress(url);
  return { address: () => url, label: typeof at === 'string' ? 'network camera' : at.label };
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
