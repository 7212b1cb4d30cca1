/** A change of embedder: the templates of before are not compared, and are made again from the stored pictures. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, it } from 'vitest';
import { begin, demoPicture, facelatch, jsonOf, root, start, temporaryFolder } from '../facelatch.ts';

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

/** The shipped embedder with another producer name: it computes the same and is another file (protobuf: a field that comes again replaces the first). */
function anotherEmbedder(): string {
  const copy = join(folder.path, 'another-embedder');
  cpSync(join(root, 'models', 'embedder'), copy, { recursive: true });
  const file = join(copy, 'manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  const onnx = Buffer.concat([readFileSync(join(copy, manifest.file)), Buffer.from([0x12, 0x01, 0x78])]);
  writeFileSync(join(copy, manifest.file), onnx);
  writeFileSync(file, JSON.stringify({ ...manifest, sha256: createHash('sha256').update(onnx).digest('hex') }));
  return copy;
}

it('leaves nobody recognised until the templates are made again, by command or by the running door', async () => {
  const state = ['--state', join(folder.path, 'state')];
  const changed = [...state, '--set', `face.embedder=${anotherEmbedder()}`];
  expect((await facelatch(['enrol', 'Ada', demoPicture(1, 'neutral'), ...state])).code).toBe(0);
  expect((await facelatch(['doctor', '--no-camera', ...changed])).stdout).toContain('facelatch people reembed');
  expect((await facelatch(['people', ...changed])).stdout).toContain('facelatch people reembed');
  const made = await facelatch(['people', 'reembed', '--json', ...changed]);
  expect(made.code).toBe(0);
  expect(jsonOf(made)).toEqual({ pictures: 1, failed: [], nothingStored: [] });
  expect((await facelatch(['verify', demoPicture(1, 'smiling'), '--person', 'Ada', ...changed])).code).toBe(0);

  // Bo is enrolled with the first embedder and known to a daemon that starts with the other.
  expect((await facelatch(['enrol', 'Bo', demoPicture(3, 'neutral'), ...state])).code).toBe(0);
  const nobody = join(folder.path, 'no-pictures');
  mkdirSync(nobody);
  const camera = ['camera.source=replay', `camera.replay.from=${nobody}`].flatMap((setting) => ['--set', setting]);
  const daemon = start(['run', '--json', ...camera, ...changed]);
  await daemon.said(/templates made again/);
  daemon.child.kill('SIGTERM');
  expect((await daemon.done).code).toBe(0);
  expect(await facelatch(['people', ...changed])).toMatchObject({ code: 0, stdout: expect.not.stringContaining('reembed') });
});

it('ends where it is told to, and goes on the next time', async () => {
  const state = ['--state', join(folder.path, 'stopped')];
  const again = ['people', 'reembed', '--json', ...state, '--set', `face.embedder=${anotherEmbedder()}`];
  for (const person of [1, 2, 3]) await facelatch(['enrol', `p${person}`, demoPicture(person, 'neutral'), ...state]);
  const running = begin(again);
  running.stop();
  expect((await running.done).code).toBe(130);
  expect(jsonOf(await facelatch(again))).toEqual({ pictures: expect.any(Number), failed: [], nothingStored: [] });
  expect((await facelatch(['people', '--json', ...again.slice(3)])).stdout).not.toContain('reembed');
  expect((await facelatch(['identify', demoPicture(3, 'smiling'), ...again.slice(3)])).code).toBe(0);
});

it('names who has neither a template nor a picture; so do doctor and strictness', async () => {
  const state = ['--state', join(folder.path, 'nothing-stored')];
  for (const [name, person] of [
    ['Ada', 1],
    ['Bo', 3],
  ] as const)
    expect((await facelatch(['enrol', name, demoPicture(person, 'neutral'), ...state])).code).toBe(0);
  // As a program leaves it that was killed between two deletions of before this version, or a hand in the database.
  using people = new DatabaseSync(join(folder.path, 'nothing-stored', 'people.sqlite'));
  people.exec('DELETE FROM pictures WHERE person_id = (SELECT id FROM people ORDER BY id LIMIT 1)');
  const made = await facelatch(['people', 'reembed', ...state]);
  expect([made.code, made.stdout]).toEqual([1, expect.stringMatching(/(Ada|Bo): no picture is stored .* enrol this person again/)]);
  expect((await facelatch(['doctor', '--no-camera', ...state])).stdout).toMatch(
    /1 person without a template, and without a picture that one can be made of: (Ada|Bo)\. Enrol them again/,
  );
  expect((await facelatch(['strictness', ...state])).stdout).toMatch(/^2 people enrolled.*\nWithout a template .*: (Ada|Bo)\./);
});
