/** Who stands in front, when the face of the nearer one is not found in every frame. */
import { expect, it } from 'vitest';
import { inFrontWatch } from '../../src/face/in-front.ts';
import { crowd, crowdReader, type InCrowd } from '../fakes/crowd.ts';

/** Whether each frame, four a second, shows only somebody behind. */
async function behind(...frames: readonly (readonly InCrowd[])[]): Promise<boolean[]> {
  const watch = inFrontWatch(0.5);
  const reader = crowdReader();
  const found: boolean[] = [];
  for (const [i, faces] of frames.entries()) found.push(watch.isBehind(await reader.read(crowd(faces, i)), i * 250));
  return found;
}

const near = { face: 150, x: 320, width: 160 };
const far = { face: 10, x: 330, width: 60 };

it('a small face is behind while the large one that was there is not found, for two seconds', async () => {
  const hidden = Array.from({ length: 9 }, () => [far]);
  expect(await behind([near, far], ...hidden)).toEqual([false, ...Array(7).fill(true), false, false]);
});

it('a face that steps back, or one about as large, is in front', async () => {
  expect(await behind([near], [{ ...near, width: 60 }])).toEqual([false, false]);
  expect(await behind([near], [{ ...far, width: 130 }])).toEqual([false, false]);
});

it('whoever comes after frames without a face is in front', async () => {
  expect(await behind([near], [], [far])).toEqual([false, false, true]);
  expect(await behind([near], [], [], [], [far])).toEqual([false, false, false, false, false]);
});
