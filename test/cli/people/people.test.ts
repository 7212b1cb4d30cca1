/** A day with the command line: enrol, verify, identify, people and journal on the synthetic people, with every kind of bad picture. */
import { copyFileSync, cpSync, existsSync, linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { begin, demoPicture, facelatch, jsonOf, type Run, start, temporaryFolder } from '../facelatch.ts';

const folder = temporaryFolder();
const state = join(folder.path, 'state');
const at = (name: string) => join(folder.path, name);
const run = (...args: string[]) => facelatch([...args, '--state', state]);
afterAll(() => folder[Symbol.dispose]());

/** A PNG header that promises more pixels than anyone should decode (PNG specification, 11.2.2). */
function hugePng(width: number, height: number): Buffer {
  const header = Buffer.from('IHDR0000000000000');
  header.writeUInt32BE(width, 4);
  header.writeUInt32BE(height, 8);
  header.set([8, 2, 0, 0, 0], 12);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(header));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\x0d', 'latin1'), header, checksum]);
}

/** Pictures of person 1 as cameras and programs of all sorts would leave them, and files that are none. */
async function makePictures(): Promise<void> {
  const ada = sharp(demoPicture(1, 'neutral'));
  const smiling = () => sharp(demoPicture(1, 'smiling'));
  const dark = await smiling().linear(0.045, 0).jpeg().toBuffer();
  const files: Record<string, Buffer> = {
    'cmyk.jpg': await ada.clone().toColourspace('cmyk').jpeg().toBuffer(),
    '16-bit.png': await smiling().toColourspace('rgb16').png().toBuffer(),
    'lying-down.jpg': await sharp(await ada.clone().rotate(270).toBuffer())
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer(),
    'text.jpg': Buffer.from('this is a letter, not a picture'),
    'empty.jpg': Buffer.alloc(0),
    'dot.png': await sharp({ create: { width: 1, height: 1, channels: 3, background: '#fff' } })
      .png()
      .toBuffer(),
    'half.jpg': readFileSync(demoPicture(1, 'neutral')).subarray(0, 20_000),
    'huge.png': hugePng(30_000, 30_000),
    'wall.png': await sharp({ create: { width: 200, height: 200, channels: 3, background: '#a88' } })
      .png()
      .toBuffer(),
    'dark.jpg': dark,
    'small.jpg': await smiling().resize(80).jpeg().toBuffer(),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(at(name), bytes);
  mkdirSync(at('bob'));
  copyFileSync(demoPicture(2, 'neutral'), at('bob/1.jpg'));
  copyFileSync(demoPicture(2, 'smiling'), at('bob/2.JPG'));
  writeFileSync(at('bob/3.HEIC'), Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'));
  writeFileSync(at('bob/notes.txt'), 'not taken');
  mkdirSync(at('nothing'));
  writeFileSync(at('nothing/notes.txt'), 'no picture here');
}

let enrolled: { ada: Run; bob: Run };
beforeAll(async () => {
  await makePictures();
  const good = [demoPicture(1, 'neutral'), demoPicture(1, 'smiling'), at('cmyk.jpg'), at('16-bit.png'), at('lying-down.jpg')];
  const bad = ['text.jpg', 'empty.jpg', 'dot.png', 'half.jpg', 'huge.png', 'wall.png', 'dark.jpg', 'small.jpg'].map(at);
  enrolled = {
    ada: await run('enrol', 'Ada', ...good, ...bad, demoPicture(1, 'neutral'), demoPicture(3, 'neutral'), '--json'),
    bob: await run('enrol', 'Bob', at('bob')),
  };
});

describe('enrol', () => {
  it('stores the good pictures together, whatever their format, and says of each bad one what is wrong', () => {
    const { enrolled: done, person, added, pictures } = jsonOf(enrolled.ada);
    expect(enrolled.ada.code).toBe(0);
    expect({ done, name: person.name, pictures: person.pictures, added }).toEqual({ done: true, name: 'Ada', pictures: 5, added: 5 });
    expect(pictures.map((p: { reasons: string[] }) => p.reasons)).toEqual([
      [],
      [],
      [],
      [],
      [],
      ['not-a-picture'],
      ['not-a-picture'],
      ['not-a-picture'],
      ['damaged'],
      ['not-a-picture'],
      ['no-face'],
      ['too-dark'],
      ['too-small'],
      ['repeated'],
      ['another-person'],
    ]);
    expect(pictures[11].detail).toMatch(/^too dark: contrast \d\.\d, at least 1\.5 is needed/);
    expect(pictures[14].likeness.logit).toBeLessThan(1);
    expect(JSON.stringify(pictures)).not.toContain('template');
  });

  it('takes the pictures of a folder by their names and tells in words what became of them', () => {
    expect(enrolled.bob.code).toBe(0);
    expect(enrolled.bob.stdout).toMatch(
      /^accepted .*1\.jpg: \d+ pixels between the eyes, brightness \d+, fitness [\d.]+\naccepted .*2\.JPG: .*\nrefused {3}.*3\.HEIC: HEIC is not read here: export the picture as JPEG .*\nBob is enrolled with 2 pictures\n$/,
    );
  });

  it('refuses a face that is enrolled under another name, and stores nothing', async () => {
    const result = await run('enrol', 'Eve', demoPicture(1, 'smiling'), '--json');
    expect(result.code).toBe(1);
    const { enrolled: done, person, alreadyEnrolledAs } = jsonOf(result);
    expect({ done, person, as: alreadyEnrolledAs.name }).toEqual({ done: false, person: null, as: 'Ada' });
    expect(alreadyEnrolledAs.likeness.logit).toBeGreaterThan(7);
  });

  it('refuses two pictures that show two people, because nobody can say which of them is meant', async () => {
    const result = await run('enrol', 'Carol', demoPicture(4, 'neutral'), demoPicture(6, 'neutral'));
    expect(result).toMatchObject({ code: 1, stdout: expect.stringContaining('nothing was stored') });
  });

  it('refuses everything for one bad picture with --strict', async () => {
    const result = await run('enrol', 'Dora', demoPicture(4, 'neutral'), at('wall.png'), '--strict');
    expect(result).toMatchObject({ code: 1, stdout: expect.stringContaining('with --strict every picture must be good') });
  });

  it('takes pictures from the camera, waits out the bad ones, and stores none twice', async () => {
    const visit = at('visit');
    mkdirSync(visit);
    const shots = [at('wall.png'), at('half.jpg'), demoPicture(5, 'neutral'), demoPicture(5, 'smiling')];
    for (const [i, shot] of shots.entries()) copyFileSync(shot, join(visit, `${i}${shot.slice(-4)}`));
    const camera = [
      'camera.source=replay',
      `camera.replay.from=${visit}`,
      'camera.replay.loop=true',
      'camera.replay.speed=0',
      'camera.fps=60',
    ];
    const other = join(folder.path, 'camera-state');
    const args = ['enrol', 'Fay', '--camera', '--count', '2', '--interval', '200', ...camera.flatMap((setting) => ['--set', setting])];
    const result = await facelatch([...args, '--state', other, '--json']);
    expect(result.stderr).toMatch(/\[1 of 2\] Look straight at the camera/);
    expect(result.stderr).toMatch(/\[2 of 2\] Turn your head a little to the left/);
    expect(jsonOf(result)).toMatchObject({ enrolled: true, person: { name: 'Fay', pictures: 2 } });
  });

  it('leaves nothing behind when it is stopped in the middle', async () => {
    const many = at('many');
    mkdirSync(many);
    for (let i = 0; i < 500; i++) linkSync(at('bob/1.jpg'), join(many, `${i}.jpg`));
    const other = join(folder.path, 'stopped-state');
    const running = start(['enrol', 'Gil', many, '--state', other]);
    // The journal is opened just before the first picture is read; 500 pictures take seconds.
    await expect.poll(() => existsSync(join(other, 'journal.sqlite')), { timeout: 20_000 }).toBe(true);
    for (let i = 0; i < 2; i++) running.child.kill('SIGINT'); // under npx one Ctrl-C comes twice
    expect(await running.done).toMatchObject({ code: 130, stdout: '', stderr: expect.stringContaining('stopped') });
    expect(jsonOf(await facelatch(['people', '--json', '--state', other]))).toEqual({ people: [] });
  });
});

describe('verify and identify', () => {
  it('accepts the person and says how sure that is', async () => {
    const result = await run('verify', demoPicture(2, 'smiling'), '--person', 'Bob', '--json');
    const answer = jsonOf(result);
    expect(result.code).toBe(0);
    expect(answer).toMatchObject({ accepted: true, answer: 'person', mode: '1:1', person: { name: 'Bob' }, share: 1, reasons: [] });
    expect(answer.logit).toBeGreaterThan(answer.threshold.logit);
    expect(answer).toMatchObject({ extrapolated: true, threshold: { policy: 'target-fmr', templates: 2, extrapolated: false } });
    expect(answer.fmr).toBeLessThan(answer.threshold.fmr);
  });

  it('does not accept somebody else, nor a picture without a face, says what is poor in a picture, and ends with exit code 1', async () => {
    // A poor picture is compared all the same.
    const other = await run('verify', at('dark.jpg'), '--person', 'Bob');
    expect(other).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^not accepted: not like enough to be Bob\n {2}likeness +\d+\.\d below the threshold\n/),
    });
    expect(other.stdout).toMatch(/picture +too dark: contrast \d.*\(the door would not compare it\)/);
    const wall = await run('verify', at('wall.png'), '--json');
    expect(wall.code).toBe(1);
    expect(jsonOf(wall)).toMatchObject({ accepted: false, answer: 'no-face', mode: '1:N', person: null, reasons: ['no-face'] });
  });

  it('identifies each picture on a line of JSON, with candidates, and marks what could not be compared', async () => {
    const result = await run('identify', demoPicture(1, 'smiling'), demoPicture(9, 'neutral'), at('half.jpg'), '--top', '1', '--json');
    expect([result.code, result.stderr]).toEqual([1, '']);
    const lines = result.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ answer, person }) => [answer, person?.name ?? null])).toEqual([
      ['person', 'Ada'],
      ['nobody', null],
      ['not-compared', null],
    ]);
    expect(lines.map(({ candidates }) => candidates.length)).toEqual([1, 1, 0]);
  });

  it('compares two pictures without any state', async () => {
    const same = await facelatch(['compare', demoPicture(8, 'neutral'), demoPicture(8, 'smiling'), '--json']);
    const other = await facelatch(['compare', demoPicture(8, 'neutral'), demoPicture(9, 'neutral'), '--fmr', '0.001']);
    expect(same.code).toBe(0);
    expect(jsonOf(same)).toMatchObject({ same: true, threshold: { fmr: 0.0001 } });
    expect(jsonOf(same).cosine).toBeGreaterThan(0.5);
    expect(other).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^not like enough to be one person\n {2}likeness +\d+\.\d below the threshold\n/),
    });
  });
});

describe('people and journal', () => {
  it('shows, renames and removes people, and asks before it removes', async () => {
    const own = [demoPicture(10, 'neutral'), demoPicture(10, 'smiling')];
    expect(await run('enrol', 'Hal', ...own)).toMatchObject({ code: 0 });
    const shown = jsonOf(await run('people', 'show', 'Hal', '--pictures', at('hal'), '--json'));
    expect(shown.pictures).toMatchObject([
      { source: own[0], file: at('hal/01.jpg') },
      { source: own[1], file: at('hal/02.jpg') },
    ]);
    expect(readFileSync(at('hal/02.jpg'))).toEqual(readFileSync(demoPicture(10, 'smiling')));
    const again = await run('people', 'show', 'Hal', '--pictures', at('hal'));
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('Name a new folder') });
    const remove = (picture: { id: string }, ...more: string[]) =>
      run('people', 'remove', 'Hal', '--picture', picture.id.slice(0, 12), '--yes', ...more);
    const less = jsonOf(await remove(shown.pictures[0], '--json'));
    expect(less).toMatchObject({ removed: true, person: { pictures: 1 }, picture: shown.pictures[0].id });
    expect(jsonOf(await run('people', 'show', 'Hal', '--json')).pictures).toMatchObject([{ source: own[1] }]);
    expect(await remove(shown.pictures[1])).toMatchObject({ code: 2, stderr: expect.stringContaining('only picture of Hal') });
    expect(await run('people', 'rename', 'Hal', 'Hal 9000')).toMatchObject({ code: 0, stdout: 'Hal is now Hal 9000\n' });
    expect(await run('people', 'remove', 'Hal 9000')).toMatchObject({ code: 2, stderr: expect.stringContaining('add --yes') });
    expect(await run('people', 'remove', 'Hal 9000', '--yes')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Hal 9000 was removed, with 1 picture\n\d+ files \(\d+\.\d MB\) searched, nothing of them is left\n/),
    });
    // What was journalled of them before is nobody's.
    const events = jsonLines(await run('journal', '--person', shown.person.id, '--json'));
    expect(events.map(({ event, person }) => [event.kind, person])).toEqual([
      ['person.removed', null],
      ['person.shredded', null],
    ]);
    expect(events[1].event).toMatchObject({ hits: 0, epoch: 2 });
    expect(await run('journal', '--kind', 'person', '--limit', '3')).toMatchObject({
      stdout: expect.stringMatching(/removed person renamed\n.*removed\n.* searched, nothing of them is left\n$/),
    });
  });

  it('removes a person also where the journal cannot be opened, says so, and enrols nobody then', async () => {
    const other = ['--state', at('no-journal')];
    cpSync(state, at('no-journal'), { recursive: true });
    writeFileSync(at('no-journal/journal.sqlite'), 'rubbish '.repeat(100));
    expect(await facelatch(['enrol', 'Joe', demoPicture(2, 'neutral'), ...other])).toMatchObject({ code: 3 });
    expect(await facelatch(['people', 'remove', 'Ada', '--yes', ...other])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/The person is removed, but the journal has no record of it/),
    });
    expect(jsonOf(await facelatch(['people', '--json', ...other])).people).toMatchObject([{ name: 'Bob' }]);
  });

  it('names whom you may have meant', async () => {
    expect(await run('people', 'show', 'Adda')).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean Ada?') });
  });

  it('follows the journal until it is stopped, with names looked up', async () => {
    const following = begin(['journal', '--follow', '--kind', 'person', '--state', state]);
    await following.said(/Ada enrolled with 5 pictures/);
    await run('people', 'rename', 'Bob', 'Robert');
    await following.said(/Robert renamed/);
    following.stop();
    expect((await following.done).code).toBe(0);
    await run('people', 'rename', 'Robert', 'Bob');
  });

  it('shows what happened, by ids, although nobody can say any more who they were', async () => {
    const broken = at('broken-state');
    mkdirSync(broken);
    for (const name of ['journal.sqlite', 'people.sqlite', 'vault.sqlite', 'vault.key'])
      copyFileSync(join(state, name), join(broken, name));
    writeFileSync(join(broken, 'people.sqlite'), 'this is no database'.repeat(100));
    const shown = await facelatch(['journal', '--limit', '1', '--state', broken]);
    expect(shown).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/people are shown by id\. The gallery .* is damaged .*state\.folder/),
    });
    expect(shown.stdout).toMatch(/ [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12} /);
    const asked = await facelatch(['journal', '--person', 'Ada', '--state', broken]);
    expect(asked).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('is damaged') });
  });

  it('finds a row that was altered, and names it', async () => {
    expect(await run('journal', 'verify')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^the journal is whole: \d+ entries, signed up to row \d+ \(\d+ checkpoints?\)\n$/),
    });
    const db = new DatabaseSync(join(state, 'journal.sqlite'));
    for (const { name } of db.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all()) db.exec(`DROP TRIGGER "${name}"`);
    db.exec(`UPDATE journal SET event = replace(event, '"pictures":5', '"pictures":9') WHERE seq = 1`);
    db.close();
    const result = await run('journal', 'verify', '--json');
    expect(result.code).toBe(1);
    expect(jsonOf(result)).toMatchObject({ ok: false, seq: 1, problem: 'altered' });
  });
});

const jsonLines = ({ stdout }: Run) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
