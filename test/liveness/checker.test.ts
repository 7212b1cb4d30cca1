/** The liveness networks give what the reference gives (test/liveness/golden.json), and refuse what was altered. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaceReader } from '../../src/face/port.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { openLivenessChecker } from '../../src/liveness/checker.ts';
import { openLivenessNetworks } from '../../src/liveness/manifest.ts';
import { openPassive } from '../../src/liveness/passive.ts';
import type { LivenessChecker, LivenessFrame } from '../../src/liveness/port.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';
import golden from './golden.json' with { type: 'json' };

const models = new URL('../../models/', import.meta.url).pathname;
const people = new URL('../../config/demo-people/', import.meta.url).pathname;
const options = { networks: join(models, 'liveness'), eye: join(models, 'liveness/eye'), threads: 1 };

let reader: FaceReader;
let checker: LivenessChecker;
beforeAll(async () => {
  reader = await openFaceReader({
    detector: join(models, 'detector'),
    embedder: join(models, 'embedder'),
    threads: 2,
    limits: qualityLimits,
  });
  checker = await openLivenessChecker(options);
});
afterAll(async () => {
  await reader[Symbol.asyncDispose]();
  await checker[Symbol.asyncDispose]();
});

async function frameOf(name: string, passive = true): Promise<LivenessFrame> {
  const { scales, side } = checker.info;
  const { faces, cuts, width, height } = await reader.read(readFileSync(join(people, name)), { cuts: { scales, side, greyWidth: 320 } });
  const [face] = faces;
  if (!face || !cuts) throw new Error(`${name} has no face`);
  return { capturedAtMs: 7, width, height, ...face, cuts, passive };
}

describe('the logits of the reference on the demo people', () => {
  // One pixel in a hundred that is rounded the other way moves a logit by up to 0.01.
  it('are the same to 0.001 for most, and to 0.02 for all', async () => {
    const off: number[] = [];
    for (const { picture, logits } of golden) {
      const frame = await frameOf(picture);
      for (const _ of [0, 1]) {
        const { passive } = await checker.look(structuredClone(frame));
        const at = passive?.network === 'skin' ? 0 : 1;
        off.push(Math.abs((passive?.logit ?? 99) - (logits[at] as number)));
        expect(passive?.features).toHaveLength(128);
      }
    }
    off.sort((a, b) => a - b);
    expect(off[off.length >> 1]).toBeLessThan(0.001);
    expect(off.at(-1)).toBeLessThan(0.02);
  });
});

it('the networks take turns, one a frame', async () => {
  const names: (string | undefined)[] = [];
  const frame = await frameOf('p03-neutral.jpg');
  for (const _ of [0, 1, 2, 3]) names.push((await checker.look(structuredClone(frame))).passive?.network);
  expect([names.slice(0, 2).toSorted(), names[2], names[3]]).toEqual([['context', 'skin'], names[0], names[1]]);
});

it('says where the face is, how it is turned, and that its eyes are open', async () => {
  const { place, pose, eyesOpen, capturedAtMs, skin, surround } = await checker.look(await frameOf('p03-neutral.jpg', false));
  expect(capturedAtMs).toBe(7);
  expect(place.x).toBeGreaterThan(0.4);
  expect(place.x).toBeLessThan(0.6);
  expect(place.interEye).toBeGreaterThan(0.1);
  expect(Math.abs(pose.rollDeg)).toBeLessThan(10);
  expect(Math.min(...(eyesOpen ?? [0]))).toBeGreaterThan(0.5);
  // Skin is redder than it is blue; the backdrop of the demo people is light.
  expect(skin[0]).toBeGreaterThan(skin[2]);
  expect(Math.max(...surround)).toBeGreaterThan(0);
});

it('the networks do not look at a face that may not open', async () => {
  expect(await checker.look(await frameOf('p01-neutral.jpg', false))).not.toHaveProperty('passive');
});

it('a face at the edge, too small or of poor quality is unsure', async () => {
  const frame = await frameOf('p01-neutral.jpg');
  const { box, quality } = frame;
  const fresh = () => structuredClone(frame);
  const atEdge = { ...fresh(), box: { ...box, x1: box.x1 - box.x2 + 40, x2: 40 } };
  expect(await checker.look(atEdge)).toMatchObject({ unsure: 'cut-off' });
  expect(await checker.look({ ...fresh(), quality: { ...quality, interEyePx: 12 } })).toMatchObject({ unsure: 'too-small' });
  expect(await checker.look({ ...fresh(), quality: { ...quality, reasons: ['blurred'] } })).toMatchObject({ unsure: 'low-quality' });
});

it('a folder that cannot be used is a fault of the checker', async () => {
  await expect(openLivenessChecker({ ...options, networks: '/nonexistent' })).rejects.toMatchObject({ code: 'model-missing' });
});

describe('a folder', () => {
  function altered(change: (folder: string) => void): string {
    const folder = mkdtempSync(join(tmpdir(), 'facelatch-liveness-'));
    cpSync(join(models, 'liveness'), folder, { recursive: true });
    change(folder);
    return folder;
  }
  const manifestWith = (folder: string, fields: object) => {
    const file = join(folder, 'manifest.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...fields }));
  };

  it.each([
    [
      'with a file that is not the one of its manifest',
      (folder: string) => writeFileSync(join(folder, 'skin.onnx'), 'x', { flag: 'a' }),
      'model-damaged',
      /skin\.onnx is not the file/,
    ],
    ['without a file', (folder: string) => rmSync(join(folder, 'context.onnx')), 'model-missing', /context\.onnx named by/],
    ['without a manifest', (folder: string) => rmSync(join(folder, 'manifest.json')), 'model-missing', /liveness\.networks/],
    ['of another kind', (folder: string) => manifestWith(folder, { kind: 'face-detector' }), 'model-unfit', /kind must be "liveness"/],
    [
      'whose network has no such output',
      (folder: string) => manifestWith(folder, { output: { name: 'wrong', classes: ['live', 'spoof'] } }),
      'model-unfit',
      /The output "wrong" of the network skin/,
    ],
    [
      'without classes',
      (folder: string) => manifestWith(folder, { output: { name: 'live', classes: ['a', 'b'] } }),
      'model-unfit',
      /output\.classes/,
    ],
  ] as const)('%s is refused', async (_, change, code, message) => {
    const folder = altered(change);
    try {
      const opened = async () => openPassive(openLivenessNetworks(folder), 1);
      await expect(opened()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
