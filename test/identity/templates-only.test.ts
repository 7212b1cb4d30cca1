/** A gallery that keeps no pictures: people are recognised by their templates, the rows stay true, and nothing pretends to have what is gone. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rowSeal } from '../../src/base/data/row-seal.ts';
import type { Gallery } from '../../src/identity/port.ts';
import { openGallery } from '../../src/identity/sqlite.ts';
import type { Vault } from '../../src/vault/port.ts';
import { face, person, smallEmbedder, smallPolicy } from '../contracts/gallery.ts';
import { fakeClock } from '../fakes/clock.ts';
import { vaultBeside } from '../fakes/vault.ts';

let folder: string;
let file: string;
let vault: Vault;
let stack: DisposableStack;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-templates-'));
  file = join(folder, 'people.sqlite');
  stack = new DisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true }));
  vault = stack.use(vaultBeside(file));
});
afterEach(() => stack.dispose());
const seal = { rows: rowSeal(Buffer.alloc(32, 7), 'test'), begun: true, begin: () => undefined };
const open = (keepPictures: boolean, sha256 = smallEmbedder.sha256): Gallery =>
  stack.use(
    openGallery({
      ...{ file, vault, policy: smallPolicy, clock: fakeClock(), keepPictures, seal },
      embedder: { ...smallEmbedder, sha256 },
    }),
  );
const large = { ...person('Ada', face(), face()) };
for (const one of large.pictures) Object.assign(one, { picture: Buffer.concat([Buffer.alloc(100_000, 1), Buffer.from(one.picture)]) });

describe('enrolment that keeps no pictures', () => {
  it('stores templates and where they came from, and not the pictures', () => {
    const gallery = open(false);
    const ada = gallery.enrol(large);
    expect(ada.pictures).toBe(2);
    expect(gallery.match(large.pictures[1]!.template)[0]).toMatchObject({ personId: ada.id });
    expect(gallery.pictures(ada.id).map(({ picture, source }) => [picture, source])).toEqual([
      [undefined, '0.jpg'],
      [undefined, '1.jpg'],
    ]);
    expect(statSync(file).size + statSync(`${file}-wal`).size).toBeLessThan(150_000);
    expect(gallery.findings()).toEqual([]);
    const again = open(false);
    expect([again.templates, again.stale, again.findings()]).toEqual([2, 0, []]);
    // The same picture is still known, for the same person and for another.
    expect(gallery.enrol(large).pictures).toBe(2);
    expect(() => gallery.enrol({ ...large, name: 'Bob' })).toThrow(expect.objectContaining({ code: 'bad-argument' }));
    expect(gallery.forgetPicture(ada.id, gallery.pictures(ada.id)[0]!.id)).toMatchObject({ pictures: 1 });
  });

  it('cannot make templates of another network, and says whom it needs again', async () => {
    const { id } = open(false).enrol(large);
    const other = open(false, 'b'.repeat(64));
    expect([other.stale, other.unrecognised]).toEqual([1, [id]]);
    const { pictures, failed } = await other.reembed(async () => face());
    expect([pictures, failed.length, failed[0]?.fault.message]).toEqual([0, 2, expect.stringMatching(/privacy\.templatesOnly.*enrol/)]);
    expect(other.findings()).toEqual([]);
  });
});

describe('pictures of before', () => {
  it('are deleted on request, with no byte left, and only where the template in use is there', () => {
    const gallery = open(true);
    const { id } = gallery.enrol(large);
    const other = open(true, 'b'.repeat(64));
    expect(other.dropPictures()).toBe(0);
    expect(gallery.pictures(id).every(({ picture }) => picture && picture.length > 100_000)).toBe(true);
    expect([gallery.dropPictures(), gallery.dropPictures()]).toEqual([2, 0]);
    expect(gallery.pictures(id).map(({ picture }) => picture)).toEqual([undefined, undefined]);
    expect(gallery.match(large.pictures[0]!.template)[0]).toMatchObject({ personId: id });
    expect([gallery.findings(), open(true).findings()]).toEqual([[], []]);
    expect(readFileSync(`${file}-wal`).length).toBe(0);
  });
});
