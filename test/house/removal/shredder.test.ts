/** The steps of a removal: in which order, what goes on where one fails, and what the next start finishes. */
import { beforeEach, expect, test } from 'vitest';
import { Fault } from '../../../src/base/errors.ts';
import type { Event } from '../../../src/events.ts';
import { type Holder, shredderOf } from '../../../src/house/removal/shredder.ts';
import type { KeyOwner, Vault } from '../../../src/vault/port.ts';
import type { Searched, Traces } from '../../../src/vault/shredding.ts';
import { memoryVault } from '../../fakes/vault.ts';

const clean: Searched = { files: 3, bytes: 900, unread: [], found: [], beside: [] };
const bytesOf = (text: string) => Buffer.from(text);

let vault: Vault;
let steps: string[];
let journalled: Event[];
let looked: Traces[];
let stored: string[];
let kept: Record<string, string>;
let search: (traces: Traces) => Promise<Searched | undefined>;
beforeEach(() => {
  vault = memoryVault();
  for (const owner of [{ person: 'ada' }, { person: 'ben' }, { model: 'twin' }])
    vault.seal(owner, { schema: 's', column: 'c', row: 'r' }, bytesOf('x'));
  [steps, journalled, looked, stored, kept] = [[], [], [], [], {}];
  search = async (traces) => {
    looked.push(traces);
    return clean;
  };
});

const holder = (name: string, owners: readonly KeyOwner[] = [], left: string[] = []): Holder => ({
  of: (personId) => {
    steps.push(`${name} looks while the key is ${vault.holds({ person: personId }) ? 'there' : 'gone'}`);
    const forget = () => void steps.push(`${name} forgets while the key is ${vault.holds({ person: personId }) ? 'there' : 'gone'}`);
    return { traces: { plain: [bytesOf(name)], names: [`${name} ${personId}`], sealed: [] }, owners, forget };
  },
  sweep: () => left.splice(0),
});
const shredder = (...holders: Holder[]) =>
  shredderOf({
    ...{ vault, holders },
    record: (event) => void journalled.push(event),
    search: (traces) => search(traces),
    notes: { note: (name) => kept[name], keep: (notes) => void Object.assign(kept, notes) },
    isStored: (id) => stored.includes(id),
    begun: { clear: () => undefined },
  });

test('everything is noted, then the keys go, then the rows; the proof follows and is journalled', async () => {
  const { shred, proofs } = shredder(holder('gallery'), holder('learning', [{ model: 'twin' }]));
  shred('ada');
  expect(steps).toEqual([
    'gallery looks while the key is there',
    'learning looks while the key is there',
    'gallery forgets while the key is gone',
    'learning forgets while the key is gone',
  ]);
  expect([vault.holds({ model: 'twin' }), vault.holds({ person: 'ben' })]).toEqual([false, true]);
  // Whoever asked for the removal writes its entry first.
  expect([journalled, looked]).toEqual([[], []]);
  expect(await proofs()).toEqual([{ personId: 'ada', epoch: 2, ...clean }]);
  expect(journalled).toEqual([{ kind: 'person.shredded', personId: 'ada', epoch: 2, files: 3, bytes: 900, hits: 0 }]);
  expect(looked).toEqual([{ plain: [bytesOf('gallery'), bytesOf('learning')], names: ['gallery ada', 'learning ada'], sealed: [] }]);
  expect(await proofs()).toEqual([]);
});

test('what was found, and what could not be read, is counted', async () => {
  search = async () => ({ ...clean, unread: ['a', 'b'], found: [{ file: 'operators.json', kinds: ['names'] }] });
  const { shred, proofs } = shredder(holder('gallery'));
  shred('ada');
  await proofs();
  expect(journalled).toMatchObject([{ hits: 1, unread: 2 }]);
});

test('a search that is not possible leaves no proof', async () => {
  search = async () => undefined;
  const { shred, proofs } = shredder(holder('gallery'));
  shred('ada');
  expect([await proofs(), journalled]).toEqual([[undefined], []]);
});

test('a room that cannot be read or written, or a full disk, keeps nothing else from going', async () => {
  const full = new Fault('disk-full', 'The disk is full.');
  const broken: Holder = {
    of: () => {
      throw new Fault('registry-damaged', 'The registry is damaged.');
    },
    sweep: () => [],
  };
  const sound = holder('gallery');
  const stuck: Holder = {
    ...sound,
    of: (id) => ({
      ...sound.of(id),
      forget: () => {
        throw full;
      },
    }),
  };
  const { shred, proofs } = shredder(broken, stuck, holder('liveness'));
  expect(() => shred('ada')).toThrow(
    expect.objectContaining({
      code: 'registry-damaged',
      message: expect.stringMatching(/person is removed, but something of them is left/),
    }),
  );
  expect(steps.at(-1)).toBe('liveness forgets while the key is gone');
  expect(await proofs()).toHaveLength(1);
  vault = {
    ...vault,
    epoch: 2,
    destroy: () => {
      throw full;
    },
  };
  expect(() => shredder(holder('gallery')).shred('ben')).toThrow(expect.objectContaining({ code: 'disk-full' }));
  expect(steps.at(-1)).toBe('gallery forgets while the key is there');
});

test('the next start deletes what is left of people whose keys are gone, and journals who that was', () => {
  const left = ['ada'];
  const { finish } = shredder(holder('gallery', [], left), holder('learning', [], ['ada']), holder('liveness'));
  finish();
  expect([left, journalled]).toEqual([['ada'], []]); // nobody was ever removed
  vault.destroy([{ person: 'ada' }]);
  finish();
  expect(journalled).toEqual([{ kind: 'person.removed', personId: 'ada' }]);
  finish();
  expect(journalled).toHaveLength(1);
});

test('keys that cannot be destroyed now are destroyed later, in another process too; whoever is stored after all keeps theirs', () => {
  const real = vault;
  const full = () => {
    throw new Fault('disk-full', 'The disk of the keyring is full.');
  };
  vault = { ...real, epoch: 1, destroy: full };
  const first = shredder(holder('gallery'), holder('learning', [{ model: 'twin' }]));
  for (const id of ['ada', 'ben']) expect(() => first.shred(id)).toThrow(expect.objectContaining({ code: 'disk-full' }));
  expect(() => first.retry()).toThrow(expect.objectContaining({ code: 'disk-full' }));
  vault = real;
  stored = ['ben'];
  shredder(holder('gallery')).finish();
  expect(['ada', 'ben'].map((person) => vault.holds({ person }))).toEqual([false, true]);
  expect(vault.destroyed().map(({ owner }) => owner)).toEqual(expect.arrayContaining([{ person: 'ada' }, { model: 'twin' }]));
  const { epoch } = vault;
  shredder().retry();
  expect(vault.epoch).toBe(epoch);
});
