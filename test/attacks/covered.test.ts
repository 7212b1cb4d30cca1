/**
 * Strangers behind masks and sunglasses. Whoever is enrolled so could open for others who wear the same. With the shipped
 * networks and people who do not exist, on whom masks and glasses are drawn.
 */
import { readdirSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelFolder } from '../../src/adapters/basics.ts';
import { newRandom } from '../../src/base/random.ts';
import { decodePicture, type Picture } from '../../src/face/picture.ts';
import type { Embedding, FaceReader, Landmarks } from '../../src/face/port.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { type JudgedPicture, readCandidate } from '../../src/identity/candidate.ts';
import { logitOf } from '../../src/identity/siamese.ts';
import { calibrationCurve } from '../../src/identity/threshold.ts';
import { type CoveringKind, maskKinds, sunglassKinds } from '../../src/recipes/own/covering-drawings.ts';
import { covered } from '../../src/recipes/own/coverings.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';

const folder = new URL('../../config/demo-people/', import.meta.url);
const people = readdirSync(folder)
  .filter((name) => name.endsWith('-neutral.jpg'))
  .slice(0, 8);

interface Bare {
  readonly name: string;
  readonly picture: Picture;
  readonly landmarks: Landmarks;
}

let reader: FaceReader;
const bare: Bare[] = [];
beforeAll(async () => {
  reader = await openFaceReader({
    ...{ detector: modelFolder('detector'), embedder: modelFolder('embedder') },
    ...{ threads: 2, limits: qualityLimits },
  });
  for (const name of people) {
    const encoded = readFileSync(new URL(name, folder));
    const [face] = (await reader.read(encoded, { embed: 'none' })).faces;
    if (face) bare.push({ name, picture: await decodePicture(encoded), landmarks: face.landmarks });
  }
});
afterAll(async () => await reader[Symbol.asyncDispose]());

async function wearing({ picture, landmarks }: Bare, kind: CoveringKind, seed: number): Promise<Uint8Array> {
  const { width, height, rgb } = await covered(picture, landmarks, kind, newRandom(seed));
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 92 })
    .toBuffer();
}

const enrolling = (name: string, picture: Uint8Array): Promise<JudgedPicture> => readCandidate(name, picture, reader, qualityLimits);

describe('a stranger who is enrolled', () => {
  it.each([
    ['a mask', maskKinds, 'lower'],
    ['sunglasses', sunglassKinds, 'upper'],
  ] as const)('behind %s is refused, and told to take it off', async (_, kinds, half) => {
    const outcomes: JudgedPicture[] = [];
    for (const [i, person] of bare.entries()) {
      const kind = kinds[i % kinds.length] as CoveringKind;
      outcomes.push(await enrolling(`${person.name} ${kind}`, await wearing(person, kind, i)));
    }
    expect(outcomes.filter(({ accepted }) => accepted).map(({ source, detail }) => [source, detail])).toEqual([]);
    const words = half === 'lower' ? /mouth and nose seem covered/ : /eyes seem covered/;
    expect(outcomes.some(({ detail }) => words.test(detail))).toBe(true);
  });

  it('bare, or with spectacles, is not', async () => {
    for (const [i, person] of bare.entries()) {
      expect(await enrolling(person.name, readFileSync(new URL(person.name, folder)))).toMatchObject({ accepted: true });
      expect(await enrolling(`${person.name} spectacles`, await wearing(person, 'spectacles', i))).toMatchObject({ accepted: true });
    }
  });
});

it('even templates of masked strangers, had somebody stored them, open for no other masked stranger', async () => {
  const { head, calibration } = reader.embedder;
  const bound = calibration ? calibrationCurve(calibration).logitAt(1e-4).logit : Number.NaN;
  const seen: { readonly name: string; readonly stored: Embedding; readonly atDoor?: Embedding | undefined }[] = [];
  for (const [i, person] of bare.entries()) {
    const picture = await wearing(person, maskKinds[i % 2] as CoveringKind, 100 + i);
    const [stored] = (await reader.read(picture, { embed: 'dominant' })).faces;
    if (stored?.embedding)
      seen.push({ name: person.name, stored: stored.embedding, atDoor: (await reader.read(picture)).faces[0]?.embedding });
  }
  expect(seen.length).toBeGreaterThan(5);
  const opened = seen.flatMap(({ name, atDoor }) =>
    seen
      .filter((other) => atDoor && other.name !== name && logitOf(head, atDoor, other.stored) >= bound)
      .map((other) => `${name} as ${other.name}`),
  );
  expect(opened).toEqual([]);
});
