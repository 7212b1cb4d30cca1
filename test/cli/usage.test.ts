/** What the command line says to a slip of the pen, to --help, and about its own settings and networks. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { encode, messageField, textField } from '../../src/base/model/protobuf.ts';
import { defaultsText } from '../../src/cli/door/config.ts';
import { reference } from '../../src/settings/reference.ts';
import { begin, demoPicture, facelatch, jsonOf, root, temporaryFolder } from './facelatch.ts';

const folder = temporaryFolder();
const state = join(folder.path, 'state');
afterAll(() => folder[Symbol.dispose]());

describe('wrong commands end with exit code 2 and one clear sentence', () => {
  it.each([
    { args: ['enrol', 'Ada'], says: /Say where the pictures come from/ },
    { args: ['enrol', 'Ada', demoPicture(1, 'neutral'), '--camera'], says: /one or the other/ },
    { args: ['enrol', ' ', demoPicture(1, 'neutral')], says: /A name has 1 to 80 characters/ },
    { args: ['enrol', 'Ada', '/nowhere/ada.jpg'], says: /There is no file or folder \/nowhere\/ada\.jpg/ },
    { args: ['enrol', 'Ada', folder.path], says: /There is no picture in the folder .* \.jpg \.jpeg/ },
    { args: ['enrol', 'Ada', '--camera', '--count', 'five'], says: /--count takes a whole number from 1 to 50, not "five"/ },
    {
      args: ['people', 'shw'],
      says: /There is no "facelatch people shw": choose from list, show, set, pin, rename, remove, consent, .* and drop-pictures/,
    },
    { args: ['compare', join(root, 'README.md'), demoPicture(1, 'neutral')], says: /README\.md: This is not a picture in a known format/ },
    { args: ['evaluate', join(root, 'config', 'demo-people')], says: /\d+ pictures and no folder for each person.*--people-by name/ },
    { args: ['compare', root, 'a.jpg'], says: /is a folder: name one picture/ },
    { args: ['compare', '/nowhere.jpg', 'a.jpg'], says: /The file \/nowhere\.jpg does not exist\n/ },
    { args: ['people', 'rename', 'Ada'], says: /missing required argument 'new-name'/ },
    { args: ['people'], says: /There is no state folder .*state: nobody was enrolled there yet/ },
    { args: ['verify', '--bogus'], says: /unknown option '--bogus'/ },
    { args: ['compare', 'a.jpg', 'b.jpg', '--fmr', '2'], says: /--fmr takes a rate between 0 and 1/ },
    { args: ['journal', '--set', 'relay.puls=3'], says: /relay\.puls: no such setting \(from flag --set\); did you mean relay\.pulseMs\?/ },
    { args: ['journal', '--set', 'camera.fsp=3'], says: /camera\.fsp: no such setting \(from flag --set\); did you mean camera\.fps\?/ },
    { args: ['models', 'add', '/nowhere'], says: /There is no folder \/nowhere\n/ },
    {
      args: ['models', 'add', join(root, 'README.md')],
      says: /README\.md is a file: name the folder that it lies in, with its manifest\.json/,
    },
    { args: ['models', 'add', join(root, 'config')], says: /no manifest\.json, as a network of your own has .* and no bundle\.json/ },
    {
      args: ['models', 'cohort', folder.path, '--out', folder.path, '--without', '/nowhere.txt'],
      says: /\(--without\): \/nowhere\.txt does not exist/,
    },
    {
      args: ['models', 'cohort', folder.path, '--out', folder.path],
      says: /Pairs need at least 2 people.*: add pictures there, a folder for each person\.\n$/,
    },
    { args: ['evaluate', folder.path, '--pairs', '/nowhere.txt'], says: /The list of pairs \(--pairs\): \/nowhere\.txt does not exist/ },
  ])('$args', async ({ args, says }) => {
    const { code, stdout, stderr } = await facelatch([...args, '--state', state]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/ at .*\.ts:\d/); // no stack
  });

  it('tune refuses a fixed value for what it tunes, which it would ignore', async () => {
    const { code, stderr } = await facelatch(['tune', folder.path, '--out', folder.path, '--epochs', '3']);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--epochs is tuned here.*--range epochs=from\.\.to/)]);
  });

  it('as JSON when that was asked for', async () => {
    const { code, stderr } = await facelatch(['verify', '/nowhere.jpg', '--state', folder.path, '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'not-found', message: expect.stringContaining('/nowhere.jpg') } });
  });

  it('as JSON for a slip of the pen too', async () => {
    for (const [slip, message] of [
      ['verify --bogus', "unknown option '--bogus'"],
      ['nosuch', "unknown command 'nosuch'"],
      ['--bogus', "unknown option '--bogus'"],
    ] as const) {
      const { code, stdout, stderr } = await facelatch([...slip.split(' '), '--json']);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(JSON.parse(stderr)).toEqual({ error: { code: 'bad-argument', message } });
    }
  });

  it('names the setting when the state folder is a file', async () => {
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    const { code, stderr } = await facelatch(['people', '--state', file]);
    const said = { code: 2, stderr: `facelatch: ${file} is a file: set state.folder (--state) to a folder\n` };
    expect({ code, stderr }).toEqual(said);
    expect(await facelatch(['models', '--state', file])).toMatchObject(said);
    // The other parts are looked at all the same.
    const doctor = await facelatch(['doctor', '--no-camera', '--state', file]);
    expect(doctor.stdout).toMatch(/state +.* is a file: set state\.folder[\s\S]*\n. clock /);
  });

  it('names the folder when a network is named by a file', async () => {
    const file = join(folder.path, 'twin.onnx');
    writeFileSync(file, '');
    const set = await facelatch([
      'enrol',
      'Ada',
      demoPicture(1, 'neutral'),
      '--state',
      join(folder.path, 'of-a-file'),
      '--set',
      `face.embedder=${file}`,
    ]);
    expect(set).toMatchObject({ code: 3, stderr: expect.stringMatching(/no manifest\.json\. Set face\.embedder to a folder/) });
    const calibrated = await facelatch(['models', 'calibrate', folder.path, '--network', file]);
    expect(calibrated).toMatchObject({ code: 3, stderr: expect.stringContaining('--network takes the folder of a network') });
  });

  it('names the manifest when it is not JSON', async () => {
    writeFileSync(join(folder.path, 'manifest.json'), '{');
    const { code, stderr } = await facelatch(['models', 'add', folder.path, '--state', join(folder.path, 'of-a-manifest')]);
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: expect.stringMatching(/^facelatch: \S+manifest\.json is not JSON: restore it\n$/),
    });
  });
});

it.each(['run', 'doctor', 'bench', 'enrol', 'journal', 'people'])('%s --help shows examples and exit codes', async (command) => {
  const { code, stdout } = await facelatch([command, '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/Examples:\n {2}facelatch [\s\S]*\nExit codes: 0 .* · 2 wrong .* · 3 .* · 130 stopped/);
});

it('helps with examples and exit codes', async () => {
  const { code, stdout } = await facelatch(['verify', '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/Examples:\n {2}facelatch verify visitor\.jpg --person Ada\n/);
  expect(stdout).toMatch(/Exit codes: 0 accepted · 1 not accepted · 2 wrong .* · 3 .* · 130 stopped/);
});

it('doctor ends when it is stopped, and calls that no problem', async () => {
  const camera = createServer().listen(0, '127.0.0.1'); // one that answers nothing
  onTestFinished(() => void camera.close());
  await once(camera, 'listening');
  const url = `rtsp://127.0.0.1:${(camera.address() as AddressInfo).port}/`;
  const args = ['--set', 'camera.source=rtsp', '--set', `camera.url=${url}`, '--state', join(folder.path, 'doctor-state')];
  const { done, stop } = begin(['doctor', ...args]);
  const [socket] = await once(camera, 'connection');
  socket.on('error', () => undefined);
  stop();
  const { code, stderr } = await done;
  expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringContaining('stopped') });
});

describe('config', () => {
  it('says of every value where it came from, and hides secrets', async () => {
    const file = join(folder.path, 'door.json');
    writeFileSync(file, JSON.stringify({ door: { id: 'garage' } }));
    const args = ['config', '--json', '--config', file, '--set', 'relay.kind=dry'];
    const result = await facelatch(args, { FACELATCH_CAMERA_FPS: '10', FACELATCH_MQTT_PASSWORD: 'open sesame' });
    expect(jsonOf(result)).toMatchObject({
      'door.id': { value: 'garage', source: `file ${file}` },
      'camera.fps': { value: 10, source: 'environment FACELATCH_CAMERA_FPS' },
      'mqtt.password': { value: '(hidden)', source: 'environment FACELATCH_MQTT_PASSWORD' },
      'relay.kind': { value: 'dry', source: 'flag' },
      'relay.wiring': { source: 'default' },
    });
    expect(result.stdout).not.toContain('sesame');
    const careless = await facelatch(['config', '--set', 'mqtt.password=open sesame']);
    expect(careless).toMatchObject({ code: 2, stderr: expect.stringContaining('mqtt.passwordFile') });
    expect(careless.stderr).not.toContain('sesame');
  });

  it('has its reference in docs/ and its defaults in config/ (npm run reference makes both)', () => {
    expect(readFileSync(join(root, 'docs/reference/settings.md'), 'utf8')).toBe(reference());
    expect(readFileSync(join(root, 'config', 'default.json'), 'utf8')).toBe(`${defaultsText()}\n`);
  });

  it('prints them as they stand there', async () => {
    expect((await facelatch(['config', '--reference'])).stdout).toBe(reference());
    expect((await facelatch(['config', '--defaults'])).stdout).toBe(`${defaultsText()}\n`);
  });
});

describe('models', () => {
  it('lists the networks with licence and use, whole', async () => {
    const result = await facelatch(['models', '--json']);
    const { models } = jsonOf(result);
    expect(result.code).toBe(0);
    expect(models.map(({ kind, state: found, usedAs }: Record<string, unknown>) => ({ kind, found, usedAs }))).toEqual([
      { kind: 'cohort', found: 'whole', usedAs: [] },
      { kind: 'face-detector', found: 'whole', usedAs: ['face.detector'] },
      { kind: 'face-embedder', found: 'whole', usedAs: ['face.embedder'] },
      { kind: 'liveness', found: 'whole', usedAs: ['liveness.networks'] },
      { kind: 'eye-state', found: 'whole', usedAs: [] },
    ]);
    expect(models.every(({ licence, version, kind }: Record<string, string>) => licence && (version || kind === 'cohort'))).toBe(true);
  });

  it('finds a network of one byte too many, with exit code 1; and nothing is compared with it', async () => {
    const damaged = join(folder.path, 'damaged');
    cpSync(join(root, 'models', 'embedder'), damaged, { recursive: true });
    const { file } = JSON.parse(readFileSync(join(damaged, 'manifest.json'), 'utf8'));
    writeFileSync(join(damaged, file), 'x', { flag: 'a' });
    const listed = await facelatch(['models', '--embedder', damaged, '--json']);
    expect(listed.code).toBe(1);
    expect(jsonOf(listed).models.at(-1)).toMatchObject({ folder: damaged, state: 'damaged', usedAs: ['face.embedder'] });
    const compared = await facelatch(['compare', demoPicture(1, 'neutral'), demoPicture(1, 'smiling'), '--embedder', damaged]);
    expect(compared).toMatchObject({ code: 3, stderr: expect.stringContaining('is not the file its manifest describes') });
  });

  it('verify looks at the shipped and the configured ones where nothing was trained, and names the one that is not to be used', async () => {
    const none = join(folder.path, 'nothing-trained');
    const whole = await facelatch(['models', 'verify', '--state', none]);
    expect(whole).toMatchObject({ code: 0, stderr: '' });
    expect(whole.stdout.match(/^(cohort|detector|embedder) +whole/gm)).toHaveLength(3);
    const mine = join(folder.path, 'mine');
    cpSync(join(root, 'models', 'detector'), mine, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(mine, 'manifest.json'), 'utf8'));
    // One weight more, in another file: a graph that readers join to the first.
    const outside = messageField(7, messageField(5, textField(8, 'w'), messageField(13, textField(1, 'location'), textField(2, 'w.bin'))));
    const bytes = Buffer.concat([readFileSync(join(mine, manifest.file)), encode(outside)]);
    writeFileSync(join(mine, manifest.file), bytes);
    writeFileSync(join(mine, 'manifest.json'), JSON.stringify({ ...manifest, sha256: createHash('sha256').update(bytes).digest('hex') }));
    const bad = await facelatch(['models', 'verify', '--detector', mine, '--state', none]);
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(/^mine +NOT TO BE USED .* takes the tensor "w" from another file/m);
    expect((await facelatch(['models', 'verify', 'embedder', '--detector', mine, '--state', none])).code).toBe(0);
    expect(await facelatch(['models', 'verify', 'nowhere', '--state', none])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no trained network nowhere'),
    });
  });
});
