/**
 * `facelatch models calibrate` on an embedder that sees only colours, and people who are one face in different light:
 * what is written, what is named, what is refused.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelFolder } from '../../../src/adapters/basics.ts';
import { newRandom } from '../../../src/base/random.ts';
import { openEmbedderNetwork } from '../../../src/face/manifest/embedder.ts';
import { calibrationCurve } from '../../../src/identity/threshold.ts';
import { type CalibrateOptions, calibrateNetwork } from '../../../src/learning/own/calibrate.ts';
import { demoPicture, facelatch, jsonOf } from '../../cli/facelatch.ts';
import { writeColourNetwork } from '../../fakes/colour-network.ts';

const place = mkdtempSync(join(tmpdir(), 'facelatch-calibrate-'));
const people = join(place, 'people');
/** Of fewer, too few pairs of strangers are left for a threshold at one in 100. */
const [count, pictures] = [22, 4];
/** Pixels: the time goes into finding faces. */
const side = 80;
const random = newRandom(2);

/** The face in a person's light, never quite the same; from a small picture. */
async function lit(face: Buffer, person: number): Promise<Buffer> {
  const angle = (2 * Math.PI * person) / count;
  const light = [0, 2.1, 4.2].map((phase) => 0.62 + 0.3 * Math.cos(angle + phase) + 0.02 * (random() - 0.5));
  return await sharp(face).linear(light, [0, 0, 0]).jpeg({ quality: 92 }).toBuffer();
}

beforeAll(async () => {
  const face = await sharp(demoPicture(1, 'neutral')).resize(side, side).png().toBuffer();
  for (let person = 0; person < count; person++) {
    const folder = join(people, `person-${person}`);
    mkdirSync(folder, { recursive: true });
    for (let k = 0; k < pictures; k++) writeFileSync(join(folder, `${k}.jpg`), await lit(face, person));
  }
  writeFileSync(join(people, 'person-3', 'wrong.jpg'), await lit(face, 19));
  writeFileSync(
    join(people, 'person-5', 'wall.png'),
    await sharp({ create: { width: side, height: side, channels: 3, background: '#456' } })
      .png()
      .toBuffer(),
  );
});
afterAll(() => rmSync(place, { recursive: true }));

const stages = new Set<string>();
const calibrate = (network: string, more: Partial<CalibrateOptions> = {}) =>
  calibrateNetwork({
    ...{ folders: [people], network, detector: modelFolder('detector'), threads: 1, pictures: 20, coverPictures: 60 },
    ...{ signal: AbortSignal.timeout(120_000), onProgress: (stage: string) => void stages.add(stage), ...more },
  });

describe('a network with nothing but its ONNX file', () => {
  let network: string;
  let done: Awaited<ReturnType<typeof calibrate>>;
  beforeAll(async () => {
    network = writeColourNetwork(join(place, 'bare'));
    rmSync(join(network, 'manifest.json'));
    done = await calibrate(network);
  });

  it('has a manifest with head, strict table and quality head that the face room takes', () => {
    const { info, input, quality } = openEmbedderNetwork(network);
    expect(info).toMatchObject({
      name: 'colours',
      dimension: 3,
      calibration: { population: expect.stringMatching(/people \(11 people, 44 pictures\)/) },
    });
    expect(info.calibration?.wild?.table.length).toBeGreaterThanOrEqual(3);
    expect(
      calibrationCurve(info.calibration ?? { population: '', impostorPairs: 0, genuinePairs: 0, table: [] }).logitAt(0.01).logit,
    ).toBeGreaterThan(0);
    expect([input.width, input.height, input.layout]).toEqual([32, 32, 'NCHW']);
    // Which order of the colours it is fed with changes nothing here: then it is the usual one.
    expect(done.network.feed).toMatch(/^RGB, .+, ArcFace's framing$/);
    if (done.quality === 'none') expect(quality).toBeUndefined();
    else expect(quality).toHaveProperty('head');
  });

  it('people whom the head learned from are not those it was measured on', () => {
    expect(done.people).toEqual({ learned: 11, measured: 11 });
    for (const {
      fnmr,
      fnmrInterval: [low, high],
    } of done.calibration.table)
      expect([low <= fnmr, fnmr <= high]).toEqual([true, true]);
  });

  it('the mislabelled picture and the one without a face are named, and none of the others', () => {
    expect(done.mislabelled).toEqual([{ picture: 'people/person-3/wrong.jpg', nearer: 'person-19' }]);
    expect(done.pictures).toEqual({ used: count * pictures, withoutFace: ['people/person-5/wall.png'] });
  });

  it('masks and glasses were drawn on some of the pictures, and the rules for them are in the manifest', () => {
    const { cover } = done;
    // Colours alone tell about every second mask.
    expect(openEmbedderNetwork(network).info.seesCovers).toBe(cover === 'none' ? undefined : true);
    if (cover === 'none') return;
    const sunglasses = cover.shares.filter(({ half }) => half === 'upper');
    // Mirrored ones may be as light as skin: a few pass.
    expect(sunglasses.map(({ kind, faces, passed }) => [kind, faces, passed])).toEqual([
      ['dark', 40, 0],
      ['mirrored', 40, expect.toSatisfy((passed: number) => passed <= 4)],
      ['gradient', 40, 0],
    ]);
  });

  it('no name of a person or a picture is in the manifest', () =>
    expect(readFileSync(join(network, 'manifest.json'), 'utf8')).not.toMatch(/person-|\.jpg/));

  it('all stages were told', () =>
    expect([...stages]).toEqual([
      'trying how it is fed',
      'reading',
      'comparing',
      'spoiling faces',
      'fitting the quality head',
      'drawing masks and glasses',
      'fitting the rules for covered faces',
    ]));
});

it('of several small folders it is said that their people are not compared with each other', async () => {
  const folders = Array.from({ length: 4 }, (_, n) => join(place, `part-${n}`));
  for (let person = 0; person < count; person++)
    cpSync(join(people, `person-${person}`), join(folders[person % 4] ?? '', `person-${person}`), { recursive: true });
  const network = writeColourNetwork(join(place, 'small-parts'));
  await expect(calibrate(network, { folders })).rejects.toThrow(
    /11 people that are measured on give \d+ pairs of strangers, too few .*put folders of a few people together/,
  );
});

it('what the manifest says stays: how it is fed, its name, its licence, an output of quality; not rules for covered faces', async () => {
  const network = writeColourNetwork(join(place, 'stated'), { quality: { name: 'embedding' }, note: 'mine', cover: 'of another network' });
  // Too few pictures to count covered faces on.
  const done = await calibrate(network, { coverPictures: 8 });
  expect(done.cover).toBe('none');
  expect(openEmbedderNetwork(network).info.seesCovers).toBeUndefined();
  expect(done.quality).toBe('output');
  expect(done.network.feed).toBe('');
  expect(JSON.parse(readFileSync(join(network, 'manifest.json'), 'utf8'))).toMatchObject({
    ...{ name: 'colours', version: '1.2.3', licence: 'CC0', note: 'mine', quality: { name: 'embedding', door: 0.5, enrolment: 0.6 } },
    input: { std: [255, 255, 255] },
  });
});

describe('refused, and nothing is written', () => {
  const part = (name: string, folders: readonly string[]) => {
    const to = join(place, name);
    for (const folder of folders) cpSync(join(people, folder), join(to, folder), { recursive: true });
    return to;
  };
  const refused = async (network: string, more: Partial<CalibrateOptions>, code: string, message: RegExp) => {
    const before = readdirSync(network).map((name) => readFileSync(join(network, name), 'latin1'));
    await expect(calibrate(network, more)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(readdirSync(network).map((name) => readFileSync(join(network, name), 'latin1'))).toEqual(before);
  };

  it('too few people: it says how many are needed, and how many there are', () => {
    const few = part('few', ['person-1', 'person-2', 'person-9']);
    return refused(
      writeColourNetwork(join(place, 'a')),
      { folders: [few] },
      'bad-argument',
      /at least 20 people.*there are 3\. Add people/,
    );
  });

  it('labels that are not labels: it names some, and asks whether the network is fed rightly', () => {
    const mixed = join(place, 'mixed');
    for (let person = 0; person < count; person++)
      for (let k = 0; k < 2; k++)
        cpSync(join(people, `person-${person}`, `${k}.jpg`), join(mixed, `group-${(person + 8 * k) % count}`, `${person}-${k}.jpg`));
    return refused(
      writeColourNetwork(join(place, 'b')),
      { folders: [mixed] },
      'bad-argument',
      /nearer to somebody else.*one folder for each person/,
    );
  });

  it('a network whose hash is wrong', () =>
    refused(
      writeColourNetwork(join(place, 'c'), { sha256: 'b'.repeat(64) }),
      {},
      'model-damaged',
      /not the file that its manifest\.json describes/,
    ));

  it('a shipped network', () => refused(modelFolder('embedder'), {}, 'bad-argument', /copy the folder to another place/));

  it('a detector', () => refused(writeColourNetwork(join(place, 'd'), { kind: 'face-detector' }), {}, 'model-unfit', /only an embedder/));

  it('a folder with two networks and no word on which', () => {
    const network = writeColourNetwork(join(place, 'e'), { file: undefined });
    cpSync(join(network, 'colours.onnx'), join(network, 'other.onnx'));
    return refused(network, {}, 'model-missing', /2 \.onnx files .*"file"/);
  });
});

it('on the command line: calibrated, added, listed, removed', async () => {
  const network = writeColourNetwork(join(place, 'line'));
  const state = join(place, 'state');
  const told = await facelatch(['models', 'calibrate', people, '--network', network, '--state', state]);
  expect(told.stderr).toBe('');
  expect(told.stdout).toMatch(/1 probably mislabelled.*\n +people\/person-3\/wrong\.jpg, nearer to person-19/);
  expect(told.stdout).toMatch(/1 in 100 .*95 % interval|95 % interval[\s\S]*1 in 100 /);
  const added = jsonOf(await facelatch(['models', 'add', network, '--state', state, '--json']));
  expect(added).toMatchObject({ name: 'colours', folder: join(state, 'own-networks', 'colours') });
  const listed = jsonOf(await facelatch(['models', '--state', state, '--json']));
  expect(listed.models).toContainEqual(expect.objectContaining({ name: 'colours', state: 'whole' }));
  expect((await facelatch(['models', 'verify', 'colours', '--state', state])).code).toBe(0);
  expect((await facelatch(['models', 'remove', 'colours', '--state', state])).stdout).toBe('colours is removed\n');
  expect(existsSync(join(state, 'own-networks', 'colours'))).toBe(false);
}, 60_000);
