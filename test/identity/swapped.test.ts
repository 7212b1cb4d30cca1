/** A gallery whose file somebody else changes: swapped, taken away, or written into by SQL. */
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rowSeal } from '../../src/base/data/row-seal.ts';
import type { Gallery } from '../../src/identity/port.ts';
import { personAtRest, pictureAtRest, pictureMark } from '../../src/identity/rows/at-rest.ts';
import type { GallerySeal } from '../../src/identity/rows/sealing.ts';
import { openGallery } from '../../src/identity/sqlite.ts';
import { face, person, smallEmbedder, smallPolicy } from '../contracts/gallery.ts';
import { fakeClock } from '../fakes/clock.ts';
import { codeOf } from '../fakes/fault-code.ts';
import { memoryVault } from '../fakes/vault.ts';

let folder: string;
let file: string;
let begun: boolean;
const vault = memoryVault();
const opened: Gallery[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-swapped-'));
  file = join(folder, 'people.sqlite');
  begun = false;
});
afterEach(() => {
  closeAll();
  rmSync(folder, { recursive: true });
});

const sealOf = (secret: string): GallerySeal => ({
  rows: rowSeal(Buffer.from(secret), 'test'),
  get begun() {
    return begun;
  },
  begin: () => {
    begun = true;
  },
});
function open({ secret = 'the door', sealed = true, reseal = false, at = file, embedder = smallEmbedder } = {}): Gallery {
  const options = { file: at, vault, embedder, policy: smallPolicy, clock: fakeClock(), lockTimeoutMs: 100, reseal };
  const gallery = openGallery(sealed ? { ...options, seal: sealOf(secret) } : options);
  opened.push(gallery);
  return gallery;
}
function closeAll(): void {
  for (const gallery of opened.splice(0)) gallery[Symbol.dispose]();
}
function sql(text: string, ...values: (string | number | Uint8Array)[]): void {
  using db = new DatabaseSync(file);
  db.prepare(text).run(...values);
}
describe('a gallery whose file is swapped', () => {
  it('reads the backup that was moved over it, and nobody who is not in it', () => {
    const gallery = open();
    const [ada, bob] = [face(), face()];
    gallery.enrol(person('Ada', ada));
    copyFileSync(file, join(folder, 'backup'));
    gallery.enrol(person('Bob', bob));
    renameSync(join(folder, 'backup'), file);
    expect(gallery.refresh()).toBe(true);
    expect(gallery.list().map(({ name }) => name)).toEqual(['Ada']);
    expect(gallery.match(bob)).toHaveLength(1);
    expect(gallery.findings()).toEqual([{ kind: 'gallery.replaced', people: 1, templates: 1 }]);
    expect([gallery.refresh(), gallery.findings(), gallery.down]).toEqual([false, [], undefined]);
  });

  it('recognises nobody while the file is gone, says so once, and everybody once it is back', () => {
    const gallery = open();
    const ada = face();
    const { id } = gallery.enrol(person('Ada', ada));
    gallery.setRules(id, { enabled: false });
    renameSync(file, join(folder, 'away'));
    expect(codeOf(() => gallery.refresh())).toBe('gallery-down');
    expect(codeOf(() => gallery.refresh())).toBe('gallery-down');
    expect(gallery.match(ada)).toEqual([]);
    expect(gallery.down).toMatch(/is gone/);
    expect(gallery.findings()).toMatchObject([{ kind: 'gallery.lost' }]);
    expect(existsSync(file)).toBe(false);
    renameSync(join(folder, 'away'), file);
    expect(gallery.refresh()).toBe(true);
    expect(gallery.match(ada)).toHaveLength(1);
    expect(gallery.rules(id)).toEqual({ enabled: false });
    expect([gallery.down, gallery.findings()]).toEqual([undefined, [{ kind: 'gallery.replaced', people: 1, templates: 1 }]]);
  });

  it('stores no change in a file that is gone, and each change in the one that is there', () => {
    const gallery = open();
    const { id } = gallery.enrol(person('Ada', face()));
    copyFileSync(file, join(folder, 'backup'));
    renameSync(file, join(folder, 'away'));
    expect(codeOf(() => gallery.forget(id))).toBe('gallery-down');
    renameSync(join(folder, 'backup'), file);
    expect(gallery.forget(id)).toBe(true);
    expect(open().list()).toEqual([]);
  });
});

describe('rows that this door did not write', () => {
  /** Ada and Bob with two pictures each; Eve's template is of nobody. */
  function household() {
    const gallery = open();
    const eve = face();
    const ada = gallery.enrol(person('Ada', face(), face()));
    const bob = gallery.enrol(person('Bob', face(), face()));
    return { gallery, eve, ada, bob };
  }
  const bytesOf = (vector: Float32Array) => new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  const logitOfBest = (gallery: Gallery, probe: Float32Array) => gallery.match(probe)[0]?.logit ?? Number.NEGATIVE_INFINITY;
  const threshold = (gallery: Gallery) => gallery.threshold.logit;

  it('do not make a stranger a resident: a template overwritten by SQL is left out and named once, the others go on', () => {
    const { gallery, eve, ada } = household();
    sql('UPDATE templates SET vector = ? WHERE picture_id = 1', bytesOf(eve));
    expect(gallery.refresh()).toBe(true);
    expect(logitOfBest(gallery, eve)).toBeLessThan(threshold(gallery));
    expect(gallery.templates).toBe(3);
    expect(gallery.findings()).toMatchObject([{ kind: 'gallery.row-refused', row: 'template', personId: ada.id }]);
    sql('UPDATE people SET details = details');
    gallery.refresh();
    expect(gallery.findings().filter((finding) => 'row' in finding && finding.row === 'template')).toEqual([]);
  });

  it('cannot be moved between people, pictures or embedders', () => {
    const { gallery, ada, bob } = household();
    sql('UPDATE pictures SET person_id = ? WHERE id = 3', ada.id);
    gallery.refresh();
    expect(gallery.templates).toBe(3);
    expect(gallery.findings()).toMatchObject([{ row: 'template', personId: ada.id }]);
    sql('UPDATE pictures SET person_id = ? WHERE id = 3', bob.id);
    sql(
      'UPDATE templates SET vector = (SELECT vector FROM templates WHERE picture_id = 3), seal = (SELECT seal FROM templates WHERE picture_id = 3) WHERE picture_id = 1',
    );
    gallery.refresh();
    expect(gallery.templates).toBe(3);
    closeAll();
    const otherEmbedder = { ...smallEmbedder, sha256: 'b'.repeat(64) };
    sql('UPDATE templates SET embedder = ?', otherEmbedder.sha256);
    expect(open({ embedder: otherEmbedder }).templates).toBe(0);
  });

  it('give nobody other rules: a person whose row was changed does not come in, and no command seals it again', () => {
    const { gallery, bob } = household();
    // By somebody who has the keys of the vault, and not those of the door.
    const details = personAtRest(vault, { id: bob.id, name: 'Bob', enrolledAt: bob.enrolledAt, rules: '{"enabled":true}' });
    sql('UPDATE people SET details = ? WHERE id = ?', details, bob.id);
    gallery.refresh();
    expect(gallery.templates).toBe(2);
    expect(gallery.findings()).toEqual([{ kind: 'gallery.row-refused', row: 'person', personId: bob.id }]);
    expect(codeOf(() => gallery.rename(bob.id, 'Robert'))).toBe('gallery-damaged');
    expect(codeOf(() => gallery.setRules(bob.id, {}))).toBe('gallery-damaged');
    expect(codeOf(() => gallery.enrol(person('Bob', face())))).toBe('gallery-damaged');
    expect(gallery.forget(bob.id)).toBe(true);
  });

  it('become no template: a picture that somebody else stored is neither shown nor embedded', async () => {
    const { gallery, ada } = household();
    const added = { personId: ada.id, sha256: 'f'.repeat(64), source: 'eve.jpg', addedAt: '' };
    const mark = pictureMark(vault, added.sha256);
    const { details, picture } = pictureAtRest(vault, mark, added, Buffer.from('eve'));
    sql('INSERT INTO pictures (person_id, mark, details, picture) VALUES (?, ?, ?, ?)', ada.id, mark, details, picture);
    gallery.refresh();
    const { pictures, failed } = await gallery.reembed(async () => face());
    expect([pictures, failed.map(({ personId }) => personId)]).toEqual([0, [ada.id]]);
    expect(gallery.pictures(ada.id)).toHaveLength(2);
    expect(gallery.findings()).toMatchObject([{ row: 'picture', personId: ada.id }]);
  });

  it('are sealed once, at the first opening after the upgrade, and never by a later one', () => {
    const before = open({ sealed: false });
    before.enrol(person('Ada', face()));
    closeAll();
    expect(open().templates).toBe(1);
    closeAll();
    sql('UPDATE people SET seal = NULL');
    const gallery = open();
    expect([gallery.templates, gallery.findings().length]).toEqual([0, 1]);
  });

  it('count again once somebody at the machine vouches for all of them, as after a change of the keys', () => {
    open().enrol(person('Ada', face()));
    closeAll();
    expect(open({ secret: 'another door' }).templates).toBe(0);
    closeAll();
    expect(open({ secret: 'another door', reseal: true }).templates).toBe(1);
    closeAll();
    expect(open({ secret: 'another door' }).templates).toBe(1);
  });
});
