/** The roster: who is enrolled and what the journal says of it, when either of the two fails. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import type { Gallery, Person, Roster } from '../../src/identity/port.ts';
import { rosterOf } from '../../src/identity/roster.ts';
import { face, person, smallEmbedder, smallPolicy } from '../contracts/gallery.ts';
import { fakeClock } from '../fakes/clock.ts';
import { memoryGallery } from '../fakes/gallery.ts';
import { type MemoryJournal, memoryJournal } from '../fakes/journal.ts';

let gallery: Gallery;
let journal: MemoryJournal;
let roster: Roster;
let ada: Person;
beforeEach(() => {
  const clock = fakeClock();
  gallery = memoryGallery({ embedder: smallEmbedder, policy: smallPolicy, clock });
  journal = memoryJournal({ clock });
  roster = rosterOf({ gallery, journal });
  ada = gallery.enrol(person('Ada', face(), face()));
});

const journalled = () => journal.entries.map(({ event }) => event);
const full = new Fault('disk-full', 'The disk is full.');
const fail = (): never => {
  throw full;
};
const down = (outcome: RegExp) => expect.objectContaining({ code: 'journal-down', message: expect.stringMatching(outcome) });

describe('each change', () => {
  it('is in the gallery and in the journal, with who asked for it', () => {
    const bob = roster.enrol(person('Bob', face()), 'olga');
    roster.enrol(person('Ada', face()));
    roster.rename(bob.id, 'Robert');
    const [picture] = gallery.pictures(ada.id);
    expect(roster.removePicture(ada.id, picture!.id, 'olga')).toMatchObject({ pictures: 2 });
    expect([roster.remove(bob.id), roster.remove(bob.id)]).toEqual([true, false]);
    expect(gallery.list()).toEqual([ada]);
    expect(journalled()).toEqual([
      { kind: 'person.enrolled', personId: bob.id, pictures: 1, by: 'olga' },
      { kind: 'person.enrolled', personId: ada.id, pictures: 3 },
      { kind: 'person.renamed', personId: bob.id },
      { kind: 'person.picture-removed', personId: ada.id, left: 2, by: 'olga' },
      { kind: 'person.removed', personId: bob.id },
    ]);
  });

  it('that the gallery refuses leaves no entry', () => {
    expect(() => roster.enrol({ name: 'Bob', pictures: [] })).toThrow(Fault);
    expect(() => roster.rename('nobody', 'Bob')).toThrow(Fault);
    expect(() => roster.removePicture(ada.id, 'f'.repeat(64), 'olga')).toThrow(Fault);
    expect(roster.remove('nobody')).toBe(false);
    expect([gallery.list(), journalled()]).toEqual([[ada], []]);
  });
});

describe('with a journal that is down', () => {
  beforeEach(() => {
    journal.full = true;
  });

  it('nobody is enrolled, nobody gets another picture or another name', () => {
    expect(() => roster.enrol(person('Bob', face()), 'olga')).toThrow(down(/Nothing was stored/));
    expect(() => roster.enrol(person('Ada', face()), 'olga')).toThrow(down(/Nothing was stored/));
    expect(() => roster.rename(ada.id, 'Eve')).toThrow(down(/The name is as it was/));
    expect([gallery.list(), gallery.templates]).toEqual([[ada], 2]);
  });

  it('a person or a picture is removed all the same, and the fault says what has no record', () => {
    const [picture] = gallery.pictures(ada.id);
    expect(() => roster.removePicture(ada.id, picture!.id, 'olga')).toThrow(down(/picture is removed, but the journal has no record/));
    expect(gallery.find('Ada')).toMatchObject({ pictures: 1 });
    expect(() => roster.remove(ada.id)).toThrow(down(/person is removed, but the journal has no record/));
    expect([gallery.list(), gallery.templates]).toEqual([[], 0]);
  });
});

describe('with a gallery that fails', () => {
  /** Fails after it has told whom it is about to store, as at the end of a transaction for which there is no room. */
  const failing = (): Gallery => ({
    ...gallery,
    enrol: (given, beforeStored) =>
      gallery.enrol(given, (next, before) => {
        beforeStored?.(next, before);
        fail();
      }),
    forget: fail,
    forgetPicture: fail,
  });

  it('an enrolment that did not come about is taken back in the journal', () => {
    roster = rosterOf({ gallery: failing(), journal });
    expect(() => roster.enrol(person('Bob', face()), 'olga')).toThrow(full);
    expect(() => roster.enrol(person('Ada', face()), 'olga')).toThrow(full);
    expect(gallery.list()).toEqual([ada]);
    const [bob] = journalled();
    expect(journalled()).toEqual([
      { kind: 'person.enrolled', personId: expect.any(String), pictures: 1, by: 'olga' },
      { kind: 'person.removed', personId: bob && 'personId' in bob && bob.personId },
      { kind: 'person.enrolled', personId: ada.id, pictures: 3, by: 'olga' },
      { kind: 'person.picture-removed', personId: ada.id, left: 2, by: 'olga' },
    ]);
  });

  it('an enrolment that was stored before the failure keeps its entry', () => {
    const late: Gallery = { ...gallery, enrol: (...given) => gallery.enrol(...given) && fail() };
    expect(() => rosterOf({ gallery: late, journal }).enrol(person('Bob', face()))).toThrow(full);
    expect(journalled()).toMatchObject([{ kind: 'person.enrolled', personId: gallery.find('Bob')?.id }]);
  });

  it("the gallery's fault is told also where nothing can be taken back", () => {
    const once: Pick<MemoryJournal, 'append'> = {
      append: (event) => {
        const entry = journal.append(event);
        journal.full = true;
        return entry;
      },
    };
    for (const broken of [failing(), { ...failing(), find: fail }]) {
      journal.full = false;
      expect(() => rosterOf({ gallery: broken, journal: once }).enrol(person('Bob', face()))).toThrow(full);
    }
    expect(journalled()).toMatchObject([{ kind: 'person.enrolled' }, { kind: 'person.enrolled' }]);
  });

  it('a removal that did not come about leaves no entry', () => {
    roster = rosterOf({ gallery: failing(), journal });
    expect(() => roster.remove(ada.id)).toThrow(full);
    expect(() => roster.removePicture(ada.id, 'x', 'olga')).toThrow(full);
    expect([gallery.list(), journalled()]).toEqual([[ada], []]);
  });
});
