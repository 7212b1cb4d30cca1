/** The checks of liveness on the path of a frame: what goes in, and what happens when they fail. */
import { describe, expect, it } from 'vitest';
import type { Finding, Sighting } from '../../../src/access/port.ts';
import { Fault } from '../../../src/base/errors.ts';
import { openLog } from '../../../src/base/log.ts';
import type { Event } from '../../../src/events.ts';
import type { Cuts, Reading } from '../../../src/face/port.ts';
import type { LiveVisitsWatch } from '../../../src/house/liveness/live-visits.ts';
import { watchLiveness } from '../../../src/house/liveness/liveness-watch.ts';
import { firstBands } from '../../../src/liveness/judge.ts';
import type { FrameEvidence, LivenessChecker, LivenessFrame } from '../../../src/liveness/port.ts';

const info = { name: 'fake', version: '1', sha256: 'f'.repeat(64), scales: [1.5, 2.7], side: 128 };
const evidence: FrameEvidence = {
  capturedAtMs: 40,
  passive: { network: 'skin', logit: 2 },
  pose: { yawDeg: 0, pitchDeg: 0, rollDeg: 0 },
  place: { x: 0.5, y: 0.5, interEye: 0.1 },
  skin: [200, 150, 120],
  surround: [90, 90, 90],
};
const frame = { seq: 1, capturedAtMs: 40, picture: Buffer.from('a') };
const pixels = new Uint8Array(3);
const cuts: Cuts = {
  around: [pixels],
  eyes: [pixels, pixels],
  grey: { width: 1, height: 1, pixels },
  skin: [0, 0, 0],
  surround: [0, 0, 0],
};
const point = { x: 1, y: 1 };
const light = { luminance: 120, contrast: 30, noise: 1, clipped: 0, flat: 0, sharpness: 1 };
const face = {
  score: 1,
  box: { x1: 0, y1: 0, x2: 10, y2: 10 },
  landmarks: [point, point, point, point, point] as const,
  quality: { reasons: [], interEyePx: 60, yawDeg: 0, pitchDeg: 0, rollDeg: 0, ...light },
};
const reading: Reading = { width: 100, height: 100, faces: [face], cuts, timings: { decode: 0, detect: 0, align: 0, embed: 0 } };
const seen = (finding: Finding): Sighting => ({ digest: 'd', capturedAtMs: 40, finding });
const ann: Finding = { kind: 'person', personId: 'p-ann' };

/** Nothing is learned here. */
const visits: LiveVisitsWatch = {
  known: ({ scales }) => ({ bands: firstBands, networks: scales.length }),
  saw: () => undefined,
  journalled: () => undefined,
  refresh: () => undefined,
  forgetAttempts: () => undefined,
  [Symbol.dispose]: () => undefined,
};

function setUp(look: (frame: LivenessFrame) => Promise<FrameEvidence>) {
  const state = { nowMs: 0, opened: 0, closed: 0, broken: undefined as Fault | undefined };
  const recorded: Event[] = [];
  const open = async (): Promise<LivenessChecker> => {
    state.opened++;
    if (state.broken) throw state.broken;
    return { info, look, [Symbol.asyncDispose]: async () => void state.closed++ };
  };
  const clock = { now: () => state.nowMs, wall: () => 0, sleep: async () => undefined };
  const parts = {
    open,
    clock,
    log: openLog('silent'),
    record: (event: Event) => recorded.push(event),
    retry: { minMs: 100, maxMs: 400 },
    visits,
  };
  return { state, recorded, watch: () => watchLiveness(parts) };
}

it('the sighting carries what the checks say of its frame', async () => {
  const { watch } = setUp(async () => evidence);
  await using checks = await watch();
  expect(checks.cuts).toEqual({ scales: [1.5, 2.7], side: 128, greyWidth: 320 });
  expect(await checks.check(frame, reading, seen(ann))).toEqual({ ...seen(ann), liveness: evidence });
});

it.each([
  ['a person', ann, true],
  ['a stranger', { kind: 'unknown' }, false],
  ['a face of poor quality', { kind: 'low-quality', reasons: ['blurred'] }, false],
] as const)('the networks look at a face that may open: %s', async (_, finding, passive) => {
  const looked: boolean[] = [];
  const { watch } = setUp(async (of) => {
    looked.push(of.passive);
    return evidence;
  });
  await using checks = await watch();
  await checks.check(frame, reading, seen(finding));
  expect(looked).toEqual([passive]);
});

it('where there is no face there is nothing to check', async () => {
  const { watch } = setUp(async () => evidence);
  await using checks = await watch();
  const { cuts: _, ...without } = { ...reading, faces: [] };
  expect(await checks.check(frame, without, seen({ kind: 'nobody' }))).not.toHaveProperty('liveness');
});

describe('checks that fail', () => {
  const dead = new Fault('reader-failed', 'the thread ended');

  it('leave the face unchecked, are journalled, and are opened again after a wait', async () => {
    let dying = true;
    const { watch, state, recorded } = setUp(async () => {
      if (dying) throw dead;
      return evidence;
    });
    await using checks = await watch();
    expect(await checks.check(frame, reading, seen(ann))).toEqual(seen(ann));
    expect([state.closed, recorded]).toEqual([1, [{ kind: 'liveness.failed', detail: 'the thread ended', retryInMs: 100 }]]);
    expect(checks.cuts).toBeUndefined();
    expect(state.opened).toBe(1);
    dying = false;
    state.nowMs = 150;
    expect(checks.cuts).toBeUndefined();
    await expect.poll(() => checks.cuts).toBeDefined();
    expect(recorded.at(-1)).toEqual({ kind: 'liveness.restored', afterMs: 150 });
    expect(await checks.check(frame, reading, seen(ann))).toHaveProperty('liveness');
  });

  it('at the start do not keep the door closed; one reason is journalled once, and waits grow', async () => {
    const { watch, state, recorded } = setUp(async () => evidence);
    state.broken = new Fault('model-missing', 'no skin.onnx');
    await using checks = await watch();
    for (const nowMs of [100, 300, 700, 1100]) {
      state.nowMs = nowMs - 1;
      const before = state.opened;
      expect([checks.cuts, state.opened]).toEqual([undefined, before]);
      state.nowMs = nowMs;
      expect([checks.cuts, state.opened]).toEqual([undefined, before + 1]);
      await new Promise(setImmediate);
    }
    expect(recorded).toEqual([{ kind: 'liveness.failed', detail: 'no skin.onnx', retryInMs: 100 }]);
  });
});
