/** The registry and promotion on a real folder: what is made is whole and signed; what is not, or is of others, or old, is refused with the reason; one pointer moves, and back. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../../src/base/errors.ts';
import { fileIn } from '../../../src/base/model/place.ts';
import { makeBundle, sha256 } from '../../../src/retrain/bundle.ts';
import { writeKeptFolder } from '../../../src/retrain/kept-folder.ts';
import { temporaryFolder } from '../../cli/facelatch.ts';
import { aboutOf, type BenchDoor, candidate, openBenchDoor, strangerKey, writeEmbedder } from '../bench-door.ts';

let folder: ReturnType<typeof temporaryFolder>;
let door: BenchDoor;
beforeEach(async () => {
  folder = temporaryFolder();
  door = await openBenchDoor({ state: join(folder.path, 'state') });
});
afterEach(() => {
  door[Symbol.dispose]();
  folder[Symbol.dispose]();
});

const flip = (file: string, at: number) => {
  const bytes = readFileSync(file);
  bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ 1;
  writeFileSync(file, bytes);
};
const reasonOf = async (id: string) => {
  const verdict = await door.registry.verify(id);
  return verdict.ok ? 'ok' : verdict.reason;
};
const refusal = async (work: () => Promise<unknown>): Promise<string> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof Fault) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'taken';
};

describe('a bundle', () => {
  it('is named by the hash of its statement, signed by the door, for its owner alone', async () => {
    const made = await candidate(door, 'one');
    const at = door.registry.folder(made.id);
    expect(sha256(readFileSync(join(at, 'bundle.json')))).toBe(made.id);
    expect(readdirSync(at).toSorted()).toEqual(['bundle.json', 'bundle.jws', 'manifest.json.sealed', 'twin.onnx.sealed']);
    expect([statSync(at).mode & 0o777, statSync(join(at, 'twin.onnx.sealed')).mode & 0o777]).toEqual([0o700, 0o600]);
    expect(await door.registry.verify(made.id)).toMatchObject({ ok: true, signedBy: door.keys.id });
    expect([made.version, made.state, (await candidate(door, 'two')).version]).toEqual([1, 'candidate', 2]);
  });

  it.each([
    ['bundle.json', 'wrong-hash'],
    ['bundle.jws', 'bad-signature'],
    ['manifest.json.sealed', 'damaged'],
    ['twin.onnx.sealed', 'damaged'],
  ])('with one bit of %s changed is refused', async (name, reason) => {
    const { id } = await candidate(door, 'one');
    flip(join(door.registry.folder(id), name), 5);
    expect(await reasonOf(id)).toBe(reason);
    expect(await door.promotion.promote(id, 'ada')).toMatchObject({ ok: false, reason });
    expect(await door.promotion.promote(id, 'ada', { force: true })).toMatchObject({ ok: false, reason });
    expect(door.events.map(({ kind }) => kind)).toEqual(['model.refused', 'model.refused']);
    expect(door.registry.champion()).toBeUndefined();
  });

  it.each(['bundle.json', 'bundle.jws', 'manifest.json.sealed', 'twin.onnx.sealed'])(
    'cut short, or without %s, is refused',
    async (name) => {
      const { id } = await candidate(door, 'one');
      const file = join(door.registry.folder(id), name);
      truncateSync(file, 10);
      expect(await reasonOf(id)).not.toBe('ok');
      rmSync(file);
      expect(await reasonOf(id)).not.toBe('ok');
    },
  );

  it('with a file more than it states is refused', async () => {
    const { id } = await candidate(door, 'one');
    writeFileSync(join(door.registry.folder(id), 'more.onnx'), 'x');
    expect(await reasonOf(id)).toBe('damaged');
  });

  it('lies sealed: its key opens it for this door, and nothing of it can be put into another', async () => {
    const [one, two] = [await candidate(door, 'one'), await candidate(door, 'two')];
    const [of, other] = [door.registry.folder(one.id), door.registry.folder(two.id)];
    expect(readdirSync(of).filter((name) => /network one|twin\.onnx"/.test(readFileSync(join(of, name), 'latin1')))).toEqual([
      'bundle.json',
    ]);
    const place = door.registry.place(one.id);
    expect(Buffer.from(fileIn(place, 'twin.onnx') ?? []).toString()).toMatch(/^network one/);
    cpSync(join(other, 'twin.onnx.sealed'), join(of, 'twin.onnx.sealed'));
    expect(await reasonOf(one.id)).toBe('damaged');
  });

  it('of an earlier version, which lay open, is sealed at the next start and guards as before', async () => {
    const { id } = await candidate(door, 'one');
    await door.promotion.promote(id, 'ada');
    const at = door.registry.folder(id);
    const plain = door.registry.place(id);
    for (const name of ['manifest.json', 'twin.onnx']) {
      writeFileSync(join(at, name), fileIn(plain, name) ?? '');
      // Of the first file the sealed one was written before the process was killed.
      if (name !== 'manifest.json') rmSync(join(at, `${name}.sealed`));
    }
    expect(await reasonOf(id)).toBe('ok');
    door[Symbol.dispose]();
    door = await openBenchDoor({ state: join(folder.path, 'state') });
    expect(readdirSync(at).toSorted()).toEqual(['bundle.json', 'bundle.jws', 'manifest.json.sealed', 'twin.onnx.sealed']);
    expect([door.registry.champion()?.id, await reasonOf(id)]).toEqual([id, 'ok']);
  });

  it('whose key was destroyed is dropped at the next start, and the network before it guards', async () => {
    const [one, two] = [await candidate(door, 'one'), await candidate(door, 'two')];
    for (const { id } of [one, two]) await door.promotion.promote(id, 'ada');
    door.store.vault.destroy([{ model: two.id }]);
    expect(await reasonOf(two.id)).toBe('damaged');
    door[Symbol.dispose]();
    door = await openBenchDoor({ state: join(folder.path, 'state') });
    expect([door.registry.champion()?.id, door.registry.list().map(({ id }) => id)]).toEqual([one.id, [one.id]]);
    expect(existsSync(door.registry.folder(two.id))).toBe(false);
  });

  it('that is removed takes its key with it', async () => {
    const [one, two] = [await candidate(door, 'one'), await candidate(door, 'two')];
    door.registry.remove(one.id);
    door.registry.prune(0);
    expect(door.store.vault.destroyed().map(({ owner }) => owner)).toEqual(expect.arrayContaining([{ model: one.id }, { model: two.id }]));
  });

  it('of a signer who is not trusted, of another door, or under another bundle’s signature, is not taken in', async () => {
    const made = join(folder.path, 'made');
    writeEmbedder(made, 'elsewhere');
    const about = { ...aboutOf(), version: 7, parent: door.registry.base };
    const put = async (name: string, of: Parameters<typeof makeBundle>) => {
      writeKeptFolder(join(folder.path, name), (await makeBundle(...of)).files);
      return join(folder.path, name);
    };
    const here = { ...about, door: door.expected.door };
    const unknown = await put('unknown', [made, here, await strangerKey()]);
    expect(await refusal(() => door.registry.add(unknown))).toMatch(/^model-refused: .*\(unknown-signer\)/);
    const forged = await put('forged', [made, here, { ...(await strangerKey()), kid: door.keys.id }]);
    expect(await refusal(() => door.registry.add(forged))).toMatch(/\(bad-signature\)/);
    const elsewhere = await put('elsewhere', [made, { ...about, door: 'back-door#x' }, door.signer]);
    expect(await refusal(() => door.registry.add(elsewhere))).toMatch(/\(wrong-door\).*back-door/);
    const base = await put('base', [made, { ...here, parent: 'f'.repeat(64) }, door.signer]);
    expect(await refusal(() => door.registry.add(base))).toMatch(/\(wrong-base\)/);
    const good = await put('good', [made, here, door.signer]);
    const other = await put('other', [made, { ...here, version: 8 }, door.signer]);
    cpSync(join(other, 'bundle.jws'), join(good, 'bundle.jws'));
    expect(await refusal(() => door.registry.add(good))).toMatch(/\(bad-signature\)/);
    expect(door.registry.list()).toEqual([]);
    expect((await door.registry.add(other)).version).toBe(8);
    // Whatever is trained here next is newer than what was taken in.
    expect((await candidate(door, 'next')).version).toBe(9);
  });

  it('that guarded on another base does not guard on this one; its folder serves while templates are made, if it is whole', async () => {
    const { id } = await candidate(door, 'one');
    await door.promotion.promote(id, 'ada');
    expect([door.registry.former(), await door.registry.wholeFormer()]).toEqual([undefined, undefined]);
    door[Symbol.dispose]();
    rmSync(join(folder.path, 'state', 'base'), { recursive: true });
    writeEmbedder(join(folder.path, 'state', 'base'), 'another base');
    door = await openBenchDoor({ state: join(folder.path, 'state') });
    expect(door.registry.champion()).toBeUndefined();
    expect(door.registry.former()).toMatchObject({ id });
    expect(await door.registry.wholeFormer()).toBe(id);
    const next = await candidate(door, 'two');
    flip(join(door.registry.folder(id), 'manifest.json.sealed'), 5);
    expect(await door.registry.wholeFormer()).toBeUndefined();
    await door.promotion.promote(next.id, 'ada');
    expect(door.registry.former()).toBeUndefined();
    expect(door.registry.list().map(({ id: one, state }) => [one, state])).toEqual([
      [next.id, 'champion'],
      [id, 'retired'],
    ]);
  });

  it('of another shape is refused', async () => {
    const { id } = await candidate(door, 'wide', 16);
    expect(await door.promotion.promote(id, 'ada')).toMatchObject({
      ok: false,
      reason: 'wrong-shape',
      detail: expect.stringMatching(/16/),
    });
  });
});

describe('the pointer', () => {
  it('moves to what is promoted, and back step by step, to the network of the configuration at last', async () => {
    const [one, two] = [await candidate(door, 'one'), await candidate(door, 'two')];
    expect(await door.promotion.rollback('ada')).toBeUndefined();
    expect(await door.promotion.promote(one.id, 'ada')).toMatchObject({ ok: true });
    expect(await door.promotion.promote(two.id, 'ada')).toMatchObject({ ok: true });
    expect(door.registry.list().map(({ state }) => state)).toEqual(['champion', 'retired']);
    expect(door.registry.probation).toEqual({ decisions: 0, disagreements: 0 });
    expect(await door.promotion.rollback('ada')).toEqual({ to: one.id, from: two.id });
    expect(await door.promotion.rollback('ada')).toEqual({ to: 'base', from: one.id });
    expect(await door.promotion.rollback('ada')).toBeUndefined();
    expect(door.taken).toEqual([one.id, two.id, one.id, 'base']);
  });

  it('never goes to an older version but by rollback', async () => {
    const [one, two] = [await candidate(door, 'one'), await candidate(door, 'two')];
    await door.promotion.promote(two.id, 'ada');
    expect(await door.promotion.promote(one.id, 'ada', { force: true })).toMatchObject({ ok: false, reason: 'old-version' });
  });

  it('goes past a network that was damaged meanwhile', async () => {
    const [one, two] = [await candidate(door, 'one'), await candidate(door, 'two')];
    await door.promotion.promote(one.id, 'ada');
    await door.promotion.promote(two.id, 'ada');
    flip(join(door.registry.folder(one.id), 'twin.onnx.sealed'), 3);
    expect(await door.promotion.rollback('ada')).toEqual({ to: 'base', from: two.id });
  });

  it('does not move for a network that is worse, or that could not be measured; by force it does, and the journal says so', async () => {
    door[Symbol.dispose]();
    let worse = true;
    door = await openBenchDoor({
      state: join(folder.path, 'state'),
      comparison: () => {
        if (worse) return { ok: false, detail: 'FNMR 9 % instead of 2 %', metrics: {} };
        throw new Fault('model-unfit', 'no calibration');
      },
    });
    const { id } = await candidate(door, 'one');
    expect(await door.promotion.promote(id, 'ada')).toEqual({ ok: false, reason: 'worse', detail: 'FNMR 9 % instead of 2 %' });
    worse = false;
    expect(await door.promotion.promote(id, 'ada')).toMatchObject({ ok: false, reason: 'unmeasured' });
    worse = true;
    expect(await door.promotion.promote(id, 'cli', { force: true })).toMatchObject({ ok: true });
    expect(door.events.at(-1)).toMatchObject({ kind: 'model.promoted', forced: true, by: 'cli' });
  });

  it('is not said to be forced where the comparison was for it all the same', async () => {
    door[Symbol.dispose]();
    const comparison = () => ({ ok: true, detail: 'FNMR 2 %', metrics: {} });
    door = await openBenchDoor({ state: join(folder.path, 'state'), comparison });
    const { id } = await candidate(door, 'one');
    expect(await door.promotion.promote(id, 'cli', { force: true })).toEqual({ ok: true, detail: 'FNMR 2 %' });
    expect(door.events.at(-1)).toMatchObject({ kind: 'model.promoted', forced: false });
  });

  it('keeps the champion and the one before when old ones are cleared away, and never removes the champion', async () => {
    const made = [
      await candidate(door, 'one'),
      await candidate(door, 'two'),
      await candidate(door, 'three'),
      await candidate(door, 'four'),
    ];
    await door.promotion.promote(made[0]!.id, 'ada');
    await door.promotion.promote(made[3]!.id, 'ada');
    expect(door.registry.prune(1).toSorted()).toEqual([made[1]!.id].toSorted());
    expect(() => door.registry.remove(made[3]!.id)).toThrow(/rollback/);
    expect(readdirSync(door.bundles).toSorted()).toEqual([made[0]!.id, made[2]!.id, made[3]!.id].toSorted());
  });
});
