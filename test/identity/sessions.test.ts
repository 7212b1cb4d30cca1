/** Enrolment sessions: each picture answered at once, all stored or nothing, bounded, and gone when abandoned. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import { sharedCamera } from '../../src/camera/shared.ts';
import type { EnrolmentAnswer, EnrolmentStatus } from '../../src/identity/port.ts';
import { rosterOf } from '../../src/identity/roster.ts';
import { enrolmentSessions, type SessionsOptions } from '../../src/identity/sessions.ts';
import { openGallery } from '../../src/identity/sqlite.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { fakeClock } from '../fakes/clock.ts';
import { memoryGallery } from '../fakes/gallery.ts';
import { memoryJournal } from '../fakes/journal.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';
import { circleEmbedder, type Drawing, drawing, drawingReader } from '../fakes/reader.ts';
import { vaultBeside } from '../fakes/vault.ts';

const policy = { policy: 'paper', targetFmr: 0.0001, detection: 0.99, verification: 0.8 } as const;
const limits = qualityLimits;
const bounds = {
  maxSessions: 2,
  maxPictures: 4,
  keptPictures: 20,
  maxPictureBytes: 1000,
  sessionMs: 60_000,
  intervalMs: 1000,
  silenceMs: 5000,
};

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function open(options: Partial<SessionsOptions> = {}) {
  const clock = fakeClock();
  const gallery = memoryGallery({ embedder: circleEmbedder, policy, clock });
  const journal = memoryJournal({ clock });
  const reader = drawingReader();
  const roster = rosterOf({ gallery, journal });
  const parts = {
    gallery,
    roster,
    journal,
    reader: () => reader,
    outside: { clean: async (picture: Uint8Array) => picture },
    limits,
    clock,
    log: openLog('silent'),
    ...bounds,
    ...options,
  };
  const all = enrolmentSessions(parts);
  ends.push(async () => await all[Symbol.asyncDispose]());
  const sessions = { ...all.of({ name: 'olga', key: 'k-olga' }), changes: all.changes };
  const start = async (name = 'Ada') => value(await sessions.start(name)).session;
  let count = 0;
  const add = async (id: string, of: Drawing) =>
    value(await sessions.addPicture(id, { picture: drawing({ tag: `${++count}`, ...of }), source: `${count}.jpg` }));
  const enrolled = (name: string, ...faces: number[]) => {
    const pictures = faces.map((face) => ({
      picture: drawing({ face, tag: name }),
      template: Float32Array.of(Math.cos((face * Math.PI) / 180), Math.sin((face * Math.PI) / 180)),
      source: 'before',
    }));
    return gallery.enrol({ name, pictures });
  };
  return { clock, gallery, journal, reader, sessions, others: all.of({ name: 'mallory', key: 'k-mallory' }), start, add, enrolled };
}

function value<T>(answer: EnrolmentAnswer<T>): T {
  if (!answer.ok) throw new Error(`${answer.reason}: ${answer.detail}`);
  return answer.value;
}
const refused = (reason: string) => expect.objectContaining({ ok: false, reason });

describe('a picture that was sent', () => {
  it('is cleaned before it is read or stored; one that cannot be cleaned is refused with the reason', async () => {
    const cleaned: string[] = [];
    const clean = async (picture: Uint8Array) => {
      const { tag } = JSON.parse(Buffer.from(picture).toString()) as Drawing;
      if (tag === 'heic') throw new Fault('bad-picture', 'This is a HEIC picture');
      cleaned.push(`${tag}`);
      return drawing({ face: 0, tag: `cleaned ${tag}` });
    };
    const { sessions, gallery, start } = open({ outside: { clean } });
    const id = await start();
    expect(value(await sessions.addPicture(id, { picture: drawing({ face: 0, tag: 'sent' }), source: 'a' }))).toMatchObject({
      accepted: true,
    });
    const heic = value(await sessions.addPicture(id, { picture: drawing({ tag: 'heic' }), source: 'b' }));
    expect(heic).toEqual({ accepted: false, source: 'b', reasons: ['not-a-picture'], detail: 'This is a HEIC picture' });
    expect(value(await sessions.status(id)).last).toEqual(heic);
    const { person: ada } = value(await sessions.commit(id));
    expect(gallery.pictures(ada.id).map(({ picture }) => JSON.parse(Buffer.from(picture!).toString()).tag)).toEqual(['cleaned sent']);
    expect(cleaned).toEqual(['sent']);
  });

  it('waits in memory: of all sessions no more than eight, nor more bytes than two pictures may have', async () => {
    const slow = Promise.withResolvers<void>();
    const clean = async (picture: Uint8Array) => {
      await slow.promise;
      return picture;
    };
    const { sessions, start } = open({ outside: { clean }, maxPictures: 20 });
    const [one, two] = [await start('Ada'), await start('Bob')];
    const send = (id: string, tag: string, bytes = 1) =>
      sessions.addPicture(id, { picture: drawing({ face: 0, tag, padding: 'x'.repeat(bytes) }), source: tag });
    const large = [send(one, '1', 800), send(two, '2', 800)];
    expect(await send(two, '3', 800)).toEqual(refused('too-many-pictures'));
    const small = ['4', '5', '6', '7', '8', '9'].map((tag) => send(one, tag));
    expect(await send(two, '10')).toEqual(refused('too-many-pictures'));
    slow.resolve();
    for (const answer of [...large, ...small]) expect(value(await answer)).toMatchObject({ accepted: true });
    expect(await send(two, '11', 800)).toMatchObject({ ok: true });
  });
});

describe('a session', () => {
  it('stores nothing before it is committed, then all accepted pictures, and journals who did it', async () => {
    const { sessions, gallery, journal, start, add } = open();
    const id = await start('  Ada ');
    expect(await add(id, { face: 0 })).toMatchObject({ accepted: true });
    expect(await add(id, { face: 20 })).toMatchObject({ accepted: true });
    expect(gallery.list()).toEqual([]);
    expect(value(await sessions.status(id))).toMatchObject({ state: 'collecting', name: 'Ada', pictures: 2 });
    const { person: ada, added, digest } = value(await sessions.commit(id));
    expect(gallery.list()).toEqual([ada]);
    expect(added).toEqual(gallery.pictures(ada.id).map((picture) => picture.id));
    expect(ada).toMatchObject({ name: 'Ada', pictures: 2 });
    const lines = added.toSorted().map((picture) => `${picture}\n`);
    expect(digest).toBe(createHash('sha256').update(lines.join('')).digest('hex'));
    const step = { kind: 'enrolment.stepped', session: id, by: 'olga', key: 'k-olga' };
    expect(journal.query({}).map(({ event }) => event)).toEqual([
      { ...step, step: 'started', pictures: 0 },
      { ...step, step: 'picture-accepted', pictures: 1 },
      { ...step, step: 'picture-accepted', pictures: 2 },
      { kind: 'person.enrolled', personId: ada.id, pictures: 2, by: 'olga' },
      { ...step, step: 'committed', pictures: 2, personId: ada.id, digest },
    ]);
    expect(value(await sessions.status(id))).toMatchObject({ state: 'committed', pictures: 2 });
    expect(await sessions.commit(id)).toEqual(refused('no-such-session'));
  });

  it('that is aborted leaves nothing, and takes no more pictures', async () => {
    const { sessions, gallery, journal, start, add } = open();
    const id = await start();
    await add(id, { face: 0 });
    expect(value(await sessions.abort(id))).toMatchObject({ state: 'aborted' });
    expect(await sessions.addPicture(id, { picture: drawing({ face: 1 }), source: 'late' })).toEqual(refused('no-such-session'));
    expect(await sessions.commit(id)).toEqual(refused('no-such-session'));
    expect([gallery.list(), journal.query({ kinds: ['person.enrolled'] })]).toEqual([[], []]);
  });

  it('that nobody touches is given up in its time, and makes room for another', async () => {
    const { sessions, clock, gallery, journal, start, add } = open();
    const [first, second] = [await start(), await start('Bob')];
    await add(first, { face: 0 });
    expect(await sessions.start('Carol')).toEqual(refused('too-many-sessions'));
    await clock.advance(40_000);
    await sessions.status(second);
    await clock.advance(30_000);
    expect(await sessions.commit(first)).toEqual(refused('expired'));
    expect(value(await sessions.status(second)).state).toBe('collecting');
    expect((await sessions.start('Carol')).ok).toBe(true);
    expect([gallery.list(), journal.query({ kinds: ['person.enrolled'] })]).toEqual([[], []]);
  });

  it('without a good picture, or of a name that is none, is refused', async () => {
    const { sessions, start, add } = open();
    expect(await sessions.start(' \n')).toEqual(refused('bad-name'));
    const id = await start();
    await add(id, {});
    expect(await sessions.commit(id)).toEqual(refused('no-pictures'));
    expect(await sessions.commit('nobody')).toEqual(refused('no-such-session'));
  });

  it('holds so many pictures and no more, also when they come all at once', async () => {
    const { sessions, start, add } = open();
    const id = await start();
    for (const face of [0, 1, 2, 3]) await add(id, { face });
    expect(await sessions.addPicture(id, { picture: drawing({ face: 4 }), source: 'x' })).toEqual(refused('too-many-pictures'));
    const many = await start('Bob');
    const flood = Array.from({ length: 30 }, (_, i) =>
      sessions.addPicture(many, { picture: drawing({ face: 90, tag: `${i}` }), source: `${i}` }),
    );
    const answers = await Promise.all(flood);
    expect(answers.filter((answer) => answer.ok && answer.value.accepted).length).toBeLessThanOrEqual(4);
    expect(answers.filter((answer) => !answer.ok)).toContainEqual(refused('too-many-pictures'));
  });

  it('adds to the person of that name what the person has not yet', async () => {
    const { sessions, start, add, enrolled, gallery } = open();
    const ada = enrolled('Ada', 0);
    const id = await start('Ada');
    expect(await add(id, { face: 0, tag: 'Ada' })).toMatchObject({ accepted: false, reasons: ['repeated'] });
    expect(await add(id, { face: 30 })).toMatchObject({ accepted: true });
    expect(await add(id, { face: 100 })).toMatchObject({ accepted: false, reasons: ['another-person'] });
    expect(value(await sessions.commit(id)).person).toMatchObject({ id: ada.id, pictures: 2 });
    expect(gallery.pictures(ada.id)).toHaveLength(2);
  });

  it('answers with the trouble, and goes on, when the reader fails for a while', async () => {
    const { sessions, start, add, reader } = open();
    const id = await start();
    reader.fault = new Fault('reader-failed', 'The thread ended');
    expect(await sessions.addPicture(id, { picture: drawing({ face: 0 }), source: 'x' })).toEqual(refused('failed'));
    reader.fault = undefined;
    expect(await add(id, { face: 0 })).toMatchObject({ accepted: true });
  });

  it('enrols nobody without a record: a journal that cannot be written undoes it, and the commit can be tried again', async () => {
    const { sessions, start, add, gallery, journal } = open();
    const id = await start();
    await add(id, { face: 0 });
    journal.full = true;
    expect(await sessions.commit(id)).toEqual(refused('failed'));
    expect(gallery.list()).toEqual([]);
    expect(value(await sessions.status(id))).toMatchObject({ state: 'collecting', pictures: 1 });
    journal.full = false;
    expect(value(await sessions.commit(id)).person).toMatchObject({ name: 'Ada', pictures: 1 });
  });
});

it('a session belongs to the key that began it: to another key it is not there, and nothing of it changes', async () => {
  const { sessions, others, start, add, gallery, journal } = open();
  const id = await start('Ada');
  await add(id, { face: 0 });
  const before = journal.head;
  const stranger = { picture: drawing({ face: 2, tag: 'mallory' }), source: 'x' };
  expect(await others.addPicture(id, stranger)).toEqual(refused('no-such-session'));
  expect(await others.takeFromCamera(id, { count: 1 })).toEqual(refused('no-such-session'));
  expect(await others.status(id)).toEqual(refused('no-such-session'));
  expect(await others.abort(id)).toEqual(refused('no-such-session'));
  expect(await others.commit(id)).toEqual(refused('no-such-session'));
  expect([gallery.list(), journal.head]).toEqual([[], before]);
  expect(value(await sessions.commit(id)).added).toHaveLength(1);
  expect(await others.status(id)).toEqual(refused('no-such-session'));
});

it('what goes wrong is a step, too: a refused picture, an abort, a session that nobody touched', async () => {
  const { sessions, clock, journal, start, add } = open();
  const [one] = [await start(), await start('Bob')];
  await add(one, {});
  await sessions.abort(one);
  await clock.advance(61_000);
  const steps = journal.query({}).map(({ event }) => 'step' in event && event.step);
  expect(steps).toEqual(['started', 'started', 'picture-refused', 'aborted', 'expired']);
});

it('no session begins without its entry, and one ends also where the journal takes none', async () => {
  const { sessions, journal, start } = open();
  const id = await start();
  journal.full = true;
  expect(await sessions.start('Bob')).toEqual(refused('failed'));
  expect(value(await sessions.abort(id))).toMatchObject({ state: 'aborted' });
});

describe('a picture', () => {
  it.each([
    ['without a face', {}, ['no-face']],
    ['of poor quality', { face: 0, reasons: ['too-dark', 'blurred'] }, ['too-dark', 'blurred']],
    ['of several faces', { face: 0, reasons: ['several-faces'] }, ['several-faces']],
    ['that is too large', { face: 0, padding: 'x'.repeat(1000) }, ['too-large']],
  ] as const)('%s is refused at once, with its reasons', async (_what, of, reasons) => {
    const { start, add, sessions } = open();
    const id = await start();
    expect(await add(id, of as Drawing)).toMatchObject({ accepted: false, reasons });
    expect(value(await sessions.status(id)).pictures).toBe(0);
  });

  it('that lies on its side is turned, and stored so', async () => {
    const { sessions, start, add, gallery } = open();
    const id = await start();
    const outcome = await add(id, { face: 0, turn: 90 });
    expect(outcome).toMatchObject({ accepted: true, detail: expect.stringMatching(/^turned by 90°/) });
    const { person, added } = value(await sessions.commit(id));
    const [stored] = gallery.pictures(person.id);
    expect(JSON.parse(Buffer.from(stored?.picture ?? []).toString())).not.toHaveProperty('turn');
    expect([outcome.picture, added]).toEqual([stored?.id, [stored?.id]]);
  });

  it('that is none, or that came before, is refused', async () => {
    const { sessions, start, add } = open();
    const id = await start();
    const rubbish = await sessions.addPicture(id, { picture: Buffer.from('rubbish'), source: 'letter.txt' });
    expect(value(rubbish)).toMatchObject({ accepted: false, reasons: ['not-a-picture'] });
    await add(id, { face: 0, tag: 'same' });
    expect(await add(id, { face: 0, tag: 'same' })).toMatchObject({ accepted: false, reasons: ['repeated'] });
  });

  it('of somebody who is enrolled under another name is refused and says under which', async () => {
    const { start, add, enrolled, sessions } = open();
    const bob = enrolled('Bob', 0);
    const id = await start('Ada');
    expect(await add(id, { face: 5 })).toMatchObject({ accepted: false, reasons: ['already-enrolled'], personId: bob.id });
    expect(await sessions.commit(id)).toEqual(refused('no-pictures'));
  });

  it('that the door would take for another, though its siblings resemble it more, is too alike', async () => {
    const { start, add, enrolled } = open();
    const bob = enrolled('Bob', 0);
    const id = await start('Ada');
    expect(await add(id, { face: 30 })).toMatchObject({ accepted: true });
    expect(await add(id, { face: 18 })).toMatchObject({ accepted: false, reasons: ['too-alike'], personId: bob.id });
    expect(await add(id, { face: 3 })).toMatchObject({ accepted: false, reasons: ['already-enrolled'] });
  });

  it('of another person than the others is refused; the greater number decides who is meant, and a tie is nobody', async () => {
    const { start, add, sessions, gallery } = open();
    const id = await start();
    expect(await add(id, { face: 0 })).toMatchObject({ accepted: true });
    expect(await add(id, { face: 120 })).toMatchObject({ accepted: false, reasons: ['another-person'] });
    expect(await sessions.commit(id)).toEqual(refused('another-person'));
    expect(gallery.list()).toEqual([]);
    expect(await add(id, { face: 125 })).toMatchObject({ accepted: true });
    expect(value(await sessions.commit(id)).person).toMatchObject({ pictures: 2 });
    const [first] = gallery.match(Float32Array.of(Math.cos(2.1), Math.sin(2.1)));
    expect(first?.logit).toBeGreaterThan(5);
  });

  it('of one face cannot be committed under two names by two sessions', async () => {
    const { start, add, sessions } = open();
    const [one, other] = [await start('Ada'), await start('Eve')];
    await add(one, { face: 0 });
    await add(other, { face: 1 });
    const { person: ada } = value(await sessions.commit(one));
    expect(await sessions.commit(other)).toEqual({ ...refused('already-enrolled').sample, detail: expect.any(String), personId: ada.id });
  });
});

describe("the door's own camera", () => {
  function atDoor(options: Partial<SessionsOptions> = {}) {
    const plain = fakeCamera();
    const camera = sharedCamera(plain);
    const state = { working: true };
    const door = new AbortController();
    const guard = (async () => {
      for await (const _frame of camera.frames(door.signal)) void _frame;
    })();
    ends.push(async () => {
      door.abort();
      await guard;
    });
    const using = {
      watch: camera.watch,
      get working() {
        return state.working;
      },
    };
    return { ...open({ camera: using, intervalMs: 0, ...options }), plain, state };
  }
  const until = (check: () => Promise<boolean>) => expect.poll(check, { timeout: 5000, interval: 5 }).toBe(true);

  it('is looked through beside the running door: prompts follow each other, and the pictures can be committed', async () => {
    const { sessions, start, plain } = atDoor();
    const id = await start();
    const seen: EnrolmentStatus[] = [];
    const end = new AbortController();
    const following = (async () => {
      for await (const status of sessions.changes(end.signal)) seen.push(status);
    })();
    expect(value(await sessions.takeFromCamera(id, { count: 3 }))).toMatchObject({ state: 'taking', wanted: 3 });
    expect(await sessions.commit(id)).toEqual(refused('camera-busy'));
    for (let i = 0; value(await sessions.status(id)).state === 'taking'; i++) {
      await plain.push(drawing(i % 2 ? { face: i, tag: `${i}` } : {}));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(value(await sessions.status(id))).toMatchObject({ state: 'collecting', pictures: 3 });
    expect(plain.openings).toBe(1);
    expect(value(await sessions.commit(id)).person.pictures).toBe(3);
    end.abort();
    await following;
    expect(new Set(seen.map(({ prompt }) => prompt)).size).toBeGreaterThanOrEqual(3);
    expect(seen.at(-1)?.state).toBe('committed');
  });

  it('that is mounted upside down gives no picture, and the setting that puts it right is named', async () => {
    const { sessions, start, plain } = atDoor();
    const id = await start();
    await sessions.takeFromCamera(id, { count: 1 });
    await until(async () => {
      await plain.push(drawing({ face: 0, turn: 180, tag: `${Math.random()}` }));
      return value(await sessions.status(id)).last !== undefined;
    });
    expect(value(await sessions.status(id)).last).toMatchObject({
      accepted: false,
      reasons: ['turned'],
      detail: expect.stringContaining('camera.rotate'),
    });
  });

  it('that goes silent ends the taking with the reason; the session goes on', async () => {
    const { sessions, start, clock, add } = atDoor();
    const id = await start();
    await sessions.takeFromCamera(id, { count: 3 });
    await clock.advance(11_000);
    await until(async () => value(await sessions.status(id)).state === 'collecting');
    expect(value(await sessions.status(id)).problem).toContain('showed nothing');
    expect(await add(id, { face: 0 })).toMatchObject({ accepted: true });
  });

  it('that does not work, or that another session uses, is refused; an abort frees it', async () => {
    const { sessions, start, state } = atDoor();
    const [one, other] = [await start(), await start('Bob')];
    state.working = false;
    expect(await sessions.takeFromCamera(one, { count: 1 })).toEqual(refused('camera-failed'));
    state.working = true;
    expect(await sessions.takeFromCamera(one, { count: 9 })).toEqual(refused('too-many-pictures'));
    await sessions.takeFromCamera(one, { count: 1 });
    expect(await sessions.takeFromCamera(other, { count: 1 })).toEqual(refused('camera-busy'));
    await sessions.abort(one);
    expect((await sessions.takeFromCamera(other, { count: 1 })).ok).toBe(true);
  });
});

it('kill -9 in the midst of a commit leaves the whole person or nobody, and a whole journal', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-sessions-'));
  ends.push(() => rmSync(folder, { recursive: true }));
  const child = fileURLToPath(new URL('committing.ts', import.meta.url));
  let cut = 0;
  for (let round = 0; round < 3; round++) {
    const process_ = spawn(process.execPath, [child, folder, `P${round}`, `${round * 120}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    const gone = once(process_, 'exit');
    await once(process_.stdout, 'data'); // the commit begins
    for (let spins = 0; spins < round * 40; spins++) await new Promise((resolve) => setImmediate(resolve));
    process_.kill('SIGKILL');
    const [, signal] = await gone;
    if (signal === 'SIGKILL') cut++;
  }
  expect(cut).toBeGreaterThan(0);
  using vault = vaultBeside(join(folder, 'people'));
  using gallery = openGallery({ vault, file: join(folder, 'people.sqlite'), embedder: circleEmbedder, policy, clock: systemClock });
  using journal = openJournal({ file: join(folder, 'journal.sqlite'), clock: systemClock });
  for (const person of gallery.list()) expect(person.pictures).toBe(20);
  expect(gallery.templates).toBe(gallery.list().length * 20);
  expect(journal.verify().ok).toBe(true);
  // Nobody is enrolled without a record; the last commit may have been cut off between its record and itself.
  const recorded = journal.query({ kinds: ['person.enrolled'] }).map(({ event }) => 'personId' in event && event.personId);
  expect(recorded).toEqual(expect.arrayContaining(gallery.list().map(({ id }) => id)));
  const steps = journal.query({ kinds: ['enrolment.stepped'] });
  expect(recorded.length + steps.length).toBe(journal.head);
});
