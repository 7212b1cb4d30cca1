/**
 * What odd pictures cost and do: turned pictures of LFW that would be enrolled, faces of the London Set in little
 * light, and the decoding of one frame. Real faces are read from ../shared/data; without them only the decoding is
 * measured.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { modelFolder } from '../../src/adapters/basics.ts';
import { quantile, type Row, time } from '../../src/cli/door/figures.ts';
import { decodePicture } from '../../src/face/picture.ts';
import type { Embedding, FaceReader } from '../../src/face/port.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { readCandidate } from '../../src/identity/candidate.ts';
import { logitOf } from '../../src/identity/siamese.ts';
import { thresholdsOf } from '../../src/identity/threshold.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { sharedData } from '../fakes/shared-data.ts';

const limits = loadConfig({}).config.face.quality;
/** Brightness below which a face was `too-dark` before. */
const oldLeastLuminance = 35;

export async function benchPictures(): Promise<Row[]> {
  const rows = await decoding();
  const folder = sharedData('lfw-view1');
  const london = sharedData('london');
  if (!folder || !london) {
    console.error('bench: pictures measures only the decoding without the pictures of ../shared/data');
    return rows;
  }
  await using reader = await openFaceReader({ detector: modelFolder('detector'), embedder: modelFolder('embedder'), threads: 1, limits });
  return [...rows, ...(await turnedPictures(folder, reader)), ...(await littleLight(london, reader))];
}

async function decoding(): Promise<Row[]> {
  const picture = await sharp(readFileSync(new URL('../../config/demo-people/p01-neutral.jpg', import.meta.url)))
    .resize(640, 480, { fit: 'cover' })
    .jpeg({ quality: 85 })
    .toBuffer();
  const before = await time(200, 20, () => sharp(picture, { failOn: 'truncated' }).raw({ depth: 'uchar' }).toBuffer());
  const now = await time(200, 20, () => decodePicture(picture));
  return [
    {
      what: 'decoding 640×480, damage told from extra bytes, p50',
      value: quantile(now, 0.5),
      unit: 'ms',
      baseline: { what: 'damage not looked for', value: quantile(before, 0.5) },
    },
  ];
}

const people = 150;
const turnsDeg = [90, 180, 270] as const;

async function turnedPictures(folder: string, reader: FaceReader): Promise<Row[]> {
  const { head } = reader.embedder;
  const { logit } = thresholdsOf({ policy: 'target-fmr', targetFmr: 1.25e-5, detection: 0.99, verification: 0.8 }, reader.embedder)(1);
  const rateOf = (templates: readonly Embedding[]) => {
    let above = 0;
    for (const [i, a] of templates.entries()) for (const b of templates.slice(0, i)) if (logitOf(head, a, b) >= logit) above++;
    return (2 * above) / Math.max(1, templates.length * (templates.length - 1));
  };
  const shots = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .slice(0, people)
    .map(({ name }) => join(folder, name, readdirSync(join(folder, name)).toSorted()[0] ?? ''));
  const rows: Row[] = [];
  for (const deg of [0, ...turnsDeg]) {
    const before: Embedding[] = [];
    const now: Embedding[] = [];
    for (const shot of shots) {
      const picture = await sharp(readFileSync(shot)).rotate(deg).jpeg({ quality: 95 }).toBuffer();
      const asItIs = (await reader.read(picture)).faces[0]?.embedding;
      if (asItIs) before.push(asItIs);
      const outcome = await readCandidate('', picture, reader, limits);
      if (outcome.accepted) now.push(outcome.template);
    }
    rows.push({
      what: `LFW turned by ${deg}°: impostor pairs above the logit of 1.25e-5, of ${now.length} enrolled`,
      value: 1e5 * rateOf(now),
      unit: 'per 100,000',
      baseline: { what: `as they are, ${before.length} enrolled`, value: 1e5 * rateOf(before) },
    });
  }
  return rows;
}

async function littleLight(folder: string, reader: FaceReader): Promise<Row[]> {
  const shots = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.jpg'))
    .map((name) => readFileSync(join(folder, name)));
  const bright: number[] = [];
  for (const shot of shots) bright.push((await reader.read(shot, { embed: 'none' })).faces[0]?.quality.luminance ?? 0);
  const order = [...shots.keys()].toSorted((a, b) => (bright[a] ?? 0) - (bright[b] ?? 0));
  const third = Math.ceil(order.length / 3);
  const rows: Row[] = [];
  for (const light of [1, 0.35, 0.2, 0.1, 0.04]) {
    const refused: number[] = [];
    const formerly: number[] = [];
    for (const part of [0, 1, 2]) {
      const faces = order.slice(part * third, (part + 1) * third);
      let [now, before] = [0, 0];
      for (const at of faces) {
        const picture = await sharp(shots[at]).linear(light, 0).jpeg({ quality: 90 }).toBuffer();
        const [face] = (await reader.read(picture, { embed: 'none' })).faces;
        if (!face || face.quality.reasons.length > 0) now++;
        if (!face || face.quality.luminance < oldLeastLuminance) before++;
      }
      refused.push((100 * now) / faces.length);
      formerly.push((100 * before) / faces.length);
    }
    const gap = (shares: readonly number[]) => Math.max(...shares) - Math.min(...shares);
    const shares = (all: readonly number[]) => all.map((share) => share.toFixed(0)).join('/');
    rows.push({
      what: `London at ${light} of its light: refused of darker/middle/lighter faces ${shares(refused)} %, widest gap`,
      value: gap(refused),
      unit: 'points',
      ...(light >= 0.1 ? { target: 5 } : {}),
      baseline: { what: `by brightness ${shares(formerly)} %`, value: gap(formerly) },
    });
  }
  return rows;
}
