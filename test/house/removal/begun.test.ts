/** An enrolment that fails, or is killed: no key of nobody stays in the keyring, and nobody loses theirs. */
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ppid } from 'node:process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Fault } from '../../../src/base/errors.ts';
import { begunKeysOf } from '../../../src/house/removal/begun.ts';
import type { Gallery, NewPerson } from '../../../src/identity/port.ts';
import { type EnrolmentKeys, rosterOf } from '../../../src/identity/roster.ts';
import { openPeopledDoor, type PeopledDoor } from '../../fakes/peopled-door.ts';

let state: string;
let door: PeopledDoor;
let ada: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'facelatch-begun-'));
  door = openPeopledDoor(state);
  ada = door.enrol('Ada').person.id;
});
afterEach(() => {
  door[Symbol.dispose]();
  rmSync(state, { recursive: true, force: true });
});

const keysOf = () => begunKeysOf(door.config, door.vault, door.journal);
const people = () => door.vault.owners().flatMap((owner) => (owner !== 'door' && 'person' in owner ? [owner.person] : []));
const ben: NewPerson = {
  id: 'p-ben',
  name: 'Ben',
  pictures: [{ picture: Buffer.from('Ben'), template: new Float32Array(64).fill(0.125), source: 'b' }],
};

/** The disk fills when the journal has the entry. */
const fullGallery = (): Gallery => ({
  ...door.gallery,
  enrol: (person, beforeStored) =>
    door.gallery.enrol(person, (next, before) => {
      beforeStored?.(next, before);
      throw new Fault('disk-full', 'The disk is full.');
    }),
});
const rosterWith = (gallery: Gallery, keys: EnrolmentKeys) => rosterOf({ gallery, journal: door.journal, keys });

it('an enrolment that fails takes its key back, without a tombstone: the next one works, with the same id', () => {
  expect(() => rosterWith(fullGallery(), keysOf()).enrol(ben)).toThrow('The disk is full');
  expect([people(), door.vault.destroyed()]).toEqual([[ada], []]);
  expect(door.journal.query({ kinds: ['person.enrolled', 'person.removed'] }).map(({ event }) => event.kind)).toEqual([
    ...['person.enrolled', 'person.enrolled', 'person.removed'],
  ]);
  rosterWith(door.gallery, keysOf()).enrol(ben);
  expect(people().toSorted()).toEqual([ada, 'p-ben'].toSorted());
  keysOf().clear();
  expect(people()).toContain('p-ben');
});

it('an entry that cannot be written leaves no key either', () => {
  const journal = {
    ...door.journal,
    append: (event: Parameters<typeof door.journal.append>[0]) => {
      if (event.kind === 'person.enrolled') door.vault.pseudonym({ person: event.personId }, 'journal', event.personId);
      throw new Fault('journal-down', 'The journal is down.');
    },
  };
  expect(() => rosterOf({ gallery: door.gallery, journal, keys: keysOf() }).enrol(ben)).toThrow('The journal is down');
  expect(people()).toEqual([ada]);
});

it('pictures of somebody who is enrolled that are not stored cost them nothing', () => {
  expect(() => rosterWith(fullGallery(), keysOf()).enrol({ ...ben, id: ada, name: 'Ada' })).toThrow('The disk is full');
  expect(people()).toEqual([ada]);
  expect(door.gallery.pictures(ada)[0]?.picture).toHaveLength(20_000);
});

it('what a killed enrolment has left goes at the next start; whoever was stored by then keeps theirs', () => {
  const killed: EnrolmentKeys = { begin: keysOf().begin, end: () => undefined };
  expect(() => rosterWith(fullGallery(), killed).enrol(ben)).toThrow();
  rosterWith(door.gallery, killed).enrol({ ...ben, id: 'p-eve', name: 'Eve' });
  expect(people().toSorted()).toEqual([ada, 'p-ben', 'p-eve'].toSorted());
  door.shredder.finish();
  expect(people().toSorted()).toEqual([ada, 'p-eve'].toSorted());
});

it('an enrolment that another process has under way is left alone, and so is everybody while the people’s file is gone', () => {
  const killed: EnrolmentKeys = { begin: keysOf().begin, end: () => undefined };
  rosterWith(door.gallery, killed).enrol(ben);
  renameSync(join(state, 'people.sqlite'), join(state, 'elsewhere'));
  keysOf().clear();
  expect(people()).toContain('p-ben');
  renameSync(join(state, 'elsewhere'), join(state, 'people.sqlite'));
  door.vault.pseudonym({ person: 'p-eve' }, 'journal', 'p-eve');
  door.journal.keep({ 'enrolment.begun': JSON.stringify([{ personId: 'p-eve', pid: ppid }]) });
  keysOf().clear();
  expect(people()).toContain('p-eve');
});
