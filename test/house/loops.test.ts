import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Camera, Frame } from '../../src/camera/port.ts';
import type { Event } from '../../src/events.ts';
import type { Face, FaceReader, Reading } from '../../src/face/port.ts';
import { type DaemonParts, daemonLoops } from '../../src/house/loops.ts';

const nobody: Reading = { width: 640, height: 480, faces: [], timings: { decode: 0, detect: 0, align: 0, embed: 0 } };

/** A camera of so many frames, `everyMs` apart by their own times. */
function cameraOf(count: number, everyMs = 66): Camera {
  return {
    label: 'test camera',
    frames: async function* (): AsyncGenerator<Frame> {
      for (let seq = 1; seq <= count; seq++) yield { seq, capturedAtMs: seq * everyMs, picture: Buffer.from(String(seq)) };
    },
  };
}

function readerOf(read: (picture: Uint8Array) => Promise<Reading>) {
  const reader = { closed: 0, embedder: {} as FaceReader['embedder'], read, [Symbol.asyncDispose]: async () => void reader.closed++ };
  return reader;
}

function setUp(parts: Partial<DaemonParts> & { camera: Camera; reader: FaceReader }) {
  const recorded: Event[] = [];
  const inputs: string[] = [];
  let nowMs = 0;
  // Time goes on by itself a little at each look, and waiting takes no longer than turning once.
  const clock = {
    now: () => {
      nowMs += 1;
      return nowMs;
    },
    wall: () => 0,
    sleep: async (ms: number) => {
      await systemClock.sleep(0);
      nowMs += ms;
    },
  };
  const loops = daemonLoops({
    openReader: async () => parts.reader,
    sight: (frame) => ({ digest: String(frame.seq), capturedAtMs: frame.capturedAtMs, finding: { kind: 'nobody' } }),
    controller: { submit: async (input) => void inputs.push(input.kind), record: (event) => void recorded.push(event), settled: false },
    refresh: () => false,
    clock,
    log: openLog('silent'),
    retry: { minMs: 10, maxMs: 100 },
    idleFps: 0,
    ...parts,
  });
  return { loops, recorded, inputs };
}

describe('supervision', () => {
  it('ends when a replay has been played, and closes the reader', async () => {
    const reader = readerOf(async () => nobody);
    const { loops, inputs } = setUp({ camera: cameraOf(5), reader });
    await loops.run(new AbortController().signal);
    expect(inputs.filter((kind) => kind === 'sighting')).toHaveLength(5);
    expect(reader.closed).toBe(1);
  });

  it('a reader that dies is journalled and opened again, with growing waits, and frames are read on', async () => {
    const dead = readerOf(async () => {
      throw new Fault('reader-failed', 'the thread ended');
    });
    const alive = readerOf(async () => nobody);
    let tries = 0;
    const openReader = async () => {
      if (++tries < 3) throw new Fault('model-missing', 'not there yet');
      return alive;
    };
    const { loops, recorded, inputs } = setUp({ camera: cameraOf(4), reader: dead, openReader });
    await loops.run(new AbortController().signal);
    // Once for each reason: its thread, then twice the network that is not there.
    expect(recorded.map((e) => e.kind)).toEqual(['reader.failed', 'reader.failed', 'reader.restored']);
    expect(recorded.flatMap((e) => (e.kind === 'reader.failed' ? [e.retryInMs] : []))).toEqual([10, 20]);
    expect(inputs.filter((kind) => kind === 'sighting')).toHaveLength(3);
    expect([dead.closed, alive.closed].every((n) => n >= 1)).toBe(true);
  });

  it('what others changed is taken in once a second, and at each tick while there is more of it', async () => {
    const refreshed: number[] = [];
    const enough = new AbortController();
    let tick = 0;
    const waiting: Camera = {
      label: 'a camera that shows nothing',
      frames: async function* (signal): AsyncGenerator<Frame> {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    };
    const { loops } = setUp({
      camera: waiting,
      reader: readerOf(async () => nobody),
      onTick: () => {
        if (++tick > 40) enough.abort();
      },
      refresh: () => refreshed.push(tick) < 5,
    });
    await loops.run(enough.signal);
    expect(refreshed.slice(0, 5)).toEqual([1, 2, 3, 4, 5]);
    expect(refreshed[5]! - refreshed[4]!).toBeGreaterThan(5);
  });

  it('a camera that sends nothing but rubbish is a camera fault', async () => {
    const reader = readerOf(async () => {
      throw new Fault('bad-picture', 'rubbish');
    });
    const stop = new AbortController();
    const { loops, recorded } = setUp({ camera: cameraOf(100), reader, onTick: () => recorded.length > 0 && stop.abort() });
    await loops.run(stop.signal);
    expect(recorded[0]).toMatchObject({ kind: 'camera.failed', code: 'camera-ended' });
    expect(loops.status.unreadable).toBeGreaterThan(20);
  });

  it.each(['camera-replaced', 'camera-looped'] as const)(
    'something else in the place of the camera is an alarm until it is back: %s',
    async (code) => {
      let attempts = 0;
      const camera: Camera = {
        label: 'swapped',
        frames: async function* (signal) {
          if (++attempts <= 3) throw new Fault(attempts === 2 ? 'camera-missing' : code, 'not the camera of this door');
          yield* cameraOf(3).frames(signal);
        },
      };
      const { loops, recorded, inputs } = setUp({ camera, reader: readerOf(async () => nobody) });
      await loops.run(new AbortController().signal);
      const tampering = recorded.filter(({ kind }) => kind.startsWith('tamper.'));
      expect(tampering).toEqual([
        { kind: 'tamper.raised', what: 'camera', blockedMs: 0 },
        { kind: 'tamper.cleared', what: 'camera', afterMs: expect.any(Number) },
      ]);
      expect(inputs.filter((kind) => kind === 'sighting')).toHaveLength(3);
    },
  );

  it('a mistake in the program is not swallowed', async () => {
    const camera: Camera = {
      label: 'broken',
      // biome-ignore lint/correctness/useYield: it throws before there is anything to yield
      frames: async function* () {
        throw new TypeError('a bug');
      },
    };
    const { loops } = setUp({ camera, reader: readerOf(async () => nobody) });
    await expect(loops.run(new AbortController().signal)).rejects.toThrow('a bug');
  });
});

describe('turns', () => {
  it('a camera that stays away goes on turning its loop, within a long wait too', async () => {
    const camera: Camera = {
      label: 'missing',
      // biome-ignore lint/correctness/useYield: it throws before there is anything to yield
      frames: async function* () {
        throw new Fault('camera-missing', 'not there');
      },
    };
    const stop = new AbortController();
    const retry = { minMs: 3_600_000, maxMs: 3_600_000 };
    const { loops } = setUp({
      camera,
      reader: readerOf(async () => nobody),
      retry,
      onTick: () => loops.status.turns.camera > 20 && stop.abort(),
    });
    await loops.run(stop.signal);
    expect(loops.status.camera).toBe('failed');
    expect(loops.status.turns.time).toBeGreaterThan(0);
  });

  it('a reader that never answers stops the turns of the camera loop, not those of time', async () => {
    const stop = new AbortController();
    const answer = Promise.withResolvers<Reading>();
    const seen: number[] = [];
    const { loops } = setUp({
      camera: cameraOf(100),
      reader: readerOf(() => answer.promise),
      onTick: () => {
        seen.push(loops.status.turns.camera);
        if (seen.length === 50) answer.reject(new Fault('reader-failed', 'over'));
        if (seen.length === 50) stop.abort();
      },
    });
    await loops.run(stop.signal);
    expect(seen.slice(-40).every((turns) => turns === seen.at(-1))).toBe(true);
    expect(loops.status.turns.time).toBeGreaterThanOrEqual(50);
  });
});

it('while nobody has been seen for two seconds only the idle rate is looked at', async () => {
  const reader = readerOf(async () => nobody);
  let nowMs = 0;
  const camera: Camera = {
    label: 'test camera',
    frames: async function* () {
      for (let seq = 1; seq <= 150; seq++) {
        nowMs = seq * 66;
        yield { seq, capturedAtMs: nowMs, picture: Buffer.from(String(seq)) };
      }
    },
  };
  const clock = { now: () => nowMs, wall: () => 0, sleep: () => systemClock.sleep(5) };
  const { loops, inputs } = setUp({ camera, reader, clock, idleFps: 5 });
  await loops.run(new AbortController().signal);
  const looked = inputs.filter((kind) => kind === 'sighting').length;
  // 30 frames of the first two seconds, then 5 of 15 a second for eight seconds, because what is no JPEG may have changed.
  expect(looked).toBeGreaterThanOrEqual(60);
  expect(looked).toBeLessThanOrEqual(75);
});

it('an idle door looks once a second at a scene that stands still, and at once when somebody comes', async () => {
  const grey = (level: number) => sharp({ create: { width: 160, height: 120, channels: 3, background: { r: level, g: level, b: level } } });
  const nothing = await grey(120).jpeg().toBuffer();
  const somebody = await grey(120)
    .composite([{ input: await grey(60).resize(60, 90).png().toBuffer(), left: 50, top: 30 }])
    .jpeg()
    .toBuffer();
  const comes = 300;
  let nowMs = 0;
  const camera: Camera = {
    label: 'test camera',
    frames: async function* () {
      for (let seq = 1; seq <= comes + 10; seq++) {
        nowMs = seq * 66;
        yield { seq, capturedAtMs: nowMs, picture: seq < comes ? nothing : somebody };
      }
    },
  };
  const readings: number[] = [];
  const reader = readerOf(async (picture) => {
    readings.push(nowMs);
    return picture === somebody ? { ...nobody, faces: [{} as Face] } : nobody;
  });
  const clock = { now: () => nowMs, wall: () => 0, sleep: () => systemClock.sleep(5) };
  const { loops } = setUp({ camera, reader, clock, idleFps: 4 });
  await loops.run(new AbortController().signal);
  const calm = readings.filter((ms) => ms > 10_000 && ms < comes * 66);
  expect(calm.length).toBeGreaterThanOrEqual(8);
  expect(calm.length).toBeLessThanOrEqual(11);
  // Frames are compared about every 120 ms; once a face was found, every frame is looked at.
  const then = readings.filter((ms) => ms >= comes * 66);
  expect((then[0] ?? 0) - comes * 66).toBeLessThanOrEqual(132);
  expect(then.length).toBeGreaterThanOrEqual(8);
});
