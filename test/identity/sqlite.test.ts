/** The gallery's file: private, wiped after a removal, whole after a kill or a full disk, and clear about what is wrong with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import type { Gallery } from '../../src/identity/port.ts';
import { personAtRest, templateAtRest } from '../../src/identity/rows/at-rest.ts';
import { openGallery } from '../../src/identity/sqlite.ts';
import type { Vault } from '../../src/vault/port.ts';
import { face, person, smallEmbedder, smallPolicy } from '../contracts/gallery.ts';
import { fakeClock } from '../fakes/clock.ts';
import { near, randomOf } from '../fakes/embeddings.ts';
import { vaultBeside } from '../fakes/vault.ts';

let folder: string;
let file: string;
let vault: Vault;
const opened: Gallery[] = [];
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-sqlite-'));
  file = join(folder, 'state', 'gallery.db');
  vault = vaultBeside(join(folder, 'gallery'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const gallery of opened.splice(0)) gallery[Symbol.dispose]();
  vault[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

function open(embedder = smallEmbedder): Gallery {
  const gallery = openGallery({ file, vault, embedder, policy: smallPolicy, clock: fakeClock(), lockTimeoutMs: 100 });
  opened.push(gallery);
  return gallery;
}
function closeAll(): void {
  for (const gallery of opened.splice(0)) gallery[Symbol.dispose]();
}
function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('no fault');
}
const folderOf = () => join(folder, 'state');
/** Some bytes of everything that is stored about the person. */
function sealedBytesOf(id: string): Uint8Array[] {
  using db = new DatabaseSync(file, { readOnly: true });
  const pictures = db.prepare('SELECT details, picture FROM pictures WHERE person_id = ?').all(id);
  const templates = db.prepare('SELECT vector FROM templates JOIN pictures ON id = picture_id WHERE person_id = ?').all(id);
  const all = [...db.prepare('SELECT details FROM people WHERE id = ?').all(id), ...pictures, ...templates];
  return all.flatMap((row) => Object.values(row).map((value) => (value as Uint8Array).subarray(-20)));
}
/** Whether the bytes lie anywhere in the gallery's files. */
const lingers = (bytes: Uint8Array) =>
  readdirSync(folderOf()).some((name) => readFileSync(join(folderOf(), name)).includes(Buffer.from(bytes)));

describe('the gallery’s file', () => {
  it('keeps everything over a restart', () => {
    const template = face();
    const ada = open().enrol(person('Ada', template, face()));
    closeAll();
    const gallery = open();
    expect(gallery.list()).toEqual([ada]);
    expect(gallery.match(near(template, 0.01, randomOf(1)))[0]).toMatchObject({ personId: ada.id, share: 0.5 });
    expect([gallery.templates, gallery.stale]).toEqual([2, 0]);
  });

  it('lists everyone without opening a name, and what another process changed at once', () => {
    let opens = 0;
    const real = vault;
    vault = {
      ...real,
      get epoch() {
        return real.epoch;
      },
      open: (...sealed) => {
        opens++;
        return real.open(...sealed);
      },
    };
    const [gallery, other] = [open(), open()];
    const people = ['Cy', 'Ada', 'Ben'].map((name) => gallery.enrol(person(name, face())));
    const byName = () => gallery.list().map(({ name, pictures }) => `${name} ${pictures}`);
    expect(gallery.list()).toEqual([people[1], people[2], people[0]]);
    opens = 0;
    for (let n = 0; n < 100; n++) gallery.list();
    expect(opens).toBe(0);
    gallery.rename(people[0]!.id, 'Aba');
    gallery.enrol(person('Ben', face()));
    expect(byName()).toEqual(['Aba 1', 'Ada 1', 'Ben 2']);
    other.rename(people[0]!.id, 'Zoe');
    other.enrol(person('Ada', face()));
    other.forget(people[2]!.id);
    expect(byName()).toEqual(['Ada 2', 'Zoe 1']);
    do gallery.refresh();
    while (gallery.unread);
    expect(byName()).toEqual(['Ada 2', 'Zoe 1']);
    real.destroy([{ person: people[1]!.id }]);
    expect(byName()).toEqual(['Zoe 1']);
    vault = real;
  });

  it('is readable by its owner only, also its write-ahead log, also where it was open to all', () => {
    const modes = () => readdirSync(folderOf()).map((name) => statSync(join(folderOf(), name)).mode & 0o777);
    open().enrol(person('Ada', face()));
    expect(modes()).toEqual([0o600, 0o600, 0o600]);
    closeAll();
    chmodSync(file, 0o644);
    open().enrol(person('Bob', face()));
    expect(modes()).toEqual([0o600, 0o600, 0o600]);
  });

  it.each([1, 3])('holds not a byte of a removed face, with %i processes at it', (processes) => {
    const galleries = Array.from({ length: processes }, () => open());
    const gallery = galleries[0]!;
    const pictures = Array.from({ length: 20 }, (_, i) => {
      const text = Array.from({ length: 500 }, (__, j) => `face ${i} part ${j} of Ada;`).join('');
      return { picture: new TextEncoder().encode(text), template: face(), source: `Ada-${i}.jpg` };
    });
    const { id } = gallery.enrol({ name: 'Ada', pictures });
    gallery.enrol(person('Bob', face()));
    for (const each of galleries) each.refresh();
    // Everything is sealed: what could stay is sealed bytes.
    const traces = sealedBytesOf(id);
    expect(traces).toHaveLength(61);
    expect(traces.every(lingers)).toBe(true);
    gallery.forget(id);
    expect(traces.filter(lingers)).toEqual([]);
  });

  it('empties the log later when another process was reading', () => {
    const gallery = open();
    const { id } = gallery.enrol(person('Ada', face()));
    const [trace] = sealedBytesOf(id);
    const reader = new DatabaseSync(file);
    reader.exec('BEGIN');
    reader.prepare('SELECT * FROM people').all();
    expect(gallery.forget(id)).toBe(true);
    expect(lingers(trace!)).toBe(true);
    reader.exec('COMMIT');
    reader.close();
    gallery.refresh();
    expect(lingers(trace!)).toBe(false);
  });

  it('is left alone when a newer facelatch wrote it', () => {
    open();
    closeAll();
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 7');
    db.close();
    const before = readFileSync(file);
    const fault = faultOf(open);
    expect(fault.code).toBe('database-newer');
    expect(fault.message).toMatch(/format 7, this one knows 6\): update facelatch/);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('is left alone when it is another program’s', () => {
    open();
    closeAll();
    rmSync(file);
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE songs (name TEXT)');
    db.close();
    const before = readFileSync(file);
    expect(faultOf(open)).toMatchObject({ code: 'gallery-damaged', message: expect.stringMatching(/another program/) });
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('says when it is no database, cut short, or damaged inside', () => {
    open().enrol(person('Ada', ...Array.from({ length: 200 }, face)));
    closeAll();
    const whole = readFileSync(file);
    const cases: [string, Buffer][] = [
      ['text', Buffer.from('not a database at all. '.repeat(100))],
      ['cut short', whole.subarray(0, whole.length / 2)],
      ['overwritten', Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(whole.length - 4096, 0xa5)])],
    ];
    for (const [what, bytes] of cases) {
      writeFileSync(file, bytes);
      const fault = faultOf(open);
      expect([what, fault.code]).toEqual([what, 'gallery-damaged']);
      expect(fault.message).toContain(file);
      expect(fault.cause).toBeInstanceOf(Error);
    }
  });

  /** As a damaged program would store them: sealed, and of no use. */
  const spoil = (id: string, { rules, vector }: { rules?: string; vector?: Uint8Array }) => {
    using db = new DatabaseSync(file);
    if (rules !== undefined) {
      const details = personAtRest(vault, { id, name: 'Ada', enrolledAt: '', rules });
      db.prepare('UPDATE people SET details = ? WHERE id = ?').run(details, id);
    }
    for (const { mark } of vector ? db.prepare('SELECT mark FROM pictures').all() : []) {
      const row = { personId: id, sha256: 'a'.repeat(64), embedder: smallEmbedder.sha256, vector: vector! };
      db.prepare('UPDATE templates SET vector = ?').run(templateAtRest(vault, row, mark as Uint8Array));
    }
  };

  it('says when a template in it is of the wrong length', () => {
    const { id } = open().enrol(person('Ada', face()));
    closeAll();
    spoil(id, { vector: Buffer.alloc(1) });
    expect(faultOf(open)).toMatchObject({ code: 'gallery-damaged', message: expect.stringMatching(/wrong length/) });
  });

  it.each(['{"enabled":"no"}', '{"groups":"all"}', '{', 'null'])('says when the rules of a person are %s', (rules) => {
    const { id } = open().enrol(person('Ada', face()));
    closeAll();
    spoil(id, { rules });
    expect(faultOf(open)).toMatchObject({ code: 'gallery-damaged', message: expect.stringContaining(file) });
  });

  it('reads again after a change of its own that could not be read back', () => {
    const gallery = open();
    const ada = gallery.enrol(person('Ada', face()));
    spoil(ada.id, { rules: '{' });
    expect(faultOf(() => gallery.enrol(person('Bob', face()))).code).toBe('gallery-damaged');
    expect(faultOf(() => gallery.refresh()).code).toBe('gallery-damaged');
    expect(gallery.templates).toBe(1);
    spoil(ada.id, { rules: '{}' });
    do gallery.refresh();
    while (gallery.unread);
    expect([gallery.list().map(({ name }) => name), gallery.templates]).toEqual([[ada.name, 'Bob'], 2]);
  });

  it('says when it cannot be made', () => {
    writeFileSync(folderOf(), 'a file where a folder should be');
    expect(faultOf(open)).toMatchObject({ code: 'gallery-down', message: expect.stringMatching(/set state\.folder/) });
  });

  it('says when another process holds it, and changes nothing', () => {
    const gallery = open();
    const holder = new DatabaseSync(file);
    holder.exec('BEGIN IMMEDIATE');
    expect(faultOf(() => gallery.enrol(person('Ada', face()))).code).toBe('gallery-down');
    holder.exec('ROLLBACK');
    holder.close();
    expect(gallery.list()).toEqual([]);
    gallery.enrol(person('Ada', face()));
  });

  it('is checked for news in microseconds', () => {
    const gallery = open();
    gallery.enrol(person('Ada', ...Array.from({ length: 100 }, face)));
    const times = Array.from({ length: 200 }, () => {
      const start = performance.now();
      gallery.refresh();
      return performance.now() - start;
    }).sort((a, b) => a - b);
    expect(times[100]).toBeLessThan(1);
  });
});

describe('what other processes change', () => {
  /** Looks until nothing is left to read; the number of looks. */
  const looksOf = (gallery: Gallery): number => {
    for (let looks = 1; ; looks++) {
      gallery.refresh();
      if (!gallery.unread) return looks;
    }
  };
  const household = (count: number) => {
    const [here, there] = [open(), open()];
    const people = Array.from({ length: count }, (_, i) => there.enrol(person(`Resident ${i}`, face(), face())));
    return { here, there, people };
  };

  it('is read a part at each look where it is much, and whoever was changed last first', () => {
    const { here, there, people } = household(120);
    here.refresh();
    expect(here.unread).toBe(true);
    expect(here.templates).toBeLessThan(100);
    there.forget(people[0]!.id);
    const eve = face();
    there.enrol(person('Eve', eve));
    here.refresh();
    expect(here.match(eve)[0]?.logit).toBeGreaterThan(here.threshold.logit);
    expect(here.match(face()).some(({ personId }) => personId === people[0]!.id)).toBe(false);
    expect(looksOf(here)).toBeGreaterThan(1);
    expect([here.templates, here.people, here.enrolled().length]).toEqual([239, 120, 120]);
    expect(here.threshold.logit).toBeCloseTo(there.threshold.logit, 9);
  });

  it('is not missed where somebody who is known is removed with their key while much is still to be read', () => {
    const { here, there } = household(60);
    here.refresh();
    const known = here.enrolled()[0]!.id;
    expect(here.unread).toBe(true);
    vault.destroy([{ person: known }]);
    here.forget(known);
    looksOf(here);
    const compared = here.enrolled().map(({ id }) => id);
    expect(compared.toSorted()).toEqual(
      there
        .list()
        .map(({ id }) => id)
        .toSorted(),
    );
  });

  it('is not missed where somebody took the log of changes away', () => {
    const { here, there, people } = household(60);
    looksOf(here);
    using db = new DatabaseSync(file, { enableForeignKeyConstraints: true });
    for (const table of ['people', 'pictures', 'templates']) db.exec(`DROP TRIGGER ${table}_delete`);
    db.exec('DELETE FROM change_log');
    db.prepare('DELETE FROM people WHERE id = ?').run(people[30]!.id);
    looksOf(here);
    expect([here.templates, here.people]).toEqual([118, 59]);
    looksOf(there);
    expect(there.enrolled()).toEqual(here.enrolled());
  });

  it('leaves the objects of those who did not change as they were', () => {
    const { here, there, people } = household(3);
    looksOf(here);
    const before = here.enrolled();
    there.rename(people[0]!.id, 'Another name');
    looksOf(here);
    expect(here.enrolled()).toBe(before);
    there.enrol(person('Resident 1', face()));
    looksOf(here);
    expect(here.enrolled().filter((one) => before.includes(one))).toHaveLength(2);
  });
});

describe('an enrolment cut short', () => {
  const enrolling = fileURLToPath(new URL('./enrolling.ts', import.meta.url));
  const start = (command: string, args: string[]) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  };
  const logSize = () => (existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0);
  const ended = (child: ChildProcess) => new Promise<void>((resolve) => child.once('close', () => resolve()));

  it.each([1, 32])('by kill -9, %i MiB into 64, leaves all of it or nothing, and what was there before', async (mebibytes) => {
    const ada = open().enrol(person('Ada', face()));
    closeAll();
    const child = start(process.execPath, [enrolling, file, 'Bob']);
    const end = ended(child);
    while (logSize() < mebibytes << 20 && child.exitCode === null) await nextTurn();
    child.kill('SIGKILL');
    await end;
    expect(child.signalCode).toBe('SIGKILL'); // it was not done yet
    const gallery = open();
    const stored = gallery.find('Bob')?.pictures ?? 0; // 64 only where the kill came later than meant
    expect([0, 64]).toContain(stored);
    expect(gallery.find('Ada')).toEqual(ada);
    expect([gallery.templates, gallery.stale]).toEqual([1 + stored, 0]);
    expect(gallery.enrol(person('Bob', face())).pictures).toBe(stored + 1);
  });

  it('by a disk that takes no more is a fault, gives the space back, and the gallery goes on', async () => {
    const ada = open().enrol(person('Ada', face()));
    closeAll();
    // No file larger than 8 MiB (ulimit counts in 512 bytes): the system refuses the write, as a quota or a full disk does.
    const child = start('sh', ['-c', `ulimit -f 16384; exec "$0" "$@"`, process.execPath, enrolling, file, 'Bob', 'Cy']);
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
    });
    await ended(child);
    expect(output.trim().split('\n')).toEqual(['disk-full 0', 'disk-full 0']);
    const gallery = open();
    expect(gallery.list()).toEqual([ada]);
    expect(gallery.enrol(person('Bob', face())).pictures).toBe(1);
  });
});
