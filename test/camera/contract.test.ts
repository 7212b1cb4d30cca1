/** The camera contract on the cameras that need no hardware, and on the fake that the daemon's tests use. */
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { systemClock } from '../../src/base/time.ts';
import { replayCamera } from '../../src/camera/replay.ts';
import { watched } from '../../src/camera/watch.ts';
import { type CameraUnderTest, testCamera } from '../contracts/camera.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { type FakeClock, fakeClock } from '../fakes/clock.ts';
import { cardJpegs, makePictures, makeVideo, temporaryFolder } from './media.ts';
import { networkCamera, type RtspServer, rtspServer } from './rtsp-server.ts';

const fps = 10;
const periodMs = 1000 / fps;
const watching = { freezeMs: 5000, darkLevel: 4, darkMs: 30_000 };

/** Time goes on by a frame when the replay waits for its next one. */
const tickOf = (clock: FakeClock) => async () => {
  if (clock.sleepers > 0) await clock.advance(periodMs);
};

/** Made once: the cameras only read them. */
const made = temporaryFolder();
const [pictures, video] = [join(made.path, 'pictures'), join(made.path, 'card.mkv')];
beforeAll(async () => {
  await makePictures(pictures, 30);
  makeVideo(video, 4, ['-c:v', 'libx264', '-preset', 'ultrafast']);
});
afterAll(() => made[Symbol.dispose]());

async function openFolder(): Promise<CameraUnderTest> {
  const clock = fakeClock();
  const camera = replayCamera({ from: pictures, fps, speed: 1, loop: true, clock });
  return { camera, tick: tickOf(clock), now: clock.now, periodMs, close: async () => undefined };
}

async function openVideo(): Promise<CameraUnderTest> {
  const clock = fakeClock();
  const camera = replayCamera({ from: video, fps, speed: 1, loop: true, clock });
  return { camera, tick: tickOf(clock), now: clock.now, periodMs, close: async () => undefined };
}

const card = cardJpegs(25);

async function openFake(): Promise<CameraUnderTest> {
  const clock = fakeClock();
  const camera = fakeCamera(clock);
  let next = 0;
  const tick = async () => {
    await clock.advance(periodMs);
    const picture = card[next++ % card.length];
    if (camera.isOpen && picture) void camera.push(picture);
  };
  return { camera, tick, now: clock.now, periodMs, close: async () => undefined };
}

async function openWatched(): Promise<CameraUnderTest> {
  const fake = await openFake();
  return { ...fake, camera: watched(fake.camera, { ...watching, clock: { ...systemClock, now: fake.now } }) };
}

const network: { server?: RtspServer } = {};
beforeAll(async () => {
  network.server = await rtspServer();
});
afterAll(() => network.server?.[Symbol.asyncDispose]());

async function openNetwork(): Promise<CameraUnderTest> {
  const { server } = network;
  if (!server) throw new Error('no server');
  const camera = watched(networkCamera(server.url, { width: 640, height: 480, fps: server.rate }), {
    ...watching,
    clock: systemClock,
  });
  return {
    camera,
    tick: async () => undefined,
    now: systemClock.now,
    periodMs: 1000 / server.rate,
    secrets: ['porter', 'sesame'],
    close: async () => undefined,
  };
}

testCamera('a folder of pictures', openFolder);
testCamera('a video', openVideo);
testCamera('the fake', openFake);
testCamera('the fake, watched', openWatched);
testCamera('a network camera over RTSP, watched', openNetwork);
