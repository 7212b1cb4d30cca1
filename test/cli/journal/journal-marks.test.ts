/** `facelatch journal mark` and `marks` on a door that has kept pictures: what a person says of an entry is journalled, labels what was kept of it, and is shown. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { journalOf } from '../../../src/adapters/journal.ts';
import { vaultOf } from '../../../src/adapters/vault.ts';
import { systemClock } from '../../../src/base/time.ts';
import type { Event } from '../../../src/events.ts';
import { openEmbedderNetwork } from '../../../src/face/manifest/embedder.ts';
import { openGallery } from '../../../src/identity/sqlite.ts';
import { samplesIn } from '../../../src/retrain/samples.ts';
import { openRetrainStore } from '../../../src/retrain/store.ts';
import { doorConfig } from '../../fakes/config.ts';
import { eventOf } from '../../fakes/events.ts';
import { vaultIn } from '../../fakes/vault.ts';
import { facelatch, jsonOf, root, temporaryFolder } from '../facelatch.ts';

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const inState = (name: string) => join(folder.path, name);
const run = (...args: string[]) => facelatch(['journal', ...args, '--state', folder.path]);
const mark = (seq: number, ...args: string[]) => run('mark', String(seq), ...args);

const bytes = (text: string) => new TextEncoder().encode(text);
const idOf = (text: string) => createHash('sha256').update(text).digest('hex');
const learning = { keepGrantsDays: 7, keepUnknownsDays: 3, maxPictures: 50, frozenShare: 0.2 };

/** The door's files, as the daemon has them; what it kept would be deleted by nobody but the daemon. */
function openDoor() {
  const stack = new DisposableStack();
  const policy = { policy: 'target-fmr', targetFmr: 1e-4, detection: 0.99, verification: 0.8 } as const;
  const embedder = openEmbedderNetwork(join(root, 'models', 'embedder')).info;
  const config = doorConfig({ 'state.folder': folder.path });
  const vault = stack.use(vaultOf(config));
  const gallery = stack.use(openGallery({ vault, file: inState('people.sqlite'), embedder, policy, clock: systemClock }));
  const journal = stack.use(journalOf(config));
  const store = stack.use(openRetrainStore(inState('retrain.sqlite'), stack.use(vaultIn(inState('.')))));
  const samples = samplesIn({ store, gallery, clock: systemClock, ...learning });
  return { gallery, journal, samples, embedder, [Symbol.dispose]: () => stack.dispose() };
}

/** Ada was let in four times, somebody was turned away twice; of the last grant nothing was kept. */
const seqs = { started: 1, right: 2, wrong: 3, other: 4, person: 5, stranger: 6, unkept: 7 };
const people = { ada: '', bob: '' };

beforeAll(() => {
  using door = openDoor();
  const { gallery, journal, samples, embedder } = door;
  const template = new Float32Array(embedder.dimension);
  template[0] = 1;
  const enrolled = (name: string) => gallery.enrol({ name, pictures: [{ picture: bytes(name), template, source: `${name}.jpg` }] });
  const [ada, bob] = [enrolled('Ada'), enrolled('Bob')];
  Object.assign(people, { ada: ada.id, bob: bob.id });
  const granted = { ...eventOf['access.granted'], personId: ada.id } as Event;
  journal.append(eventOf['daemon.started']);
  for (let i = 0; i < 3; i++) {
    const { seq, at } = journal.append(granted);
    samples.keep({ seq, takenAt: at, personId: ada.id, pictures: [bytes(`grant ${seq}`)] });
  }
  for (let i = 0; i < 2; i++) {
    const { seq, at } = journal.append(eventOf['access.denied']);
    samples.keep({ seq, takenAt: at, alike: true, pictures: [bytes(`denial ${seq} a`), bytes(`denial ${seq} b`)] });
  }
  expect(journal.append(granted).seq).toBe(seqs.unkept);
});

/** What a training would learn: whose picture each is, or a stranger's. */
function learned(): Record<string, string> {
  using door = openDoor();
  const { training, frozen } = door.samples.dataset();
  const parts = [training, frozen];
  const ofPeople = parts.flatMap((part) => part.people.flatMap(({ personId, samples }) => samples.map(({ id }) => [id, personId])));
  const ofStrangers = parts.flatMap((part) => part.strangers.flat().map(({ id }) => [id, 'stranger']));
  return Object.fromEntries([...ofPeople, ...ofStrangers]);
}

const marksOf = (seq: number) => {
  using door = openDoor();
  const marks = door.journal.query({ kinds: ['entry.marked'] }).map(({ event }) => event as Extract<Event, { kind: 'entry.marked' }>);
  return marks.filter(({ markedSeq }) => markedSeq === seq).map(({ kind: _, markedSeq: __, ...said }) => said);
};

describe('journal mark', () => {
  it('lists what was kept, before anybody has said anything of it', async () => {
    const { stdout, code } = await run('marks');
    const lines = stdout.trim().split('\n');
    expect([code, lines.length]).toEqual([0, 5]);
    const ids = ['a', 'b'].map((each) => idOf(`denial ${seqs.stranger} ${each}`).slice(0, 12));
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\S+Z +6 {2}2 pictures {2}turned away {2}\w{12} \w{12}$/);
    expect(lines[0]?.split(' ').slice(-2).toSorted()).toEqual(ids.toSorted());
    expect(lines[4]).toMatch(new RegExp(` 2 {2}1 picture {2}Ada {2}${idOf(`grant ${seqs.right}`).slice(0, 12)}$`));
    expect(Object.keys(learned()).toSorted()).toEqual([idOf('Ada'), idOf('Bob')].toSorted());
  });

  it('a grant that was right is learned from as the person it was for; where no picture was kept, it says so', async () => {
    const [said, unkept] = await Promise.all([mark(seqs.right, '--right'), mark(seqs.unkept, '--right')]);
    expect(said).toMatchObject({ code: 0, stdout: 'entry 2 is marked; the next training learns from 1 picture\n' });
    expect(unkept).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^entry 7 is marked; no picture of it was kept.*keepGrantsDays/),
    });
    for (const seq of [seqs.right, seqs.unkept]) expect(marksOf(seq)).toEqual([{ as: 'right', by: 'cli', personId: people.ada }]);
    expect(learned()).toMatchObject({ [idOf('grant 2')]: people.ada });
  });

  it('one that was for somebody else is a stranger’s, or whose the person says', async () => {
    const said = await Promise.all([mark(seqs.wrong, '--not-them', '--json'), mark(seqs.other, '--person', 'Bob', '--json')]);
    expect(said.map(jsonOf)).toEqual([
      { seq: 3, as: 'not-them', pictures: 1 },
      { seq: 4, as: 'person', pictures: 1, personId: people.bob },
    ]);
    expect(marksOf(seqs.wrong)).toEqual([{ as: 'not-them', by: 'cli' }]);
    expect(marksOf(seqs.other)).toEqual([{ as: 'person', by: 'cli', personId: people.bob }]);
    expect(learned()).toMatchObject({ [idOf('grant 3')]: 'stranger', [idOf('grant 4')]: people.bob });
  });

  it('somebody turned away is a person, by id, or a stranger', async () => {
    const said = await Promise.all([mark(seqs.person, '--person', people.ada), mark(seqs.stranger, '--stranger')]);
    expect(said.map(({ code, stdout }) => [code, stdout])).toEqual([
      [0, 'entry 5 is marked; the next training learns from 2 pictures\n'],
      [0, 'entry 6 is marked; the next training learns from 2 pictures\n'],
    ]);
    expect(marksOf(seqs.stranger)).toEqual([{ as: 'stranger', by: 'cli' }]);
    expect(learned()).toMatchObject({ [idOf('denial 5 a')]: people.ada, [idOf('denial 6 b')]: 'stranger' });
  });

  it('the last word counts: a grant called another’s and then right is again that of the person it was for', async () => {
    expect(await mark(seqs.other, '--right')).toMatchObject({ code: 0 });
    expect(marksOf(seqs.other).map(({ as }) => as)).toEqual(['person', 'right']);
    expect(learned()).toMatchObject({ [idOf('grant 4')]: people.ada });
  });

  it.concurrent.each([
    ['an entry that is not there', 999, ['--right'], /The journal has no entry 999: "facelatch journal --kind access"/],
    [
      'an entry that is no grant or denial',
      seqs.started,
      ['--stranger'],
      /Entry 1 is daemon\.started: only access\.granted and access\.denied/,
    ],
    ['two words at once', seqs.right, ['--right', '--stranger'], /Give exactly one of --right, --not-them, --person NAME and --stranger/],
  ])('refuses %s, and journals nothing', async (_, seq, args, why) => {
    const before = marksOf(seq).length;
    expect(await mark(seq, ...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(why) });
    expect(marksOf(seq)).toHaveLength(before);
  });
});

describe('journal marks', () => {
  it('shows what was said of each, with the ids of its pictures', async () => {
    const [json, text] = await Promise.all([run('marks', '--json'), run('marks')]);
    const { kept } = jsonOf(json);
    const grant = (seq: number, said: object) => ({ seq, pictures: 1, ids: [idOf(`grant ${seq}`)], takenAt: expect.any(String), ...said });
    expect(kept.slice(2)).toEqual([
      grant(4, { personId: people.ada, mark: 'right' }),
      grant(3, { mark: 'not-them' }),
      grant(2, { personId: people.ada, mark: 'right' }),
    ]);
    const said = text.stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/).slice(3, -1).join(', '));
    expect(said).toEqual([
      'a stranger, marked stranger',
      'Ada, marked person',
      'Ada, marked right',
      'a stranger, marked not-them',
      'Ada, marked right',
    ]);
  });

  it('says so where nothing is kept', async () => {
    {
      using vault = vaultIn(inState('.'));
      using store = openRetrainStore(inState('retrain.sqlite'), vault);
      store.db.exec('DELETE FROM kept');
    }
    expect(await run('marks')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^No pictures of the journal are kept \(retrain\./),
    });
  });
});
