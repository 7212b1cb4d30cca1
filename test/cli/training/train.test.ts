/** Training, tuning and the paper's experiment from the command line, with a small network and invented people; and the table of the paper's network. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experimentCommand } from '../../../src/cli/training/experiment.ts';
import { trainCommand } from '../../../src/cli/training/train.ts';
import { tuneCommand } from '../../../src/cli/training/tune.ts';
import { inventPeople } from '../../train/runs.ts';
import { demoPicture, facelatch, jsonOf, type Run, root, start, temporaryFolder } from '../facelatch.ts';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder.path, ...names);
const people = at('people');
beforeAll(async () => {
  await inventPeople(people, 12, 4);
});
afterAll(() => folder[Symbol.dispose]());

const quick = ['--size', 'small', '--batch', '4', '--batches-per-epoch', '3', '--validation-pairs', '8', '--threads', '1'];
const linesOf = ({ stdout }: Run) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
/** A command in this process, for what it refuses. */
const parsed = (command: typeof trainCommand, args: readonly string[]) =>
  command(new AbortController().signal, () => undefined).parseAsync(args, { from: 'user' });
const kinds = (run: Run) => linesOf(run).map(({ kind }) => kind);

describe('models describe', () => {
  it('prints the table of the paper’s network with its parameters', async () => {
    const { code, stdout } = await facelatch(['models', 'describe', 'paper']);
    expect(code).toBe(0);
    const rows = stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '));
    expect(rows).toContain('conv1 | 64 filters 10×10, stride 1, no padding, ReLU | 91 × 91 × 64 | 19,264');
    expect(rows).toContain('pool3 | maximum of 2×2, stride 2, padded (same) | 9 × 9 × 128 | –');
    expect(rows).toContain('embedding | dense, sigmoid | 4096 | 37,752,832');
    expect(stdout).toMatch(/twin.* 38,960,448 parameters\n.*Siamese.* 38,964,545 parameters\n$/);
  });

  it('gives the tutorial’s the same shapes and parameters', async () => {
    const found = jsonOf(await facelatch(['models', 'describe', 'paper', '--variant', 'tutorial', '--json']));
    expect(found).toMatchObject({ network: 'paper-tutorial', parameters: { twin: 38_960_448, whole: 38_964_545 } });
    const sides = found.layers.filter(({ layer }: { layer: string }) => /conv|pool/.test(layer));
    expect(sides.map(({ shape }: { shape: number[] }) => shape[0])).toEqual([91, 46, 40, 20, 17, 9, 6]);
  });
});

describe('train', () => {
  const out = at('network');

  it('trains, measures the test part at its thresholds, and says where the network lies', async () => {
    const run = await facelatch(['train', people, '--out', out, ...quick, '--epochs', '2', '--json']);
    expect(kinds(run)).toEqual([
      'split',
      'started',
      ...['step', 'step', 'step', 'epoch'],
      ...['step', 'step', 'step', 'epoch'],
      'checkpoint',
      'done',
    ]);
    const [split] = linesOf(run);
    expect(split.parts.map(({ people: count }: { people: number }) => count)).toEqual([7, 2, 3]);
    const done = linesOf(run).at(-1);
    expect(done).toMatchObject({ steps: 6, people: 3, model: join(out, 'checkpoint.facelatch') });
    expect(done.test.map(({ threshold }: { threshold: number }) => threshold)).toEqual([0.5, 0.9, 0.99]);
    // 3 people of 4 pictures: 18 pairs of one person, 48 of two.
    expect(done.test[0].pairs).toBe(66);
    expect(done.test[0].accuracy.interval[0]).toBeLessThan(done.test[0].accuracy.value);
  });

  it('goes on longer with the settings of before, and says so in words', async () => {
    const { code, stdout, stderr } = await facelatch(['train', '--out', out, '--resume', '--epochs', '3']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/goes on after step 6 on onnx.*\nepoch 3 of 3 · loss [\d.]+ · validation: loss [\d.]+, [\d.]+ % right\n$/);
    expect(stdout).toMatch(
      /^trained for 9 steps; .*\ntest part: 66 pairs of 3 people; none .*\n +score above +accuracy % +precision % +recall % +F1 %\n +0\.5 +/,
    );
    expect(stdout).toContain(`the network is in ${join(out, 'checkpoint.facelatch')}`);
  });

  it('keeps its history whole over both runs: a row for each step, validation at the end of each epoch, and a curve', () => {
    const [head, ...rows] = readFileSync(join(out, 'history.csv'), 'utf8').trim().split('\n');
    expect(head).toBe('step,loss,validation_loss,validation_accuracy,seconds');
    const cells = rows.map((row) => row.split(','));
    expect(cells.map(([step]) => step)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(cells.filter(([, , loss, accuracy]) => loss !== '' && accuracy !== '').map(([step]) => step)).toEqual(['3', '6', '9']);
    const seconds = cells.map((row) => Number(row[4]));
    expect(seconds.every((value, index) => value >= (seconds[index - 1] ?? 0))).toBe(true);
    expect(readFileSync(join(out, 'loss.svg'), 'utf8')).toMatch(/^<svg .*>training<.*>validation</s);
  });

  it('verifies a probe against a folder: yes and no by the thresholds', async () => {
    const verify = (...thresholds: string[]) =>
      facelatch(['train', 'verify', out, join(people, 'person-0', '0.png'), join(people, 'person-0'), ...thresholds]);
    const yes = await verify('--detection', '0', '--verification', '0.5', '--json');
    expect(yes.code).toBe(0);
    expect(jsonOf(yes)).toMatchObject({ verified: true, detections: 4, images: 4 });
    const no = await verify('--detection', '1');
    expect(no).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^not verified: 0 of 4 pictures \(0\.0 %\) score above 1; more than 80 % are needed/),
    });
  });

  it('goes out to a TensorFlow.js layers model and comes back as a network that scores the same', async () => {
    expect((await facelatch(['train', 'export', out, '--out', at('layers')])).code).toBe(0);
    expect(readdirSync(at('layers'))).toEqual(['model.json', 'weights.bin']);
    expect((await facelatch(['train', 'import', at('layers'), '--out', at('back'), '--json'])).code).toBe(0);
    const scores = async (network: string) =>
      jsonOf(await facelatch(['train', 'verify', network, join(people, 'person-0', '0.png'), join(people, 'person-0'), '--json'])).scores;
    expect(await scores(at('back'))).toEqual(await scores(out));
    const again = await facelatch(['train', 'export', out, '--out', at('layers')]);
    expect([again.code, again.stderr]).toEqual([2, expect.stringMatching(/already holds a model.json: give another --out/)]);
    const nothing = await facelatch(['train', 'import', people, '--out', at('nothing')]);
    expect([nothing.code, nothing.stderr]).toEqual([3, expect.stringMatching(/holds no readable TensorFlow.js model/)]);
    expect(existsSync(at('nothing'))).toBe(false);
  });

  it('stopped with Ctrl-C saves its state, and goes on from there as it says', async () => {
    const running = start(['train', people, '--out', at('stopped'), ...quick, '--epochs', '100000', '--json']);
    await running.said(/"kind":"step"/);
    running.child.kill('SIGINT');
    const run = await running.done;
    const stopped = linesOf(run).at(-1);
    expect(run.code).toBe(130);
    expect(stopped).toMatchObject({ kind: 'stopped', goOn: `facelatch train --out ${at('stopped')} --resume` });
    const epochs = String(Math.ceil((stopped.step + 1) / 3));
    const again = await facelatch([...stopped.goOn.split(' ').slice(1), '--epochs', epochs, '--json']);
    expect(linesOf(again)).toContainEqual(expect.objectContaining({ kind: 'started', step: stopped.step }));
    expect(linesOf(again).at(-1)).toMatchObject({ kind: 'done', steps: 3 * Number(epochs) });
  });

  it('previews the first batch, and trains nothing', async () => {
    const sheet = at('sheet.png');
    expect(await facelatch(['train', people, '--preview', sheet, ...quick, '--augment', '1'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
    // 4 pairs: one row of 8 pictures of side 40, 2 pixels between.
    expect(await sharp(sheet).metadata()).toMatchObject({ format: 'png', width: 8 * 42 - 2, height: 40 });
  });

  it('with --crop cuts pictures to the face, and leaves out and names those that show none; so does who uses the network', async () => {
    const faces = at('faces');
    for (let person = 1; person <= 10; person++) {
      mkdirSync(join(faces, `p${person}`), { recursive: true });
      for (const shot of ['neutral', 'smiling'] as const)
        await sharp(demoPicture(person, shot))
          .resize(160)
          .toFile(join(faces, `p${person}`, `${shot}.jpg`));
    }
    const wall = join(faces, 'p1', 'wall.png');
    await sharp({ create: { width: 99, height: 99, channels: 3, background: '#a88' } }).toFile(wall);
    const preview = (name: string, ...more: string[]) =>
      facelatch(['train', faces, '--preview', at(name), ...quick, '--augment', '0', ...more]);
    const [run] = await Promise.all([
      facelatch(['train', faces, '--out', at('cropped'), ...quick, '--epochs', '1', '--crop', '--json']),
      preview('cut.png', '--crop'),
    ]);
    expect(linesOf(run)[0]).toEqual({ kind: 'faces', found: 20, withoutFace: [wall] });
    expect(linesOf(run)[1].parts.reduce((sum: number, { pictures }: { pictures: number }) => sum + pictures, 0)).toBe(20);
    expect(linesOf(run).at(-1)).toMatchObject({ kind: 'done', steps: 3 });
    await preview('whole.png');
    expect(readFileSync(at('cut.png')).equals(readFileSync(at('whole.png')))).toBe(false);
    const verify = (probe: string) => facelatch(['train', 'verify', at('cropped'), probe, join(faces, 'p1'), '--detection', '0', '--json']);
    expect(jsonOf(await verify(join(faces, 'p1', 'neutral.jpg')))).toMatchObject({ images: 3, detections: 2, withoutFace: [wall] });
    expect(await verify(wall)).toMatchObject({ code: 2, stderr: expect.stringContaining('No face was found in the probe') });
    const measured = await facelatch(['evaluate', faces, '--model', at('cropped'), '--part', 'all', '--json']);
    expect(jsonOf(measured)).toMatchObject({ pictures: 21, withoutFace: ['p1/wall.png'], unreadable: [] });
  });

  it('on a disk that fills says so', async () => {
    // A limit on the size of a file fails as a full disk does; a checkpoint of the small network takes 1 MB.
    const limited = 'ulimit -f 500; exec "$0" "$@"';
    const args = ['train', people, '--out', at('full'), ...quick, '--epochs', '1'];
    const run = spawnSync('bash', ['-c', limited, process.execPath, join(root, 'bin', 'facelatch.mjs'), ...args], { encoding: 'utf8' });
    expect({ code: run.status, stderr: run.stderr }).toEqual({
      code: 3,
      stderr: expect.stringMatching(/facelatch: The disk filled while .*free space/),
    });
    expect(readdirSync(at('full'))).toEqual(['settings.json']);
    const trained = await facelatch(args);
    expect(trained.code, trained.stderr).toBe(0);
    const resumed = ['train', '--out', at('full'), '--resume', '--epochs', '2'];
    const again = spawnSync('bash', ['-c', limited, process.execPath, join(root, 'bin', 'facelatch.mjs'), ...resumed], {
      encoding: 'utf8',
    });
    expect({ code: again.status, stderr: again.stderr.trim().split('\n').at(-1) }).toEqual({
      code: 3,
      stderr: expect.stringMatching(/^facelatch: The disk filled while .*the last checkpoint is whole/),
    });
    expect(readdirSync(at('full'))).toEqual(['checkpoint.facelatch', 'history.csv', 'loss.svg', 'settings.json']);
    expect((await facelatch(resumed)).stderr).toContain('goes on after step 3');
  });
});

describe('what cannot be is refused with one clear sentence', () => {
  beforeAll(async () => {
    await inventPeople(at('few'), 4, 4);
    await inventPeople(at('single'), 12, 1);
    cpSync(people, at('broken'), { recursive: true });
    for (const person of readdirSync(at('broken'))) writeFileSync(at('broken', person, '0.png'), 'no picture');
  });
  const network = at('network');

  it.each([
    { what: 'too few people', args: [at('few'), '--out', at('x')], says: /needs at least 9 people; .*few has 4: .*--split picture/ },
    {
      what: 'one picture each',
      args: [at('single'), '--out', at('x')],
      says: /12 people, 0 with 2 pictures and 12 with only one: add pictures there/,
    },
    { what: 'no folder', args: ['/nowhere', '--out', at('x')], says: /\/nowhere cannot be read/ },
    { what: 'no --out', args: [people], says: /--out FOLDER/ },
    { what: 'no run to resume', args: ['--out', at('x'), '--resume'], says: /no training run in .*without --resume/ },
    { what: 'a network already there', args: [people, '--out', network], says: /already holds a trained network.*--resume/ },
    { what: 'WebAssembly for ONNX', args: [people, '--out', at('x'), '--device', 'wasm'], says: /add --engine tfjs/ },
    { what: 'half an epoch', args: [people, '--out', at('x'), '--steps', '70'], says: /whole epochs of 50 steps/ },
    { what: 'a bad number', args: [people, '--out', at('x'), '--augment', '2'], says: /--augment takes a number from 0 to 1, not "2"/ },
  ])('$what, before anything is written', async ({ args, says }) => {
    await expect(parsed(trainCommand, args)).rejects.toThrow(says);
    expect(existsSync(at('x'))).toBe(false);
  });

  it.concurrent.each([
    { what: 'another network', args: ['--out', network, '--resume', '--size', 'paper'], code: 3, says: /holds another network/ },
    { what: 'other settings', args: ['--out', network, '--resume', '--batch', '5'], code: 2, says: /is of a run with other settings/ },
    { what: 'a broken picture', args: [at('broken'), '--out', at('y'), ...quick], code: 2, says: /0\.png cannot be read as a picture/ },
    {
      what: 'a loss that breaks',
      args: [people, '--out', at('nan'), ...quick, '--optimiser', 'sgd', '--learning-rate', '1e30'],
      code: 3,
      says: /Step \d+ gave a loss that is not a number; .*lower .*--learning-rate.* below 1e\+30.*checkpoint/,
    },
  ])('$what, with its exit code', async ({ args, code, says }) => {
    const run = await facelatch(['train', ...args]);
    expect(run.stderr).toMatch(says);
    expect(run.stderr).not.toMatch(/this is a bug/);
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code, stdout: '' });
  });

  it('a refused resume leaves the run as it was', () => {
    expect(JSON.parse(readFileSync(join(network, 'settings.json'), 'utf8')).options).toMatchObject({ size: 'small', batch: 4 });
  });
});

describe('tune', () => {
  const args = (trials: string, ...more: string[]) => {
    const space = ['--only', 'rate', '--range', 'augment=0..0.5', '--epochs', '1'];
    return ['tune', people, '--out', at('tuning'), ...quick, ...space, '--trials', trials, ...more];
  };

  it('shows trials as they end and the best as a command, draws them, and goes on from those it has', async () => {
    const first = await facelatch(args('2'));
    expect(first.code).toBe(0);
    expect(first.stderr).toMatch(/^trial +loss +rate +augment +seconds\n1 .* best so far\n2 .*\n$/);
    expect(first.stdout).toMatch(
      /^best of 2 trials: number [12], validation loss .*\ntrain with it: facelatch train .* --learning-rate \S+ --augment \S+\n$/,
    );
    const second = linesOf(await facelatch(args('3', '--json')));
    expect(second.map(({ kind }) => kind)).toEqual(['trial', 'trial', 'trial', 'done']);
    expect(second.at(-1).best.value).toBe(Math.min(...second.slice(0, 3).map(({ value }) => value)));
    expect(readFileSync(at('tuning', 'trials.jsonl'), 'utf8').trim().split('\n').length).toBe(3);
    expect(readFileSync(at('tuning', 'trials.svg'), 'utf8')).toMatch(/^<svg [\s\S]*best so far[\s\S]*<\/svg>\n$/);
  });

  it('mixes no trials of other settings in, and searches nothing that is no setting', async () => {
    const refused = (...more: string[]) => parsed(tuneCommand, args('3', ...more).slice(1));
    await expect(refused('--loss', 'contrastive')).rejects.toThrow('with other settings');
    await expect(refused('--only', 'depth')).rejects.toThrow('depth cannot be tuned: choose from rate, momentum');
    await expect(refused('--range', 'rate=1')).rejects.toThrow('such as rate=1e-5..1e-3');
  });
});

describe('experiment paper', () => {
  const data = at('data');
  const args = ['experiment', 'paper', '--data', data, '--out', at('docs', 'paper.md'), '--cells', at('cells')];
  const small = [
    '--size',
    'small',
    '--budget',
    '2',
    '--batch',
    '4',
    '--measured-pairs',
    '20',
    '--only',
    'orl-5',
    '--threads',
    '1',
    '--no-base',
  ];

  it('says which pictures it needs', async () => {
    mkdirSync(join(data, 'orl'), { recursive: true });
    const missing = parsed(experimentCommand, args.slice(1));
    await expect(missing).rejects.toThrow(
      /not in .*data \(--data\):\n {2}tutorial-webcam\/input_image: .*\n {2}tutorial-webcam\/verification_images/,
    );
    await expect(missing).rejects.not.toThrow('orl:');
  });

  it('runs the cells that were asked for, writes the page, and runs none of them again', async () => {
    await inventPeople(join(data, 'orl'), 12, 4);
    await inventPeople(join(data, 'faces-train', 'pins112'), 2, 2);
    writeFileSync(join(data, 'faces-train', 'held-out-people.txt'), 'pins112/person-1\n');
    for (const name of ['input_image', 'verification_images'])
      cpSync(join(people, 'person-0'), join(data, 'tutorial-webcam', name), { recursive: true });
    const ran = await facelatch([...args, ...small, '--json']);
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: '' });
    const first = linesOf(ran);
    expect(first.filter(({ kind }) => kind === 'step').map(({ cell, step }) => `${cell} ${step}`)).toEqual(
      ['bce', 'contrastive'].flatMap((loss) => [1, 2].map((step) => `table-2-orl-5-${loss} ${step}`)),
    );
    expect(first.at(-1)).toEqual({ kind: 'done', cells: 22, ran: 2, page: at('docs', 'paper.md') });
    expect(readFileSync(at('docs', 'paper.md'), 'utf8')).toContain('**20 of 22 cells have not been run yet.**');
    expect(existsSync(at('docs', 'plots', 'growing-orl.svg'))).toBe(true);
    expect(readdirSync(at('cells')).sort()).toEqual(['table-2-orl-5-bce.json', 'table-2-orl-5-contrastive.json']);
    expect(kinds(await facelatch([...args, ...small, '--json']))).toEqual(['done']);
  });

  it('trains cells to convergence into a section of the same page, and the rest of the page stays', async () => {
    const toConvergence = [...args, ...small, '--to-convergence', '2', '--json'];
    const ran = await facelatch(toConvergence);
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: '' });
    expect(linesOf(ran).at(-1)).toEqual({ kind: 'done', cells: 13, ran: 1, page: at('docs', 'paper.md') });
    const page = readFileSync(at('docs', 'paper.md'), 'utf8');
    expect(page).toContain('**20 of 22 cells have not been run yet.**');
    expect(page).toContain('## To convergence');
    expect(page).toContain('**12 of 13 cells have not ended yet**');
    expect(existsSync(at('docs', 'plots', 'converged-orl.svg'))).toBe(true);
    expect(existsSync(at('cells', 'curves', 'converged-orl-5-contrastive.csv'))).toBe(true);
    expect(kinds(await facelatch(toConvergence))).toEqual(['done']);
    expect(kinds(await facelatch([...args, ...small, '--json']))).toEqual(['done']);
    expect(readFileSync(at('docs', 'paper.md'), 'utf8')).toBe(page);
  });

  it('measures cells that have not ended only where cells are trained to convergence', async () => {
    await expect(parsed(experimentCommand, [...args.slice(1), '--so-far'])).rejects.toThrow('--to-convergence');
  });

  it('refuses a page that cannot be written before anything is trained, and trials that are not a folder', async () => {
    mkdirSync(at('folder.md'));
    writeFileSync(at('a-file'), '');
    const into = (out: string) => parsed(experimentCommand, ['paper', '--data', data, '--cells', at('untouched'), ...small, '--out', out]);
    await expect(into(at('folder.md'))).rejects.toThrow(/folder\.md cannot be written \(a folder has this name\): choose another place/);
    await expect(into(at('a-file', 'paper.md'))).rejects.toThrow(/paper\.md cannot be written/);
    await expect(parsed(experimentCommand, [...args.slice(1), '--tuned', at('a-file')])).rejects.toThrow(
      /no finished trial in .*a-file \(--tuned\)/,
    );
    expect(readdirSync(at('untouched'))).toEqual([]);
  });
});
