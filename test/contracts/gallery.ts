/** What every gallery does, on any storage. */
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import type { Clock } from '../../src/base/time.ts';
import type { EmbedderInfo, Embedding } from '../../src/face/port.ts';
import type { Gallery, NewPerson } from '../../src/identity/port.ts';
import type { ThresholdPolicy } from '../../src/identity/threshold.ts';
import { fakeClock } from '../fakes/clock.ts';
import { near, randomOf, unitVector } from '../fakes/embeddings.ts';
import { codeOf } from '../fakes/fault-code.ts';

/** A head of 8 numbers and a calibration: the same vector scores 10, unlike ones far below. */
export const smallEmbedder: EmbedderInfo = {
  name: 'small',
  version: '1.0.0',
  sha256: 'a'.repeat(64),
  dimension: 8,
  head: { kind: 'l1-logistic', weights: [5, 5, 5, 5, 5, 5, 5, 5], bias: 10 },
  calibration: {
    population: 'made up',
    impostorPairs: 100_000,
    genuinePairs: 100,
    table: [
      { fmr: 0.1, logit: 0, fnmr: 0 },
      { fmr: 0.01, logit: 2, fnmr: 0 },
      { fmr: 0.001, logit: 3.5, fnmr: 0.1 },
      { fmr: 0.0001, logit: 4.5, fnmr: 0.2 },
    ],
  },
};
const otherEmbedder: EmbedderInfo = { ...smallEmbedder, name: 'other', sha256: 'b'.repeat(64) };
export const smallPolicy: ThresholdPolicy = { policy: 'target-fmr', targetFmr: 0.001, detection: 0.9, verification: 0.5 };

const random = randomOf(11);
export const face = (): Embedding => unitVector(random, 8);
/** Bytes that no other picture of this run has. */
const bytes = (): Uint8Array => new TextEncoder().encode(`picture ${randomUUID()}`);
export const person = (name: string, ...templates: Embedding[]): NewPerson => ({
  name,
  pictures: templates.map((template, i) => ({ picture: bytes(), template, source: `${i}.jpg` })),
});

/** A place that galleries are opened on, one or several. */
export type Place = (options: { embedder: EmbedderInfo; policy: ThresholdPolicy; clock: Clock }) => Gallery;

export function testGallery(name: string, place: () => Place): void {
  const opened: Gallery[] = [];
  afterEach(() => {
    for (const gallery of opened.splice(0)) gallery[Symbol.dispose]();
  });
  const opener = () => {
    const open = place();
    return (embedder = smallEmbedder, policy = smallPolicy, clock: Clock = fakeClock()) => {
      const gallery = open({ embedder, policy, clock });
      opened.push(gallery);
      return gallery;
    };
  };

  describe(`${name}: people`, () => {
    it('is empty at first', () => {
      const gallery = opener()();
      expect([gallery.list(), gallery.templates, gallery.stale]).toEqual([[], 0, 0]);
      expect(gallery.match(face())).toEqual([]);
      expect(gallery.find('Ada')).toBeUndefined();
    });

    it('gives back whom it enrolled, by id and by name', () => {
      const gallery = opener()();
      const ada = gallery.enrol(person('  Ada ', face(), face()));
      expect(ada).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        name: 'Ada',
        enrolledAt: '2026-01-05T12:00:00.000Z',
        pictures: 2,
      });
      expect([gallery.find(ada.id), gallery.find('Ada'), gallery.find('ada')]).toEqual([ada, ada, undefined]);
      const bob = gallery.enrol(person('Bob', face()));
      expect(gallery.list()).toEqual([ada, bob]);
    });

    it('keeps the pictures as they came, in order', () => {
      const gallery = opener()();
      const given = person('Ada', face(), face());
      const { id } = gallery.enrol(given);
      const kept = gallery.pictures(id);
      expect(kept.map((each) => [...each.picture!])).toEqual(given.pictures.map((each) => [...each.picture]));
      expect(kept.map((each) => [each.source, each.addedAt])).toEqual([
        ['0.jpg', '2026-01-05T12:00:00.000Z'],
        ['1.jpg', '2026-01-05T12:00:00.000Z'],
      ]);
      expect(gallery.pictures('nobody')).toEqual([]);
    });

    it('adds pictures to the person of that name, and none twice', () => {
      const gallery = opener()();
      const first = person('Zoë', face());
      const { id } = gallery.enrol(first);
      const twice = person('Zoe\u0308', face()); // the same name, written with a combining mark
      expect(gallery.enrol({ ...twice, pictures: [...twice.pictures, ...twice.pictures, ...first.pictures] })).toMatchObject({
        id,
        pictures: 2,
      });
      expect([gallery.list().length, gallery.templates]).toEqual([1, 2]);
    });

    it('keeps each person’s rules, and tells them to whoever has it open', () => {
      const open = opener();
      const [gallery, other] = [open(), open()];
      const ada = gallery.enrol(person('Ada', face()));
      expect(gallery.rules(ada.id)).toEqual({});
      gallery.setRules(ada.id, { uses: 3, groups: ['cleaners'] });
      expect(gallery.rules(ada.id)).toEqual({ uses: 3, groups: ['cleaners'] });
      other.refresh();
      expect(other.rules(ada.id)).toEqual({ uses: 3, groups: ['cleaners'] });
      expect(gallery.rules('nobody')).toEqual({});
      expect(codeOf(() => gallery.setRules('nobody', {}))).toBe('not-found');
      gallery.forget(ada.id);
      expect(gallery.rules(ada.id)).toEqual({});
    });

    it('renames, but not to a name that is taken', () => {
      const gallery = opener()();
      const ada = gallery.enrol(person('Ada', face()));
      gallery.enrol(person('Bob', face()));
      expect(gallery.rename(ada.id, 'Ada L.').name).toBe('Ada L.');
      expect(gallery.rename(ada.id, 'Ada L.').name).toBe('Ada L.');
      expect(codeOf(() => gallery.rename(ada.id, 'Bob'))).toBe('bad-argument');
      expect(codeOf(() => gallery.rename('nobody', 'Cy'))).toBe('not-found');
      expect(gallery.list().map((each) => each.name)).toEqual(['Ada L.', 'Bob']);
    });

    it('takes somebody from elsewhere with their id and rules, and no id or name that is somebody else’s', () => {
      const gallery = opener()();
      const ada = gallery.enrol({ ...person('Ada', face()), id: 'p-from-elsewhere', rules: { enabled: false } });
      expect([ada.id, gallery.find('p-from-elsewhere')?.name, gallery.rules(ada.id)]).toEqual([
        'p-from-elsewhere',
        'Ada',
        { enabled: false },
      ]);
      expect(codeOf(() => gallery.enrol({ ...person('Bob', face()), id: 'p-from-elsewhere' }))).toBe('bad-argument');
      expect(codeOf(() => gallery.enrol({ ...person('Ada', face()), id: 'p-another' }))).toBe('bad-argument');
      expect(gallery.list()).toHaveLength(1);
    });

    it('takes two names that look alike for one, and no name that looks like that of somebody else', () => {
      const gallery = opener()();
      const anna = gallery.enrol(person('Anna', face()));
      const bob = gallery.enrol(person('Bob', face()));
      for (const alike of ['\u0410nna', 'Ａnna', 'An\u200bna', 'Anna\u3164'])
        expect(gallery.enrol(person(alike, face()))).toMatchObject({ id: anna.id, name: 'Anna' });
      expect(gallery.find('Ann\u0430')?.id).toBe(anna.id);
      expect(codeOf(() => gallery.rename(bob.id, '\u0410nna'))).toBe('bad-argument');
      expect(gallery.list().map(({ name, pictures }) => [name, pictures])).toEqual([
        ['Anna', 5],
        ['Bob', 1],
      ]);
    });

    it('forgets a person with pictures and templates', () => {
      const gallery = opener()();
      const ada = gallery.enrol(person('Ada', face(), face()));
      const bob = gallery.enrol(person('Bob', face()));
      expect([gallery.forget(ada.id), gallery.forget(ada.id)]).toEqual([true, false]);
      expect([gallery.list(), gallery.templates, gallery.pictures(ada.id)]).toEqual([[bob], 1, []]);
      expect(gallery.match(face()).map((match) => match.personId)).toEqual([bob.id]);
    });

    it('forgets one picture with its template; never the last, nor one that is not clearly meant', () => {
      const gallery = opener()();
      const [shown, gone] = [face(), face()];
      const { id } = gallery.enrol(person('Ada', shown, gone));
      const bob = gallery.enrol(person('Bob', face()));
      const [first, second] = gallery.pictures(id);
      const likeness = () => gallery.match(gone).find((match) => match.personId === id)?.logit as number;
      const before = likeness();
      expect(codeOf(() => gallery.forgetPicture(id, gallery.pictures(bob.id)[0]!.id))).toBe('not-found');
      expect(['', 'nothing'].map((text) => codeOf(() => gallery.forgetPicture(id, text)))).toEqual(['not-found', 'not-found']);
      expect(gallery.forgetPicture(id, second!.id.slice(0, 12).toUpperCase())).toMatchObject({ id, pictures: 1 });
      expect(gallery.pictures(id)).toEqual([first]);
      expect(gallery.templates).toBe(2);
      expect(likeness()).toBeLessThan(before);
      expect(codeOf(() => gallery.forgetPicture(id, first!.id))).toBe('bad-argument');
      expect(codeOf(() => gallery.forgetPicture('nobody', first!.id))).toBe('not-found');
      expect(gallery.templates).toBe(2);
    });

    it.each(['', '   ', 'x'.repeat(81), 'a\nb', 'a\u0000b', 'a\u202eb', '\ud800'])('refuses the name %j', (bad) => {
      const gallery = opener()();
      const ada = gallery.enrol(person('Ada', face()));
      expect(codeOf(() => gallery.enrol(person(bad, face())))).toBe('bad-argument');
      expect(codeOf(() => gallery.rename(ada.id, bad))).toBe('bad-argument');
      expect(gallery.list()).toEqual([ada]);
    });

    it('takes names of 80 characters of any script', () => {
      const gallery = opener()();
      for (const good of ['𝒜'.repeat(80), 'محمد علی', '山田 太郎', "O'Neil-Müller", '👩‍🔬']) {
        expect(gallery.enrol(person(good, face())).name).toBe(good.normalize('NFC'));
      }
    });
  });

  describe(`${name}: all or nothing`, () => {
    it('tells who will be enrolled before it stores them, and stores nothing where that is refused', () => {
      const gallery = opener()();
      const ada = gallery.enrol(person('Ada', face()));
      const told: unknown[] = [];
      const refuse = (...what: unknown[]) => {
        told.push(...what);
        throw new Fault('journal-down', 'no');
      };
      expect(codeOf(() => gallery.enrol(person('Bob', face(), face()), refuse))).toBe('journal-down');
      expect(codeOf(() => gallery.enrol(person('Ada', face()), refuse))).toBe('journal-down');
      expect(codeOf(() => gallery.rename(ada.id, 'Eve', refuse))).toBe('journal-down');
      expect(told).toEqual([expect.objectContaining({ name: 'Bob', pictures: 2 }), 0, { ...ada, pictures: 2 }, 1]);
      expect([gallery.list(), gallery.templates]).toEqual([[ada], 1]);
      const bob = gallery.enrol(person('Bob', face()), (next, before) => told.push(next, before));
      expect(told.slice(-2)).toEqual([bob, 0]);
      expect(gallery.list()).toEqual([ada, bob]);
    });

    it('stores nothing of a person of whom one picture is bad', () => {
      const gallery = opener()();
      const ada = gallery.enrol(person('Ada', face()));
      const before = [gallery.list(), gallery.templates];
      const good = person('Bob', face(), face());
      const bad: readonly [string, NewPerson][] = [
        ['bad-argument', { name: 'Bob', pictures: [] }],
        ['bad-argument', { name: 'Bob', pictures: [...good.pictures, { picture: new Uint8Array(), template: face(), source: 'empty' }] }],
        [
          'model-unfit',
          { name: 'Bob', pictures: [...good.pictures, { picture: bytes(), template: new Float32Array(7), source: 'short' }] },
        ],
        ['model-unfit', { name: 'Bob', pictures: [...good.pictures, { picture: bytes(), template: new Float32Array(8), source: 'zero' }] }],
        [
          'model-unfit',
          { name: 'Ada', pictures: [...good.pictures, { picture: bytes(), template: face().fill(Number.NaN), source: 'nan' }] },
        ],
        [
          'bad-argument',
          { name: 'Bob', pictures: gallery.pictures(ada.id).map((each) => ({ ...each, picture: each.picture!, template: face() })) },
        ],
        [
          'bad-argument',
          { name: 'Bob', pictures: [...good.pictures, { ...good.pictures[0]!, ...gallery.pictures(ada.id)[0]!, template: face() }] },
        ],
      ];
      for (const [code, newPerson] of bad) {
        expect(codeOf(() => gallery.enrol(newPerson))).toBe(code);
        expect([gallery.list(), gallery.templates]).toEqual(before);
      }
    });
  });

  describe(`${name}: matching`, () => {
    it('ranks everyone by the most alike of their templates', () => {
      const gallery = opener()();
      const [a, b, c] = [face(), face(), face()];
      const ada = gallery.enrol(person('Ada', face(), a));
      const bob = gallery.enrol(person('Bob', b));
      const cy = gallery.enrol(person('Cy', c, face(), face()));
      for (const [who, template] of [
        [ada, a],
        [bob, b],
        [cy, c],
      ] as const) {
        const matches = gallery.match(near(template, 0.02, random));
        expect(matches[0]!.personId).toBe(who.id);
        expect(new Set(matches.map((match) => match.personId))).toEqual(new Set([ada.id, bob.id, cy.id]));
        expect(matches.map((match) => match.logit)).toEqual(matches.map((match) => match.logit).sort((x, y) => y - x));
        expect(gallery.match(template, 1)).toEqual(gallery.match(template).slice(0, 1));
        expect(gallery.match(template, 2)).toEqual(gallery.match(template).slice(0, 2));
      }
    });

    it('gives logit, probability and the share of templates above the detection threshold', () => {
      const gallery = opener()();
      const a = face();
      gallery.enrol(
        person(
          'Ada',
          a,
          a,
          a.map((value) => -value),
          a.map((value) => -value),
        ),
      );
      const [match] = gallery.match(a);
      expect(match!.logit).toBeCloseTo(10, 4);
      expect(match!.probability).toBeCloseTo(1 / (1 + Math.exp(-10)), 6);
      expect(match!.share).toBe(0.5);
    });

    it('refuses a probe that is no unit vector of the dimension', () => {
      const gallery = opener()();
      gallery.enrol(person('Ada', face()));
      for (const probe of [new Float32Array(8), new Float32Array(9).fill(1 / 3), face().fill(Number.NaN)]) {
        expect(codeOf(() => gallery.match(probe))).toBe('model-unfit');
      }
    });

    it('raises the threshold with every template and lowers it with every removal', () => {
      const gallery = opener()();
      const empty = gallery.threshold;
      expect(empty).toEqual({
        policy: 'target-fmr',
        logit: 3.5,
        fmr: expect.closeTo(0.001, 10),
        extrapolated: false,
        detection: 0.9,
        verification: 0.5,
        layers: {
          table: { logit: 3.5, fmr: expect.closeTo(0.001, 10), extrapolated: false },
          chances: { logit: 3.5, fmr: expect.closeTo(0.001, 10), extrapolated: false, templates: 0, independent: 1 },
        },
      });
      const { id } = gallery.enrol(person('Ada', face(), face(), face()));
      const three = gallery.threshold;
      expect(three.logit).toBeGreaterThan(empty.logit);
      gallery.enrol(person('Bob', ...Array.from({ length: 20 }, face)));
      expect(gallery.threshold.logit).toBeGreaterThan(4.5);
      expect(gallery.threshold.extrapolated).toBe(true);
      gallery.forget(gallery.find('Bob')!.id);
      expect(gallery.threshold).toEqual(three);
      gallery.forget(id);
      expect(gallery.threshold).toEqual(empty);
    });
  });

  describe(`${name}: another hand on the same place`, () => {
    it('takes in what another has enrolled, renamed and removed when asked to refresh', () => {
      const open = opener();
      const [here, there] = [open(), open()];
      const a = face();
      expect(here.refresh()).toBe(false);
      const ada = there.enrol(person('Ada', a));
      expect(here.match(a)).toEqual([]);
      expect(here.refresh()).toBe(true);
      expect(here.refresh()).toBe(false);
      expect(here.match(a)[0]).toMatchObject({ personId: ada.id, share: 1 });
      expect(here.threshold).toEqual(there.threshold);
      there.rename(ada.id, 'Ada L.');
      here.refresh();
      expect(here.find(ada.id)!.name).toBe('Ada L.');
      there.forget(ada.id);
      expect(here.refresh()).toBe(true);
      expect([here.match(a), here.templates]).toEqual([[], 0]);
    });

    it('does not call its own changes news', () => {
      const gallery = opener()();
      gallery.enrol(person('Ada', face()));
      expect(gallery.refresh()).toBe(false);
    });
  });

  describe(`${name}: another embedder`, () => {
    it('never compares templates of another embedder, and says how many people wait', () => {
      const open = opener();
      const a = face();
      const ada = open().enrol(person('Ada', a, face()));
      const gallery = open(otherEmbedder);
      expect([gallery.stale, gallery.templates, gallery.match(a)]).toEqual([1, 0, []]);
      expect(gallery.list()).toEqual([ada]);
      gallery.enrol(person('Bob', face()));
      expect([gallery.stale, gallery.templates]).toEqual([1, 1]);
    });

    it('makes the missing templates from the stored pictures', async () => {
      const open = opener();
      const before = open();
      const given = person('Ada', face(), face());
      const { id } = before.enrol(given);
      const gallery = open(otherEmbedder);
      const fresh = face();
      const read: string[] = [];
      const done = await gallery.reembed(async (picture) => {
        read.push(new TextDecoder().decode(picture));
        return fresh;
      });
      expect(done).toEqual({ pictures: 2, failed: [] });
      expect(read).toEqual(given.pictures.map((each) => new TextDecoder().decode(each.picture)));
      expect([gallery.stale, gallery.templates, gallery.match(fresh)[0]?.personId]).toEqual([0, 2, id]);
      expect((await gallery.reembed(async () => fresh)).pictures).toBe(0);
      // Those of the embedder before stay: it can come back at once.
      before.refresh();
      expect([before.stale, before.templates]).toEqual([0, 2]);
    });

    it('compares with everybody as soon as their template is made, where that is asked', async () => {
      const open = opener();
      open().enrol(person('Ada', face(), face()));
      open().enrol(person('Bo', face()));
      const gallery = open(otherEmbedder);
      expect(gallery.unrecognised).toHaveLength(2);
      const left: number[] = [];
      const made = async () => {
        left.push(gallery.unrecognised.length);
        return face();
      };
      await gallery.reembed(made, { readEveryMs: 0 });
      expect([left.length, left.at(-1), gallery.unrecognised]).toEqual([3, 0, []]);
    });

    it('forgets the templates of embedders that are gone, and never those in use', async () => {
      const open = opener();
      const before = open();
      before.enrol(person('Ada', face(), face()));
      const gallery = open(otherEmbedder);
      await gallery.reembed(async () => face());
      expect([gallery.keepTemplates([smallEmbedder.sha256]), gallery.keepTemplates([]), gallery.keepTemplates([])]).toEqual([0, 2, 0]);
      before.refresh();
      expect([gallery.templates, before.templates, before.stale]).toEqual([2, 0, 1]);
    });

    it('leaves a picture that cannot be read and names it; a bug in the embedding is not hidden', async () => {
      const open = opener();
      const { id } = open().enrol(person('Ada', face(), face()));
      const gallery = open(otherEmbedder);
      let turn = 0;
      const done = await gallery.reembed(async () => {
        if (turn++ === 0) throw new Fault('bad-picture', 'No face.');
        return face();
      });
      expect(done).toMatchObject({ pictures: 1, failed: [{ personId: id, source: '0.jpg', fault: { code: 'bad-picture' } }] });
      expect([gallery.stale, gallery.templates]).toEqual([1, 1]);
      await expect(gallery.reembed(() => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
      // Nor is a reader that died, which would fail for everybody else's pictures too.
      const dead = new Fault('reader-failed', 'Its thread ended.');
      await expect(gallery.reembed(() => Promise.reject(dead))).rejects.toBe(dead);
    });

    it('takes a picture enrolled again as the new template', () => {
      const open = opener();
      const given = person('Ada', face());
      open().enrol(given);
      const gallery = open(otherEmbedder);
      expect(gallery.enrol(given).pictures).toBe(1);
      expect([gallery.stale, gallery.templates]).toEqual([0, 1]);
    });
  });
}
