/** Clips before the reader, the checks and the judge: as at the door, each clip a visit of its own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { judgedClip } from '../../../src/cli/liveness/measure.ts';
import type { Cuts } from '../../../src/face/port.ts';
import type { FrameEvidence, JudgeLiveness, LivenessChecker, LivenessFrame } from '../../../src/liveness/port.ts';
import { drawing, drawingReader } from '../../fakes/reader.ts';
import { temporaryFolder } from '../facelatch.ts';

const cuts: Cuts = {
  around: [],
  eyes: [new Uint8Array(), new Uint8Array()],
  grey: { width: 1, height: 1, pixels: new Uint8Array(1) },
  skin: [0, 0, 0],
  surround: [0, 0, 0],
};

function parts(judge: JudgeLiveness) {
  const drawn = drawingReader();
  const looked: LivenessFrame[] = [];
  const checker: LivenessChecker = {
    info: { name: 'fake', version: '1', sha256: '', scales: [1.5], side: 8 },
    look: async (frame) => {
      looked.push(frame);
      const { capturedAtMs, quality } = frame;
      const still = { place: { x: 0.5, y: 0.4, interEye: 0.1 }, skin: cuts.skin, surround: cuts.surround };
      return { capturedAtMs, pose: quality, passive: { network: 'fake', logit: 2 }, ...still };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const reader = {
    ...drawn,
    read: async (picture: Uint8Array) => {
      const reading = await drawn.read(picture);
      return reading.faces.length > 0 ? { ...reading, cuts } : reading;
    },
  };
  const unreadable: string[] = [];
  return {
    looked,
    unreadable,
    parts: { reader, checker, judge, policy: 'passive', fps: 4, greyWidth: 320, anyQuality: false, unreadable } as const,
  };
}

function clipOf(folder: string, frames: readonly Uint8Array[]) {
  const files = frames.map((frame, i) => {
    const file = join(folder, `${i}.jpg`);
    writeFileSync(file, frame);
    return file;
  });
  return { instrument: 'print', name: '007', frames: files };
}

it('judges all evidence of a clip together; frames are a quarter of a second apart at four a second, clips far apart', async () => {
  using folder = temporaryFolder();
  const seen: (readonly FrameEvidence[])[] = [];
  const { looked, parts: with4 } = parts((frames) => {
    seen.push(frames);
    return { verdict: 'spoof', spoof: 'texture', score: -1.5, frames: frames.length };
  });
  const clip = clipOf(folder.path, [drawing({ face: 1 }), drawing({ face: 1, tag: 'b' }), drawing({ face: 1, tag: 'c' })]);
  expect(await judgedClip(clip, 0, with4)).toEqual({ instrument: 'print', name: '007', verdict: 'spoof', score: 2, why: 'texture' });
  await judgedClip(clip, 1, with4);
  expect(seen.map((frames) => frames.length)).toEqual([3, 3]);
  const times = looked.map(({ capturedAtMs }) => capturedAtMs);
  expect(times.slice(0, 3).map((ms) => ms - (times[0] ?? 0))).toEqual([0, 250, 500]);
  expect((times[3] ?? 0) - (times[2] ?? 0)).toBeGreaterThan(10_000);
});

it('a clip without a face is not judged, and a picture that cannot be read is left out and named', async () => {
  using folder = temporaryFolder();
  const { looked, unreadable, parts: all } = parts((frames) => ({ verdict: 'live', frames: frames.length }));
  expect(await judgedClip(clipOf(folder.path, [drawing({})]), 0, all)).toEqual({ instrument: 'print', name: '007', verdict: 'no-face' });
  const clip = clipOf(folder.path, [drawing({ face: 1 }), Buffer.from('no picture'), drawing({ face: 1, tag: 'b' })]);
  expect(await judgedClip(clip, 1, all)).toMatchObject({ verdict: 'live' });
  expect(looked).toHaveLength(2);
  expect(unreadable).toEqual([clip.frames[1]]);
});

it.each([
  ['the first frames that look alive open the door, whatever comes after', ['unsure', 'live', 'spoof', 'spoof'], 'live'],
  ['two frames in a row that show an attack decide', ['spoof', 'spoof', 'live', 'live'], 'spoof'],
  ['one alone does not', ['spoof', 'unsure', 'spoof', 'unsure'], 'unsure'],
] as const)('%s', async (_, verdicts, decided) => {
  using folder = temporaryFolder();
  // A vote needs three frames: the first judgement is of the third.
  const { parts: all } = parts((frames) => ({ verdict: verdicts[frames.length - 3] ?? 'unsure', frames: frames.length }));
  const frames = Array.from({ length: 6 }, (__, i) => drawing({ face: 1, tag: `${i}` }));
  expect(await judgedClip(clipOf(folder.path, frames), 0, all)).toMatchObject({ verdict: decided });
});
