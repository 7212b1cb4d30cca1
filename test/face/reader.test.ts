import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../src/base/errors.ts';
import { encode, messageField } from '../../src/base/model/protobuf.ts';
import { openDetector } from '../../src/face/detect.ts';
import { openEmbedder } from '../../src/face/embed.ts';
import { openDetectorNetwork } from '../../src/face/manifest/detector.ts';
import { openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import type { Box, FaceReader, Reading } from '../../src/face/port.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { readCandidate } from '../../src/identity/candidate.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';
import golden from './golden.json' with { type: 'json' };

const models = new URL('../../models/', import.meta.url).pathname;
const people = new URL('../../config/demo-people/', import.meta.url).pathname;
const limits = qualityLimits;
const options = { detector: join(models, 'detector'), embedder: join(models, 'embedder'), threads: 2, limits };
const shot = (name: string) => readFileSync(join(people, name));

let reader: FaceReader;
beforeAll(async () => {
  reader = await openFaceReader(options);
});
afterAll(async () => {
  await reader[Symbol.asyncDispose]();
});
const reasonsOf = (reading: Reading) => reading.faces[0]?.quality.reasons;

describe('the reference pipeline’s findings on the demo people', () => {
  // The reference gives box and points with two decimals, the fitness with four.
  const rounded = { px: 0.005, fitness: 0.000_05 };
  const furthest = (found: readonly number[], wanted: readonly number[]) => {
    expect(found).toHaveLength(wanted.length);
    return Math.max(...found.map((v, i) => Math.abs(v - (wanted[i] as number))));
  };

  it.each(golden.map((g) => [g.picture, g] as const))('%s: the same to 0.001', async (name, want) => {
    const reading = await reader.read(shot(name));
    expect(reading.faces).toHaveLength(want.faces.length);
    const [face] = reading.faces;
    const [wanted] = want.faces;
    if (!face?.embedding || !wanted) throw new Error(`${name} has no embedding`);
    const { box, landmarks, score, embedding, fitness } = face;
    expect(furthest([box.x1, box.y1, box.x2, box.y2], wanted.box)).toBeLessThan(0.001 + rounded.px);
    const points = landmarks.flatMap(({ x, y }) => [x, y]);
    expect(furthest(points, wanted.points.flat())).toBeLessThan(0.001 + rounded.px);
    expect(Math.abs(score - wanted.score)).toBeLessThan(0.001);
    expect(furthest([...embedding], wanted.embedding)).toBeLessThan(0.001);
    expect(Math.abs((fitness ?? 0) - wanted.quality)).toBeLessThan(0.001 + rounded.fitness);
  });
});

it('pictures read at the same time get the embeddings they get alone', async () => {
  const names = ['p01', 'p02', 'p03', 'p04', 'p05', 'p06'];
  const alone = [];
  for (const name of names) alone.push((await reader.read(shot(`${name}-neutral.jpg`))).faces[0]?.embedding);
  const together = await Promise.all(names.map((name) => reader.read(shot(`${name}-neutral.jpg`))));
  expect(together.map((reading) => reading.faces[0]?.embedding)).toEqual(alone);
});

describe('a frame of the camera and pictures for an enrolment', () => {
  const frame = () => reader.read(shot('p01-neutral.jpg'));
  const offered = (name: string) => reader.read(shot(`${name}-neutral.jpg`), { purpose: 'enrolment' });

  it('the frame goes before all of them, and each gets the reading that it gets alone', async () => {
    const names = ['p02', 'p03', 'p04'];
    const alone = [];
    for (const name of names) alone.push((await offered(name)).faces);
    const [face] = (await frame()).faces;
    const done: string[] = [];
    const pictures = names.map((name) => offered(name).finally(() => done.push(name)));
    const seen = await frame().finally(() => done.push('frame'));
    expect(done).toEqual(['frame']);
    expect(seen.faces).toEqual([face]);
    expect((await Promise.all(pictures)).map(({ faces }) => faces)).toEqual(alone);
    expect(done).toEqual(['frame', ...names]);
  });
});

describe('under a mask', () => {
  const two = () =>
    sharp({ create: { width: 1200, height: 600, channels: 3, background: 'white' } })
      .composite([
        { input: shot('p01-neutral.jpg'), left: 0, top: 0 },
        { input: shot('p02-neutral.jpg'), left: 600, top: 0 },
      ])
      .jpeg()
      .toBuffer();
  const left = [
    [0, 0],
    [0.5, 0],
    [0.5, 1],
    [0, 1],
  ] as const;

  it('a face in a zone to ignore is not there, and no second face for the other', async () => {
    const reading = await reader.read(await two(), { mask: { zones: { ignore: [left] }, still: [], check: false } });
    expect(reading.faces.map(({ box, quality: { reasons } }) => [box.x1 > 600, reasons])).toEqual([[true, []]]);
    expect(reading.still).toBeUndefined();
  });

  it('a face in the place of one that never moves is set apart, and embedded where it is to be checked', async () => {
    const picture = await two();
    const [first] = (await reader.read(picture)).faces;
    if (!first) throw new Error('no face');
    const [unchecked, checked] = [
      await reader.read(picture, { mask: { zones: {}, still: [first.box], check: false } }),
      await reader.read(picture, { mask: { zones: {}, still: [first.box], check: true } }),
    ];
    for (const { faces, still } of [unchecked, checked]) {
      expect(faces.map(({ quality: { reasons } }) => reasons)).toEqual([[]]);
      expect(still).toHaveLength(1);
    }
    expect(unchecked.still?.[0]?.embedding).toBeUndefined();
    expect(checked.still?.[0]?.embedding).toHaveLength(reader.embedder.dimension);
  });
});

describe('quality', () => {
  it('finds nothing wrong with a good face', async () => {
    expect(reasonsOf(await reader.read(shot('p01-neutral.jpg')))).toEqual([]);
  });

  const on = (picture: Sharp) => picture.jpeg().toBuffer();
  const grey = (height: number) => ({ create: { width: 600, height, channels: 3, background: '#808080' } }) as const;
  it.each([
    [
      'too-small',
      () => on(sharp(shot('p01-neutral.jpg')).resize(90).extend({ left: 275, right: 275, top: 195, bottom: 195, background: 'grey' })),
    ],
    ['too-dark', () => on(sharp(shot('p02-neutral.jpg')).linear(0.05, 0))],
    ['too-bright', () => on(sharp(shot('p01-neutral.jpg')).linear(3, 0))],
    [
      'damaged',
      async () => on(sharp(shot('p01-neutral.jpg')).composite([{ input: await sharp(grey(260)).png().toBuffer(), left: 0, top: 340 }])),
    ],
    ['blurred', () => on(sharp(shot('p01-neutral.jpg')).blur(12))],
    ['cut-off', () => on(sharp(shot('p01-neutral.jpg')).extract({ left: 250, top: 100, width: 350, height: 400 }))],
    [
      'several-faces',
      async () =>
        on(
          sharp({ create: { width: 1200, height: 600, channels: 3, background: 'white' } }).composite([
            { input: shot('p01-neutral.jpg'), left: 0, top: 0 },
            { input: shot('p02-neutral.jpg'), left: 600, top: 0 },
          ]),
        ),
    ],
  ])('says %s, and does not embed', async (reason, make) => {
    const reading = await reader.read(await make());
    expect(reasonsOf(reading)).toContain(reason);
    expect(reading.faces[0]?.embedding).toBeUndefined();
  });

  const boxes = new Map<string, { readonly box: Box; readonly width: number; readonly height: number }>();
  async function boxIn(name: string) {
    const known = boxes.get(name);
    if (known) return known;
    const { width, height, faces } = await reader.read(shot(name), { embed: 'none' });
    if (!faces[0]) throw new Error(`${name} shows nobody`);
    const found = { box: faces[0].box, width, height };
    boxes.set(name, found);
    return found;
  }

  /** The picture with a share of the face's box cut off on one side. */
  async function cutAt(name: string, side: 'left' | 'right' | 'top' | 'bottom', share: number): Promise<Buffer> {
    const { width, height, box } = await boxIn(name);
    const { x1, y1, x2, y2 } = box;
    const [across, down] = [share * (x2 - x1), share * (y2 - y1)];
    const left = side === 'left' ? Math.round(x1 + across) : 0;
    const top = side === 'top' ? Math.round(y1 + down) : 0;
    const right = side === 'right' ? Math.round(x2 - across) : width;
    const bottom = side === 'bottom' ? Math.round(y2 - down) : height;
    return on(sharp(shot(name)).extract({ left, top, width: right - left, height: bottom - top }));
  }

  it.each(['left', 'right', 'top', 'bottom'] as const)(
    'a face that the picture’s edge cuts on the %s is compared and stored by nobody',
    async (side) => {
      // The least and the most that is cut.
      for (const name of ['p01-neutral.jpg', 'p05-smiling.jpg'])
        for (const share of [0.3, 0.5]) {
          const picture = await cutAt(name, side, share);
          expect(reasonsOf(await reader.read(picture)), `${name} ${share}`).toContain('cut-off');
          expect(await readCandidate(name, picture, reader, limits), `${name} ${share}`).toMatchObject({ accepted: false });
        }
    },
  );

  it('a face at the edge, of which little is cut, still opens; where its framing is short of a fifth, it is not stored', async () => {
    const [inside, short] = [await cutAt('p01-neutral.jpg', 'right', 0), await cutAt('p01-neutral.jpg', 'right', 0.2)];
    expect(reasonsOf(await reader.read(inside, { purpose: 'enrolment' }))).toEqual([]);
    expect(reasonsOf(await reader.read(short))).toEqual([]);
    expect(reasonsOf(await reader.read(short, { purpose: 'enrolment' }))).toEqual(['cut-off']);
  });

  it('embeds the dominant face all the same where that is asked', async () => {
    const dark = await on(sharp(shot('p02-neutral.jpg')).linear(0.05, 0));
    expect((await reader.read(dark, { embed: 'dominant' })).faces[0]?.embedding).toHaveLength(256);
    expect((await reader.read(dark, { embed: 'none' })).faces[0]?.embedding).toBeUndefined();
  });

  describe('of a face that lies or stands on its head', () => {
    let lenient: FaceReader;
    beforeAll(async () => {
      lenient = await openFaceReader({ ...options, limits: { ...limits, maxRollDeg: 180, maxTurnDeg: 90, minScore: 0 } });
    });
    afterAll(() => lenient[Symbol.asyncDispose]());

    it.each([90, 180, 270])('turned by %i°, is unfit by the network’s own measure, not by its lean alone', async (deg) => {
      let found = 0;
      for (const { picture } of golden.filter((_, i) => i % 8 === 0)) {
        const frame = await sharp(shot(picture)).rotate(deg).jpeg().toBuffer();
        const [strict] = (await reader.read(frame)).faces;
        expect(strict?.embedding, picture).toBeUndefined();
        const [face] = (await lenient.read(frame)).faces;
        if (!face) continue;
        found++;
        expect([face.embedding, face.quality.reasons, (face.fitness ?? 1) < 0.5], picture).toEqual([undefined, ['unfit'], true]);
      }
      expect(found).toBeGreaterThan(0);
    });
  });

  it('gives no face for a picture without one', async () => {
    const empty = await sharp({ create: { width: 640, height: 480, channels: 3, background: '#88aa99' } })
      .jpeg()
      .toBuffer();
    expect((await reader.read(empty)).faces).toEqual([]);
  });
});

describe('faults', () => {
  it('a bad picture is refused and the next one is read', async () => {
    await expect(reader.read(Buffer.from('rubbish'))).rejects.toMatchObject({ code: 'bad-picture' });
    expect((await reader.read(shot('p01-neutral.jpg'))).faces).toHaveLength(1);
  });

  it('a reader that was closed says so instead of waiting for ever', async () => {
    const short = await openFaceReader(options);
    await short[Symbol.asyncDispose]();
    await expect(short.read(shot('p01-neutral.jpg'))).rejects.toMatchObject({ code: 'reader-failed' });
  });

  it('ends at any moment of a picture: a thread that is stopped while a network runs would take the process along', async () => {
    for (const afterMs of [0, 4, 8, 12]) {
      const short = await openFaceReader(options);
      const readings = Array.from({ length: 20 }, () => short.read(shot('p01-neutral.jpg')).catch((fault: Fault) => fault.code));
      await readings[0];
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await short[Symbol.asyncDispose]();
      // What was not begun is given up.
      expect(await readings.at(-1)).toBe('reader-failed');
    }
  });

  const altered = (network: 'detector' | 'embedder', change: (folder: string, manifest: Record<string, unknown>) => void) => {
    const folder = mkdtempSync(join(tmpdir(), 'facelatch-model-'));
    cpSync(join(models, network), folder, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    change(folder, manifest);
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
    return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
  };
  /** As the reader's thread does it. */
  const loaded = async (network: 'detector' | 'embedder', folder: string): Promise<unknown> =>
    network === 'detector'
      ? openDetector(openDetectorNetwork(folder), { threads: 1 })
      : openEmbedder(openEmbedderNetwork(folder), { threads: 1 });
  const rehash = (folder: string, manifest: Record<string, unknown>, bytes: Uint8Array) => {
    writeFileSync(join(folder, String(manifest.file)), bytes);
    manifest.sha256 = createHash('sha256').update(bytes).digest('hex');
  };

  it.each<[string, 'detector' | 'embedder', (folder: string, manifest: Record<string, unknown>) => void, string, RegExp]>([
    ['altered bytes', 'embedder', (folder) => writeFileSync(join(folder, 'twin.onnx'), 'x', { flag: 'a' }), 'model-damaged', /SHA-256/],
    [
      'a file that is no network',
      'embedder',
      (folder, m) => rehash(folder, m, Buffer.from('no network')),
      'model-unfit',
      /is not an ONNX model that can be read/,
    ],
    ['an empty network', 'embedder', (folder, m) => rehash(folder, m, encode(messageField(7))), 'model-unfit', /ONNX Runtime cannot load/],
    ['a missing file', 'detector', (folder) => rmSync(join(folder, 'eye.onnx')), 'model-missing', /eye\.onnx/],
    [
      'another input size',
      'embedder',
      (_, m) =>
        Object.assign(m, {
          input: { ...(m.input as object), width: 112, height: 112 },
          alignment: { ...(m.alignment as object), width: 112, height: 112 },
        }),
      'model-unfit',
      /n×3×112×112/,
    ],
    [
      'another dimension',
      'embedder',
      (_, m) => Object.assign(m, { output: { ...(m.output as object), dimension: 128 }, head: undefined, cover: undefined }),
      'model-unfit',
      /256 numbers for a face and its manifest says 128/,
    ],
    [
      'a head of another length',
      'embedder',
      (_, m) => Object.assign(m, { head: { kind: 'l1-logistic', bias: 1, weights: [1, 2] } }),
      'model-unfit',
      /head\.weights must be 256 finite numbers/,
    ],
    [
      'an output that is not there',
      'detector',
      (_, m) => Object.assign(m, { output: { decoder: 'points', scores: 'scores', boxes: 'boxes', points: 'landmarks' } }),
      'model-unfit',
      /lacks the output landmarks/,
    ],
    [
      'an unknown decoder',
      'detector',
      (_, m) => Object.assign(m, { output: { decoder: 'guess' } }),
      'model-unfit',
      /output\.decoder must be one of points, yunet/,
    ],
    [
      'the other kind of network',
      'detector',
      (_, m) => Object.assign(m, { kind: 'face-embedder' }),
      'model-unfit',
      /kind must be "face-detector"/,
    ],
  ])('%s is refused with the reason', async (_, network, change, code, message) => {
    using copy = altered(network, change);
    await expect(loaded(network, copy.folder)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('a folder without a manifest names the setting', async () => {
    await expect(openFaceReader({ ...options, embedder: '/nonexistent' })).rejects.toMatchObject({
      code: 'model-missing',
      message: expect.stringContaining('face.embedder'),
    });
  });
});
