/** What every camera promises. */
import { setImmediate as turn } from 'node:timers/promises';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import type { Camera, Frame } from '../../src/camera/port.ts';

/** A camera under test, with the world around it. */
export interface CameraUnderTest {
  readonly camera: Camera;
  /** Moves the camera's world on by at most one picture; real ones move by themselves. */
  tick(): Promise<void>;
  /** Milliseconds of the clock that the camera stamps its frames with. */
  now(): number;
  /** Time between two pictures, ms. */
  readonly periodMs: number;
  /** Words that no label may show. */
  readonly secrets?: readonly string[];
  close(): Promise<void>;
}

/** `open` gives a camera that has at least twenty pictures, each different from the one before. */
export function testCamera(name: string, open: () => Promise<CameraUnderTest>): void {
  describe(`camera contract: ${name}`, () => {
    const opened: CameraUnderTest[] = [];
    const setUp = async () => {
      const under = await open();
      opened.push(under);
      return under;
    };
    afterEach(async () => {
      for (const under of opened.splice(0)) await under.close();
    });

    it('gives whole pictures with rising numbers and the time of their capture', async () => {
      const under = await setUp();
      const startMs = under.now();
      const frames = await take(under, 4);
      expect(frames).toHaveLength(4);
      for (const [i, frame] of frames.entries()) {
        const before = frames[i - 1];
        expect(frame.seq).toBeGreaterThan(before?.seq ?? 0);
        expect(frame.capturedAtMs).toBeGreaterThanOrEqual(before?.capturedAtMs ?? startMs);
        expect(frame.capturedAtMs).toBeLessThanOrEqual(under.now());
        // Decodes all of it: a cut picture throws.
        const { info } = await sharp(frame.picture, { failOn: 'truncated' }).raw().toBuffer({ resolveWithObject: true });
        expect(info.width).toBeGreaterThan(16);
        if (before) expect(Buffer.compare(before.picture, frame.picture)).not.toBe(0);
      }
    });

    it('counts from 1 again each time it is opened', async () => {
      const under = await setUp();
      await take(under, 5);
      const [first] = await take(under, 1);
      expect(first?.seq).toBeLessThan(5);
    });

    it('gives nothing, and no fault, when it was stopped before it was opened', async () => {
      const under = await setUp();
      for await (const _ of under.camera.frames(AbortSignal.abort())) expect.unreachable();
    });

    it('ends without a fault when it is stopped between two frames', async () => {
      const under = await setUp();
      const stop = new AbortController();
      const frames = await moving(under, async () => {
        let count = 0;
        for await (const _ of under.camera.frames(stop.signal)) {
          count++;
          stop.abort();
        }
        return count;
      });
      expect(frames).toBe(1);
    });

    it('ends without a fault when it is stopped while a frame is awaited', async () => {
      const under = await setUp();
      const stop = new AbortController();
      const source = under.camera.frames(stop.signal)[Symbol.asyncIterator]();
      await moving(under, () => source.next());
      const rest = drained(source);
      await turn();
      stop.abort();
      await expect(moving(under, () => rest)).resolves.toBeUndefined();
    });

    it('gives a slow consumer the newest picture, not the next', async () => {
      const under = await setUp();
      const source = under.camera.frames(new AbortController().signal)[Symbol.asyncIterator]();
      const first = await moving(under, () => source.next());
      const busyUntilMs = under.now() + 8 * under.periodMs;
      while (under.now() < busyUntilMs) {
        await under.tick();
        await turn();
      }
      const next = await moving(under, () => source.next());
      await source.return?.();
      expect(next.value?.seq).toBeGreaterThan((first.value?.seq ?? 0) + 2);
      expect(next.value?.capturedAtMs).toBeGreaterThan((first.value?.capturedAtMs ?? 0) + 2 * under.periodMs);
    });

    it('names itself without a password', async () => {
      const { camera, secrets = [] } = await setUp();
      expect(camera.label).not.toBe('');
      for (const secret of secrets) expect(camera.label).not.toContain(secret);
    });
  });
}

/** The first `count` frames of a loop over the camera, which is left after them. */
async function take(under: CameraUnderTest, count: number): Promise<Frame[]> {
  return moving(under, async () => {
    const frames: Frame[] = [];
    for await (const frame of under.camera.frames(new AbortController().signal)) {
      frames.push(frame);
      if (frames.length >= count) break;
    }
    return frames;
  });
}

async function drained(source: AsyncIterator<Frame>): Promise<void> {
  for (let next = await source.next(); !next.done; ) next = await source.next();
}

/** Keeps the world moving until `work` is done. */
async function moving<T>(under: CameraUnderTest, work: () => Promise<T>): Promise<T> {
  let done = false;
  const result = work().finally(() => {
    done = true;
  });
  while (!done) {
    await under.tick();
    await turn();
  }
  return result;
}
