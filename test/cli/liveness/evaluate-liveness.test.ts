/** `facelatch evaluate --liveness` with the shipped networks, on generated clips. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { attackClip } from '../../attacks/generator/attack.ts';
import { type Clip, liveClip } from '../../attacks/generator/live.ts';
import { openStudio } from '../../attacks/generator/studio.ts';
import { facelatch, jsonOf, temporaryFolder } from '../facelatch.ts';

const folder = temporaryFolder();
const set = join(folder.path, 'hall');
afterAll(() => folder[Symbol.dispose]());

function write(name: string, { instrument, frames }: Clip): void {
  const clip = join(set, instrument, name);
  mkdirSync(clip, { recursive: true });
  for (const [i, { jpeg }] of frames.entries()) writeFileSync(join(clip, `${i}.jpg`), jpeg);
}

beforeAll(async () => {
  const studio = openStudio();
  for (const [i, person] of ['p03', 'p08'].entries()) {
    write(`${i}`, await liveClip(studio, { person, seed: i, frames: 6 }));
    write(`${i}`, await attackClip(studio, { instrument: 'print', person, seed: i, frames: 6 }));
  }
  writeFileSync(join(set, 'print', '0', '3.jpg'), 'no picture');
}, 60_000);

it('judges the clips of each set, says what cannot be read, and writes a page without pictures', async () => {
  const report = join(folder.path, 'report.html');
  const result = await facelatch([
    'evaluate',
    '--liveness',
    folder.path,
    '--fps',
    '15',
    '--policy',
    'passive',
    '--json',
    '--report',
    report,
  ]);
  expect(result.code).toBe(0);
  const figures = jsonOf(result);
  expect(figures).toMatchObject({ policy: 'passive', fps: 15, frames: 24, unreadable: [join('hall', 'print', '0', '3.jpg')] });
  expect(figures.sets).toHaveLength(1);
  expect(figures.sets[0]).toMatchObject({
    set: 'hall',
    baseline: 0,
    live: { presentations: 2, error: { hits: 0, of: 2 } },
    attacks: [{ instrument: 'print', presentations: 2, error: { hits: 0, of: 2, rate: 0 } }],
    worst: 'print',
  });
  expect(figures.sets[0].clips).toHaveLength(4);
  const page = readFileSync(report, 'utf8');
  expect(page).toContain('hall: 2 live clips, 2 attacks');
  expect(page).not.toContain('data:image');
}, 60_000);

it.each([
  [['--liveness', join('nowhere')], /nowhere cannot be read .*<set>\/<instrument>\/<clip>\/<frame>/],
  [[], /--liveness and a folder of clips/],
  [['--liveness', folder.path, folder.path], /--liveness measures .* alone/],
  [['--liveness', folder.path, '--pairs', 'pairs.txt'], /--pairs cannot be used with --liveness/],
  [[folder.path, '--fps', '5'], /--fps cannot be used with pictures of people/],
])('%j is refused before anything is read', async (args, message) => {
  const report = join(folder.path, 'none.html');
  const result = await facelatch(['evaluate', ...args, '--report', report]);
  expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
  expect(existsSync(report)).toBe(false);
});
