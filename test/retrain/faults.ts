/**
 * Faults, injected by a seed into train → transfer → promote: kills, cuts, flipped bits, full disks, wrong signatures and doors, old versions, processes that die. After each one
 * the next daemon must find a whole, verified network to guard the door, and every job must have come to an end that says why.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../../src/base/errors.ts';
import { systemClock } from '../../src/base/time.ts';
import { makeBundle } from '../../src/retrain/bundle.ts';
import { endStates } from '../../src/retrain/jobs.ts';
import { writeKeptFolder } from '../../src/retrain/kept-folder.ts';
import { Crash } from '../../src/retrain/process.ts';
import { smallEmbedder, smallPolicy } from '../contracts/gallery.ts';
import { randomOf, unitVector } from '../fakes/embeddings.ts';
import { emptyShelf, memoryGallery, type Shelf } from '../fakes/gallery.ts';
import { aboutOf, type BenchDoor, candidate, guardOf, openBenchDoor, stepsRecipe, strangerKey, writeEmbedder } from './bench-door.ts';

/** Eight people with two pictures each, the same for every process: what a gallery on the disk would be. */
export function shelfOfPeople(): Shelf {
  const random = randomOf(5);
  const shelf = emptyShelf();
  const gallery = memoryGallery({ embedder: smallEmbedder, policy: smallPolicy, clock: systemClock, shelf });
  for (let i = 0; i < 8; i++) {
    const pictures = [0, 1].map((n) => ({ picture: Buffer.from(`picture ${i} ${n}`), template: unitVector(random, 8), source: `${n}` }));
    gallery.enrol({ name: `P${i}`, pictures });
  }
  for (const [i, person] of shelf.people.entries())
    shelf.people[i] = { ...person, id: `person-${i}`, enrolledAt: '2026-01-01T00:00:00.000Z' };
  return shelf;
}

/** Those that need a process of their own to be killed. */
export const processFaults = ['kill', 'kill-and-go-on', 'full-disk'] as const;
export const innerFaults = [
  'cut-candidate',
  'flip-candidate',
  'remove-file',
  'swap-signature',
  'flip-champion',
  'cut-champion',
  'unknown-signer',
  'forged-signer',
  'wrong-door',
  'old-version',
  'cut-transfer',
  'trainer-dies',
  'trainer-fails',
  'pictures-changed',
  'stopped-anywhere',
  'cancelled',
] as const;
export type FaultKind = (typeof processFaults)[number] | (typeof innerFaults)[number];

export interface Tally {
  /** Injected, by kind. */
  readonly injected: Record<string, number>;
  /** How jobs ended. */
  readonly jobs: Record<string, number>;
  /** What guarded the door afterwards. */
  readonly guards: { base: number; trained: number };
}

/** Runs `kinds` in order on one state folder. Throws where the door would run what is not whole, or a job is lost. */
export async function injectFaults(state: string, kinds: readonly FaultKind[], seed: number): Promise<Tally> {
  const random = randomOf(seed);
  const tally: Tally = { injected: {}, jobs: {}, guards: { base: 0, trained: 0 } };
  for (const [round, kind] of kinds.entries()) {
    await inject(state, kind, random, round);
    tally.injected[kind] = (tally.injected[kind] ?? 0) + 1;
    await check(state, kind, round, tally);
  }
  return tally;
}

/** What the next daemon finds. */
async function check(state: string, kind: FaultKind, round: number, tally: Tally): Promise<void> {
  const where = `after fault ${round} (${kind})`;
  using door = await openBenchDoor({ state, shelf: shelfOfPeople() });
  const guard = await guardOf(door);
  if (guard === 'base') door.expected.inspect(door.base);
  else if (!(await door.registry.verify(guard)).ok) throw new Error(`${where} the door would run a network that is not whole: ${guard}`);
  tally.guards[guard === 'base' ? 'base' : 'trained']++;
  const unfinished = door.jobs.status();
  if (unfinished && !endStates.includes(unfinished.state)) await door.runner.runOne(AbortSignal.timeout(60_000));
  const job = door.jobs.status();
  if (job && (!endStates.includes(job.state) || job.endedAt === undefined || job.detail === undefined))
    throw new Error(`${where} a job is lost: ${JSON.stringify(job)}`);
  if (job) tally.jobs[job.state] = (tally.jobs[job.state] ?? 0) + 1;
  const models = join(state, 'models');
  // Killed before the first network was made, there is no such folder yet.
  const left = (statSync(models, { throwIfNoEntry: false }) ? readdirSync(models) : []).filter((name) => name.startsWith('.new-'));
  if (left.length > 0) throw new Error(`${where} unfinished folders are left: ${left.join(', ')}`);
  door.registry.prune(3);
}

const program = fileURLToPath(new URL('./training-door.ts', import.meta.url));

/** Runs the process and kills it at a random time after it is ready; how much of a file it may write is limited by `blocks` of 512 bytes. */
async function runProcess(state: string, how: string, killAfterMs: number | undefined, blocks?: number): Promise<void> {
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', program, state, how];
  const shell = ['-c', `${blocks === undefined ? '' : `ulimit -f ${blocks}; `}exec "$0" "$@"`, ...command];
  const child = spawn('sh', shell, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const gone = once(child, 'close');
  if (killAfterMs !== undefined) {
    await Promise.race([once(child.stdout, 'data'), gone]);
    await new Promise((done) => setTimeout(done, killAfterMs));
    child.kill('SIGKILL');
  }
  child.stdout.resume();
  const [code, signal] = await gone;
  if (killAfterMs === undefined && blocks === undefined && code !== 0) throw new Error(`the process ended with ${code ?? signal}: ${said}`);
}

async function inject(state: string, kind: FaultKind, random: () => number, round: number): Promise<void> {
  if (kind === 'kill') return runProcess(state, '', random() * 300);
  if (kind === 'kill-and-go-on') {
    await runProcess(state, 'one', random() * 100);
    return runProcess(state, 'one', undefined);
  }
  if (kind === 'full-disk') return runProcess(state, 'one', undefined, 8 + Math.floor(random() * 240));
  const signal = new AbortController();
  let crashes = 0;
  const dying = 1 + Math.floor(random() * 5);
  const recipe = stepsRecipe(5, (step) => {
    if (kind === 'stopped-anywhere' && step === dying) signal.abort(new Error('stopped'));
    if (kind === 'cancelled' && step === dying) door.jobs.cancel('test');
    if (kind === 'trainer-fails' && step === dying) throw new Fault('training-failed', 'The loss is not a number');
    if (kind === 'trainer-dies' && step === dying && crashes++ < 1 + Math.floor(random() * 4))
      throw new Fault('training-failed', 'The training process ended early', new Crash('SIGKILL'));
  });
  const door: BenchDoor = await openBenchDoor({ state, shelf: shelfOfPeople(), run: recipe });
  using _ = door;
  if (!['cut-candidate', 'flip-candidate', 'remove-file', 'swap-signature'].includes(kind)) {
    await spoil(door, kind, random, round);
    if (['flip-champion', 'cut-champion', 'unknown-signer', 'forged-signer', 'wrong-door', 'old-version', 'cut-transfer'].includes(kind))
      return;
    const job = door.jobs.status();
    if (!job || job.endedAt !== undefined) door.jobs.start({ recipe: 'adapt', where: 'door', by: 'test' });
    await door.runner.runOne(signal.signal);
    return;
  }
  const { id } = await candidate(door, `candidate-${round}`);
  const before = door.registry.champion()?.id;
  await spoilBundle(door, id, kind, random);
  const outcome = await door.promotion.promote(id, 'test', { force: random() < 0.5 });
  if (outcome.ok || door.registry.champion()?.id !== before) throw new Error(`a spoiled candidate was promoted (${kind}, round ${round})`);
}

/** Spoils something that is there before a job, or is brought in from elsewhere; a bundle that must be refused is, or it throws. */
async function spoil(door: BenchDoor, kind: FaultKind, random: () => number, round: number): Promise<void> {
  const { registry, state } = door;
  if (kind === 'flip-champion' || kind === 'cut-champion') {
    const fresh = await candidate(door, `champion-${round}`);
    await door.promotion.promote(fresh.id, 'test');
    return spoilBundle(door, registry.champion()?.id ?? fresh.id, kind === 'flip-champion' ? 'flip-candidate' : 'cut-candidate', random);
  }
  if (kind === 'pictures-changed') {
    // A job that was interrupted, whose pictures are spoiled before it goes on.
    const end = new AbortController();
    const stopping = await openBenchDoor({
      state,
      shelf: shelfOfPeople(),
      run: stepsRecipe(5, (step) => step === 3 && end.abort(new Error('stopped'))),
    });
    if (stopping.jobs.status()?.endedAt !== undefined || !stopping.jobs.status())
      stopping.jobs.start({ recipe: 'adapt', where: 'door', by: 'test' });
    await stopping.runner.runOne(end.signal);
    stopping[Symbol.dispose]();
    const job = stopping.jobs && door.jobs.status();
    const at = join(state, 'jobs', job?.id ?? '', 'pictures');
    const names = statSync(at, { throwIfNoEntry: false }) ? readdirSync(at) : [];
    const name = names[Math.floor(random() * names.length)];
    if (name !== undefined) truncateSync(join(at, name), Math.floor(random() * 5));
    return;
  }
  if (!['unknown-signer', 'forged-signer', 'wrong-door', 'old-version', 'cut-transfer'].includes(kind)) return;
  if (kind === 'old-version') await door.promotion.promote((await candidate(door, `newer-${round}`)).id, 'test');
  const made = join(state, 'incoming-made');
  const incoming = join(state, 'incoming');
  for (const at of [made, incoming]) rmSync(at, { recursive: true, force: true });
  writeEmbedder(made, `incoming ${round}`);
  const stranger = await strangerKey();
  const signer = kind === 'unknown-signer' ? stranger : kind === 'forged-signer' ? { ...stranger, kid: door.keys.id } : door.signer;
  const to = kind === 'wrong-door' ? 'back-door#x' : door.expected.door;
  const version = kind === 'old-version' ? 1 : 1_000_000 + round;
  const about = { ...aboutOf(), door: to, parent: registry.base, version };
  writeKeptFolder(incoming, (await makeBundle(made, about, signer)).files);
  if (kind === 'cut-transfer') spoilFolder(incoming, 'cut-candidate', random);
  const before = registry.list().length;
  const refused = await registry.add(incoming).then(
    () => false,
    (error) => error instanceof Fault && error.code === 'model-refused',
  );
  if (!refused || registry.list().length !== before)
    throw new Error(`a bundle that must be refused was taken in (${kind}, round ${round})`);
}

async function spoilBundle(door: BenchDoor, id: string, kind: FaultKind, random: () => number): Promise<void> {
  if (kind === 'swap-signature') {
    const other = await candidate(door, `other-${id.slice(0, 6)}`);
    writeFileSync(join(door.registry.folder(id), 'bundle.jws'), readFileSync(join(door.registry.folder(other.id), 'bundle.jws')));
  } else spoilFolder(door.registry.folder(id), kind, random);
}

function spoilFolder(folder: string, kind: FaultKind, random: () => number): void {
  const names = readdirSync(folder).toSorted();
  const file = join(folder, names[Math.floor(random() * names.length)] ?? '');
  const { size } = statSync(file);
  if (kind === 'remove-file') rmSync(file);
  else if (kind === 'cut-candidate') truncateSync(file, Math.floor(random() * size));
  else {
    const bytes = readFileSync(file);
    const at = Math.floor(random() * size);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    writeFileSync(file, bytes);
  }
}
