/**
 * kill -9 at a random moment, again and again: a door's state folder goes in; after each kill every database must open,
 * and nobody may be half there. `node test/attacks/kill/campaign.ts RUNS [change|migrate|backup|restore …]` runs it by
 * hand; the suite plays a few.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { backupTaskOf } from '../../../src/adapters/backup.ts';
import { dropStaged, stageBackup } from '../../../src/adapters/restore.ts';
import { storedPeople } from '../../../src/identity/gallery/stored.ts';
import { takeBackup } from '../../../src/vault/backup/take.ts';
import { searchFolder } from '../../../src/vault/shredding.ts';
import { face, person } from '../../contracts/gallery.ts';
import { writeOldGallery } from '../../fakes/old-gallery.ts';
import { openPeopledDoor, type PeopledDoor } from '../../fakes/peopled-door.ts';

const killActions = ['change', 'migrate', 'backup', 'restore'] as const;
type KillAction = (typeof killActions)[number];

/** What the processes said before they were killed. */
interface Said {
  readonly enrolled: Set<string>;
  /** Their removal had begun. */
  readonly leaving: Set<string>;
  readonly removed: Set<string>;
}

/** The longest time from `ready` to the kill, milliseconds: about what the work takes. */
const withinMs: Readonly<Record<KillAction, number>> = { change: 400, migrate: 150, backup: 400, restore: 400 };
const oldPeople = ['Resident One Of-The-House', 'Resident Two Of-The-House'];

interface Campaign extends Disposable {
  /** One process, killed; then everything is checked. The problems found, in words. */
  run(action: KillAction, n: number): Promise<readonly string[]>;
}

/** `random`: 0…1. */
export async function openCampaign(random: () => number = Math.random): Promise<Campaign> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-kill-'));
  const [state, backup] = [join(folder, 'state'), join(folder, 'door.age')];
  const said: Said = { enrolled: new Set(), leaving: new Set(), removed: new Set() };
  {
    using door = openPeopledDoor(state, 5000);
    for (const name of ['Ada', 'Ben', 'Cy']) said.enrolled.add(door.enrol(name).person.id);
  }
  const killed = async (action: KillAction, of: string, n: number) => {
    // Compiled once: most of the time of a run is the start of its process.
    const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') };
    const child = spawn(process.execPath, [victim, of, action, backup, String(n)], { stdio: ['ignore', 'pipe', 'pipe'], env });
    let [text, trouble] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    child.stderr.setEncoding('utf8').on('data', (piece: string) => (trouble += piece));
    const ended = once(child, 'close');
    while (!text.includes('ready') && child.exitCode === null) await sleep(2);
    await sleep(random() * withinMs[action]);
    child.kill('SIGKILL');
    await ended;
    hear(said, text);
    return trouble === '' ? [] : [`the process said: ${trouble.slice(0, 2000)}`];
  };
  return {
    run: async (action, n) => {
      if (action === 'migrate') return await migrated(join(folder, `old-${n}`), (of) => killed(action, of, n));
      if (action === 'restore') await backedUp(state, backup);
      const trouble = await killed(action, state, n);
      return [...trouble, ...checked(state, said), ...(action === 'backup' ? await checkedBackup(state, backup) : [])];
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const victim = fileURLToPath(new URL('./victim.ts', import.meta.url));

function hear({ enrolled, leaving, removed }: Said, text: string): void {
  for (const line of text.split('\n').slice(0, -1)) {
    const [what, id = ''] = line.split(' ');
    if (what === 'enrolled') enrolled.add(id);
    if (what === 'removing') leaving.add(id);
    if (what === 'removed') removed.add(id);
  }
}

async function backedUp(state: string, backup: string): Promise<void> {
  using door = openPeopledDoor(state);
  await takeBackup(await backupTaskOf(door.config, door.vault, { to: backup, by: 'cli' }));
}

/** A backup is there whole, or the one before it is. */
async function checkedBackup(state: string, backup: string): Promise<string[]> {
  if (!existsSync(backup)) return [];
  using door = openPeopledDoor(state);
  try {
    const opener = { scalar: door.vault.derived('backup identity') };
    dropStaged(await stageBackup(door.config, { file: backup, opener, signal: new AbortController().signal, onProgress: () => undefined }));
    return [];
  } catch (error) {
    return [`the backup does not open: ${String(error)}`];
  }
}

/** A gallery of format 5 in a folder of its own: sealed as a whole, or still to be sealed; nothing of it readable afterwards. */
async function migrated(state: string, kill: (state: string) => Promise<readonly string[]>): Promise<string[]> {
  const people = oldPeople.map((name) => person(name, face(), face()));
  openPeopledDoor(state)[Symbol.dispose]();
  for (const end of ['', '-wal', '-shm']) rmSync(join(state, `people.sqlite${end}`), { force: true });
  writeOldGallery(join(state, 'people.sqlite'), 5, { people, embedder: 'a'.repeat(64) });
  const problems = [...(await kill(state))];
  using door = openPeopledDoor(state);
  const names = door.gallery.list().map(({ name }) => name);
  if (names.join() !== oldPeople.join()) problems.push(`the old gallery lost somebody: ${names.join()}`);
  const traces = { plain: people.flatMap(({ pictures }) => pictures.map(({ picture }) => picture)), names: oldPeople, sealed: [] };
  const { found } = searchFolder(state, traces);
  if (found.length > 0) problems.push(`readable after sealing: ${JSON.stringify(found)}`);
  return problems;
}

/** Opens everything as the next start does, and says what is wrong. */
function checked(state: string, said: Said): string[] {
  const problems: string[] = [];
  for (const name of readdirSync(state).filter((file) => file.endsWith('.sqlite'))) {
    using db = new DatabaseSync(join(state, name));
    const whole = Object.values(db.prepare('PRAGMA integrity_check').get() ?? {});
    if (whole.join() !== 'ok') problems.push(`${name} is damaged: ${whole.join()}`);
  }
  for (const name of readdirSync(join(state, '..')))
    if (name.startsWith('state.before-')) rmSync(join(state, '..', name), { recursive: true });
  using door = openPeopledDoor(state);
  door.shredder.finish();
  if (!door.journal.verify().ok) problems.push('the journal is not whole');
  return [...problems, ...wholePeople(door, said), ...removedPeople(state, door)];
}

function wholePeople({ gallery, vault, journal }: PeopledDoor, { enrolled, leaving, removed }: Said): string[] {
  const problems: string[] = [];
  const people = gallery.list();
  const compared = new Map(gallery.enrolled().map(({ id, templates }) => [id, templates.length]));
  for (const { id, name, pictures } of people) {
    if (!vault.holds({ person: id }) || (!name.startsWith('Resident') && !['Ada', 'Ben', 'Cy'].includes(name)))
      problems.push(`${id} is there without a key or a name`);
    if (pictures === 0 || compared.get(id) !== pictures || gallery.pictures(id).length !== pictures)
      problems.push(`${id} is half enrolled`);
    if (!journal.query({ personId: id }).some(({ event }) => event.kind === 'person.enrolled'))
      problems.push(`${id} was enrolled without an entry`);
    if (removed.has(id)) problems.push(`${id} was removed and is there`);
  }
  const there = new Set(people.map(({ id }) => id));
  for (const id of enrolled) if (!there.has(id) && !leaving.has(id)) problems.push(`${id} was enrolled and is gone`);
  return problems;
}

/** Nothing may be left of anybody whose key is gone. */
function removedPeople(state: string, { vault, gallery }: PeopledDoor): string[] {
  const gone = new Set(vault.destroyed().flatMap(({ owner }) => (owner !== 'door' && 'person' in owner ? [owner.person] : [])));
  const rowsIn = (file: string, query: string): unknown[] => {
    using db = new DatabaseSync(join(state, file), { readOnly: true });
    return db
      .prepare(query)
      .all()
      .map((row) => Object.values(row)[0]);
  };
  const left = [
    ...[...storedPeople(join(state, 'people.sqlite'))],
    ...rowsIn('retrain.sqlite', 'SELECT DISTINCT person_id FROM kept'),
    ...rowsIn('liveness.sqlite', 'SELECT DISTINCT person FROM visit'),
    ...gallery.list().map(({ id }) => id),
  ];
  return left.filter((id) => gone.has(String(id))).map((id) => `${id} was removed and has rows`);
}

async function main(runs: number, actions: readonly KillAction[]): Promise<void> {
  using campaign = await openCampaign();
  let bad = 0;
  for (let n = 0; n < runs; n++) {
    const action = actions[n % actions.length] ?? 'change';
    const problems = await campaign.run(action, n);
    if (problems.length > 0) console.error(`run ${n} (${action}): ${problems.join('; ')}`);
    if (problems.length > 0) bad++;
    if ((n + 1) % 50 === 0) console.log(`${n + 1} of ${runs} kills, ${bad} with problems`);
  }
  console.log(`${runs} kills (${actions.join(', ')}), ${bad} with problems`);
  process.exitCode = bad === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , runs = '100', ...actions] = process.argv;
  await main(
    Number(runs),
    killActions.filter((action) => actions.length === 0 || actions.includes(action)),
  );
}
