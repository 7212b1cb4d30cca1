/** The gallery at rest: nothing personal lies readable in its files, also of every earlier format, and what cannot be opened counts for nothing. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rowSeal } from '../../src/base/data/row-seal.ts';
import type { Gallery, NewPerson } from '../../src/identity/port.ts';
import { openGallery } from '../../src/identity/sqlite.ts';
import type { Vault } from '../../src/vault/port.ts';
import { face, person, smallEmbedder, smallPolicy } from '../contracts/gallery.ts';
import { fakeClock } from '../fakes/clock.ts';
import { codeOf } from '../fakes/fault-code.ts';
import { killsOr } from '../fakes/kills.ts';
import { oldFormats, writeOldGallery } from '../fakes/old-gallery.ts';
import { fillDisk, mountSmallDisk, unmountDisk } from '../fakes/small-disk.ts';
import { memoryVault, vaultBeside } from '../fakes/vault.ts';

let folder: string;
let file: string;
let vault: Vault;
let stack: DisposableStack;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-sealed-'));
  file = join(folder, 'people.sqlite');
  stack = new DisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true }));
  vault = stack.use(vaultBeside(file));
});
afterEach(() => stack.dispose());

const optionsOf = () => ({ file, vault, embedder: smallEmbedder, policy: smallPolicy, clock: fakeClock(), lockTimeoutMs: 100 });
const open = (more: Partial<Parameters<typeof openGallery>[0]> = {}): Gallery => stack.use(openGallery({ ...optionsOf(), ...more }));
function sql(text: string, ...values: (string | number | Uint8Array)[]): Record<string, unknown>[] {
  using db = new DatabaseSync(file, { enableForeignKeyConstraints: true });
  return db.prepare(text).all(...values);
}

const rules = { groups: ['group-of-the-family'], pin: 'scrypt$of-a-pin' };
/** With names, sources and pictures that are found again in a file. */
const household = (people: number, pictureBytes = 60): NewPerson[] =>
  Array.from({ length: people }, (_, i) => ({
    name: `Resident ${i} Of-The-House`,
    pictures: Array.from({ length: 2 }, (__, j) => ({
      picture: new TextEncoder().encode(`picture ${i} ${j} of a face `.repeat(pictureBytes / 20)),
      template: face(),
      source: `source-${i}-${j}.jpg`,
    })),
  }));
/** What of these people lies readable in the files of the folder. */
function readable(people: readonly NewPerson[]): string[] {
  const files = readdirSync(folder).filter((name) => name.startsWith('people.sqlite'));
  const all = Buffer.concat(files.map((name) => readFileSync(join(folder, name))));
  const traces = people.flatMap(({ name, pictures }) => [
    name,
    ...pictures.flatMap(({ picture, template, source }) => [source, Buffer.from(picture.subarray(0, 16)), Buffer.from(template.buffer)]),
  ]);
  return [...traces, rules.groups[0]!, rules.pin, 'Of-The-House'].filter((trace) => all.includes(trace)).map(String);
}

describe('a gallery at rest', () => {
  it('shows no name, source, rule, picture or template in its files, and gives all of it back', () => {
    const people = household(3);
    const gallery = open();
    const ids = people.map((one) => gallery.enrol(one).id);
    gallery.setRules(ids[0]!, rules);
    gallery.rename(ids[1]!, 'Another Of-The-House');
    expect(readable(people)).toEqual([]);
    const again = open();
    expect(again.list().map(({ name }) => name)).toEqual(['Another Of-The-House', people[0]!.name, people[2]!.name]);
    expect(again.rules(ids[0]!)).toEqual(rules);
    expect(again.pictures(ids[2]!).map(({ picture, source }) => [Buffer.from(picture!), source])).toEqual(
      people[2]!.pictures.map(({ picture, source }) => [Buffer.from(picture), source]),
    );
    expect(again.match(people[0]!.pictures[0]!.template)[0]).toMatchObject({ personId: ids[0], share: 0.5 });
  });

  it('finds a person by a name that looks alike, without opening the others', () => {
    const gallery = open();
    const { id } = gallery.enrol(person('Ada', face()));
    gallery.enrol(person('Bob', face()));
    sql("UPDATE people SET details = x'00' WHERE id <> ?", id);
    expect(gallery.find('Аdа')?.id).toBe(id); // with Cyrillic letters
    expect(gallery.enrol(person('Ада'.replace('д', 'd'), face()))).toMatchObject({ id, pictures: 2 });
  });

  it('removes nobody else where somebody swapped the indexes of two names', () => {
    const gallery = open();
    const [ada, bob] = [gallery.enrol(person('Ada', face())), gallery.enrol(person('Bob', face()))];
    const [{ mark }, { mark: other }] = [ada, bob].map(({ id }) => sql('SELECT mark FROM people WHERE id = ?', id)[0]!) as never as [
      { mark: Uint8Array },
      { mark: Uint8Array },
    ];
    sql("UPDATE people SET mark = x'01' WHERE id = ?", ada.id);
    sql('UPDATE people SET mark = ? WHERE id = ?', mark, bob.id);
    sql('UPDATE people SET mark = ? WHERE id = ?', other, ada.id);
    expect([gallery.find('Ada')?.id, gallery.find('Bob')?.id]).toEqual([ada.id, bob.id]);
    expect(gallery.enrol(person('Ada', face())).id).toBe(ada.id);
  });

  it('leaves at most a key without rows where an enrolment ends before it is stored', () => {
    const gallery = open();
    expect(() =>
      gallery.enrol(person('Ada', face()), () => {
        throw new Error('the power is gone');
      }),
    ).toThrow('the power is gone');
    expect([gallery.list(), sql('SELECT id FROM people'), vault.owners().length]).toEqual([[], [], 2]);
    gallery.enrol(person('Ada', face()));
    expect(open().templates).toBe(1);
  });

  it('opens with another vault, recognises nobody, says so of each row, and is whole again with its own', () => {
    const template = face();
    const { id } = open().enrol(person('Ada', template));
    using strange = memoryVault();
    const gallery = open({ vault: strange });
    expect([gallery.match(template), gallery.unrecognised, gallery.rules(id)]).toEqual([[], [], {}]);
    expect(gallery.findings()).toEqual([{ kind: 'gallery.row-refused', row: 'person', personId: id, why: 'no-key' }]);
    expect(gallery.list()).toMatchObject([{ id, name: '(cannot be read)' }]);
    expect(codeOf(() => gallery.setRules(id, {}))).toBe('gallery-damaged');
    expect(open().match(template)).toHaveLength(1);
    expect(gallery.forget(id)).toBe(true);
  });

  it('leaves out one row that was damaged or moved, and no more', () => {
    const [a, b] = [face(), face()];
    const gallery = open();
    const ada = gallery.enrol(person('Ada', a, face()));
    const bob = gallery.enrol(person('Bob', b, face()));
    sql('UPDATE templates SET vector = (SELECT vector FROM templates WHERE picture_id = 2) WHERE picture_id = 1');
    sql('UPDATE people SET details = (SELECT details FROM people WHERE id = ?) WHERE id = ?', ada.id, bob.id);
    gallery.refresh();
    expect(gallery.templates).toBe(1);
    expect(gallery.findings()).toMatchObject([
      { row: 'person', personId: bob.id, why: 'damaged' },
      { row: 'template', personId: ada.id, why: 'damaged' },
    ]);
    expect(gallery.list().map(({ name }) => name)).toEqual(['(cannot be read)', 'Ada']);
    expect(codeOf(() => gallery.enrol(person('Bob', face())))).toBe('gallery-damaged');
  });
});

describe('the rows of somebody whose key was destroyed', () => {
  it('count at once no more at a running door, also where a removal was cut before it deleted them', () => {
    const gallery = open();
    const [a, b] = [face(), face()];
    const ada = gallery.enrol(person('Ada', a));
    gallery.enrol(person('Bob', b));
    using other = vaultBeside(file);
    other.destroy([{ person: ada.id }]);
    expect(gallery.refresh()).toBe(true);
    expect([gallery.match(a).some(({ personId }) => personId === ada.id), gallery.templates]).toEqual([false, 1]);
    expect([gallery.find(ada.id), gallery.find('Ada'), gallery.list().length]).toEqual([undefined, undefined, 1]);
    expect(gallery.findings()).toEqual([{ kind: 'gallery.row-refused', row: 'person', personId: ada.id, why: 'removed' }]);
    // The name is free again, and the pictures are nobody's.
    const again = gallery.enrol(person('Ada', a));
    expect(again.id).not.toBe(ada.id);
  });

  it('are deleted at the next opening, with their pictures, and told once', () => {
    const ada = open().enrol(person('Ada', face()));
    open().enrol(person('Bob', face()));
    vault.destroy([{ person: ada.id }]);
    const gallery = open();
    expect(sql('SELECT id FROM people UNION ALL SELECT id FROM pictures WHERE person_id = ?', ada.id)).toHaveLength(1);
    expect(gallery.findings()).toMatchObject([{ personId: ada.id, why: 'removed' }]);
    expect(open().findings()).toEqual([]);
  });
});

describe('a gallery of an earlier format', () => {
  it.each(oldFormats)('of format %i is sealed whole: everybody is there, and no plain byte is left', (format) => {
    const people = household(20, 6000);
    writeOldGallery(file, format, { people, embedder: smallEmbedder.sha256, rules: JSON.stringify(rules) });
    expect(readable(people).length).toBeGreaterThan(60);
    const gallery = open();
    expect(readable(people)).toEqual([]);
    expect([gallery.people, gallery.templates, gallery.stale]).toEqual([20, 40, 0]);
    expect(gallery.rules('old-7')).toEqual(format >= 2 ? rules : {});
    for (const { name, pictures } of people) {
      const { id } = gallery.find(name)!;
      expect(gallery.match(pictures[0]!.template)[0]?.personId).toBe(id);
      expect(gallery.pictures(id).map(({ picture, source, addedAt }) => [Buffer.from(picture!).toString(), source, addedAt])).toEqual(
        pictures.map(({ picture, source }) => [Buffer.from(picture).toString(), source, '2026-01-02T03:04:05.000Z']),
      );
    }
    expect(gallery.enrol(person(people[0]!.name, face()))).toMatchObject({ id: 'old-0', pictures: 3 });
    expect(open().templates).toBe(41);
  });

  it('keeps the seals that its rows had, and vouches for none', () => {
    const seal = { rows: rowSeal(Buffer.from('the door'), 'test'), begun: true, begin: () => undefined };
    writeOldGallery(file, 5, { people: household(2), embedder: smallEmbedder.sha256 });
    const [{ enrolled_at: at, name, rules: text } = {}] = sql("SELECT * FROM people WHERE id = 'old-0'");
    sql("UPDATE people SET seal = ? WHERE id = 'old-0'", seal.rows.of(['person', 'old-0', String(name), String(at), String(text)]));
    for (const row of sql('SELECT * FROM templates JOIN pictures ON id = picture_id')) {
      const fields = ['template', String(row.person_id), String(row.sha256), String(row.embedder), row.vector as Uint8Array];
      sql('UPDATE templates SET seal = ? WHERE picture_id = ?', seal.rows.of(fields), Number(row.id));
    }
    const gallery = open({ seal });
    expect([gallery.enrolled().map(({ id }) => id), gallery.templates]).toEqual([['old-0'], 2]);
    expect(gallery.findings()).toEqual([{ kind: 'gallery.row-refused', row: 'person', personId: 'old-1' }]);
  });

  it('does not bring back a person who was removed since it was copied', () => {
    const people = household(2);
    writeOldGallery(file, 5, { people, embedder: smallEmbedder.sha256 });
    vault.destroy([{ person: 'old-1' }]);
    const gallery = open();
    expect(gallery.list().map(({ id }) => id)).toEqual(['old-0']);
    expect(readable(people)).toEqual([]);
  });

  it('stays as it is where the vault cannot be written, and is sealed later', () => {
    writeOldGallery(file, 5, { people: household(2), embedder: smallEmbedder.sha256 });
    const broken: Vault = {
      ...vault,
      seal: () => {
        throw Object.assign(new Error('the disk is full'), { errcode: 13 });
      },
    };
    expect(codeOf(() => open({ vault: broken }))).toBe('disk-full');
    expect(sql('PRAGMA user_version')[0]?.user_version).toBe(5);
    expect(open().people).toBe(2);
  });

  it('is a clear fault on a disk that is full in the middle, loses nothing, and is sealed once there is room', ({ skip }) => {
    const disk = mountSmallDisk('12m') ?? '';
    if (!disk) skip('no disk may be mounted here');
    stack.defer(() => unmountDisk(disk));
    const people = household(12, 60_000);
    const onDisk = { file: join(disk, 'people.sqlite') };
    writeOldGallery(onDisk.file, 5, { people, embedder: smallEmbedder.sha256 });
    const makeRoom = fillDisk(disk, 100);
    expect(codeOf(() => open(onDisk))).toBe('disk-full');
    using db = new DatabaseSync(onDisk.file);
    expect(db.prepare('SELECT count(*) AS n, (SELECT count(*) FROM pictures) AS m FROM people').get()).toMatchObject({ n: 12, m: 24 });
    db.close();
    makeRoom();
    using gallery = openGallery({ ...optionsOf(), ...onDisk });
    expect([gallery.people, gallery.templates]).toEqual([12, 24]);
  });

  it('cut by kill -9 at any moment starts over: nobody is lost, and nothing stays readable', async () => {
    const people = household(30, 20_000);
    writeOldGallery(file, 5, { people, embedder: smallEmbedder.sha256 });
    const whole = readFileSync(file);
    const cuts = killsOr(4);
    let tookMs = 0;
    for (let round = 0; round <= cuts; round++) {
      if (tookMs > 0 && sql('PRAGMA user_version')[0]?.user_version === 6) {
        for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true });
        writeFileSync(file, whole);
      }
      const child = fork(fileURLToPath(new URL('./migrating.ts', import.meta.url)), [file], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      const ended = once(child, 'exit');
      await once(child, 'message');
      const fromMs = performance.now();
      child.send('go');
      // The first one is not cut: it tells how long it takes.
      const cutMs = round === 0 ? Number.POSITIVE_INFINITY : Math.random() * tookMs;
      while (performance.now() - fromMs < cutMs && child.exitCode === null) await nextTurn();
      child.kill('SIGKILL');
      await ended;
      if (round === 0) tookMs = performance.now() - fromMs;
      if (existsSync(`${file}-wal`)) sql('SELECT count(*) FROM sqlite_schema'); // whatever it left can be read
    }
    const gallery = open();
    expect(readable(people)).toEqual([]);
    expect([gallery.people, gallery.templates]).toEqual([30, 60]);
    expect(gallery.find(people[29]!.name)).toMatchObject({ id: 'old-29', pictures: 2 });
  }, 600_000);
});
