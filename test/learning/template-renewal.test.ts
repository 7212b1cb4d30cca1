/** Templates of another network beside the running door: who is recognised until then, and when the new one takes over. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Event } from '../../src/events.ts';
import type { EmbedderInfo, FaceReader } from '../../src/face/port.ts';
import { openEyes } from '../../src/learning/eyes.ts';
import { guardOf } from '../../src/learning/parts.ts';
import { templateRenewal } from '../../src/learning/template-renewal.ts';
import { emptyShelf, memoryGallery, type Shelf } from '../fakes/gallery.ts';
import { circleEmbedder, drawing, drawingReader } from '../fakes/reader.ts';

const newer: EmbedderInfo = { ...circleEmbedder, name: 'newer', sha256: 'd'.repeat(64) };
const policy = { policy: 'paper', targetFmr: 1e-4, detection: 0.99, verification: 0.5 } as const;
const log = openLog('silent');

/** A network with its gallery on the shelf; `closed` says when it was closed. */
function network(id: string, embedder: EmbedderInfo, shelf: Shelf, read: FaceReader['read'] = drawingReader().read) {
  const state = { closed: false };
  const reader: FaceReader = {
    embedder,
    read,
    [Symbol.asyncDispose]: async () => {
      state.closed = true;
    },
  };
  return { guard: guardOf(id, reader, memoryGallery({ embedder, policy, clock: systemClock, shelf })), state };
}

function enrol({ gallery }: { readonly gallery: ReturnType<typeof memoryGallery> }, name: string, face: number | undefined): string {
  const template = Float32Array.of(Math.cos(((face ?? 0) * Math.PI) / 180), Math.sin(((face ?? 0) * Math.PI) / 180));
  return gallery.enrol({
    name,
    pictures: [{ picture: drawing({ ...(face !== undefined && { face }), tag: name }), source: name, template }],
  }).id;
}

function renewalOver(
  guard: ReturnType<typeof guardOf>,
  coming?: ReturnType<typeof guardOf>,
  untilQuiet: () => Promise<void> = async () => undefined,
  openHelper?: () => Promise<FaceReader>,
) {
  const events: Event[] = [];
  const eyes = openEyes(guard);
  const renewal = templateRenewal({
    ...{ eyes, coming, untilQuiet, log, signal: new AbortController().signal, onTurned: () => undefined },
    record: (event) => void events.push(event),
    ...(openHelper && { openHelper }),
  });
  const kinds = () => events.map(({ kind }) => kind);
  return { eyes, renewal, events, kinds };
}

describe('with the network before', () => {
  it('that one guards until everybody has a template, those enrolled meanwhile too', async () => {
    const shelf = emptyShelf();
    const old = network('kept:old', circleEmbedder, shelf);
    enrol(old.guard, 'Ada', 0);
    enrol(old.guard, 'Bo', 90);
    const next = network('base', newer, shelf);
    const { eyes, renewal, kinds } = renewalOver(old.guard, next.guard);
    expect(renewal.waiting).toMatchObject({ people: 2, now: false, next: newer });
    renewal.look();
    expect([eyes.current, eyes.gallery.unrecognised]).toEqual([old.guard, []]);
    enrol(old.guard, 'Cy', 180);
    await renewal.done();
    expect(eyes.current).toBe(old.guard);
    renewal.look();
    await renewal.done();
    expect(eyes.current).toBe(next.guard);
    expect(eyes.gallery).toMatchObject({ templates: 3, unrecognised: [] });
    expect(old.state.closed).toBe(true);
    expect(renewal.waiting).toBeUndefined();
    expect(kinds()).toEqual(['templates.renewing', 'templates.renewed']);
  });

  it('somebody who would be lost keeps it, is named once, and is waited for', async () => {
    const shelf = emptyShelf();
    const old = network('kept:old', circleEmbedder, shelf);
    enrol(old.guard, 'Ada', 0);
    const lost = enrol(old.guard, 'Without a face', undefined);
    const next = network('base', newer, shelf);
    const { eyes, renewal, events, kinds } = renewalOver(old.guard, next.guard);
    for (let turn = 0; turn < 3; turn++) {
      renewal.look();
      await renewal.done();
    }
    expect(eyes.current).toBe(old.guard);
    expect(kinds()).toEqual(['templates.renewing', 'templates.missing']);
    expect(events.at(-1)).toMatchObject({ personId: lost, recognised: true });
    enrol(old.guard, 'Without a face', 45);
    for (let turn = 0; turn < 2; turn++) {
      renewal.look();
      await renewal.done();
    }
    expect(eyes.current).toBe(next.guard);
    expect(eyes.gallery.unrecognised).toEqual([]);
  });

  it('whoever is unknown to both is no reason to wait', async () => {
    const shelf = emptyShelf();
    const old = network('kept:old', circleEmbedder, shelf);
    enrol(old.guard, 'Ada', 0);
    const nobody = enrol(old.guard, 'Without a face', undefined);
    shelf.people.find(({ id }) => id === nobody)?.pictures[0]?.templates.clear();
    shelf.version++;
    old.guard.gallery.refresh();
    const next = network('base', newer, shelf);
    const { eyes, renewal, events } = renewalOver(old.guard, next.guard);
    for (let turn = 0; turn < 2; turn++) {
      renewal.look();
      await renewal.done();
    }
    expect(eyes.current).toBe(next.guard);
    expect(events.at(-1)).toMatchObject({ kind: 'templates.missing', personId: nobody, recognised: false });
  });

  it('a network that is promoted meanwhile stays, and the one that waited is closed', async () => {
    const shelf = emptyShelf();
    const old = network('kept:old', circleEmbedder, shelf);
    enrol(old.guard, 'Ada', 0);
    const next = network('base', newer, shelf);
    const promoted = network('b'.repeat(64), { ...newer, sha256: 'e'.repeat(64) }, shelf);
    const { eyes, renewal } = renewalOver(old.guard, next.guard);
    await eyes.turnTo(promoted.guard);
    for (let turn = 0; turn < 3; turn++) {
      renewal.look();
      await renewal.done();
    }
    expect(eyes.current).toBe(promoted.guard);
    expect(next.state.closed).toBe(true);
  });
});

describe('without it', () => {
  it('does not wait until nobody stands there, and says when it is done', async () => {
    const shelf = emptyShelf();
    enrol(network('base', circleEmbedder, shelf).guard, 'Ada', 0);
    const next = network('base', newer, shelf);
    const { eyes, renewal, events } = renewalOver(next.guard, undefined, () => new Promise(() => undefined));
    renewal.look();
    expect(renewal.waiting).toEqual({ people: 1, now: true });
    await renewal.done();
    expect(eyes.gallery.unrecognised).toEqual([]);
    expect(renewal.waiting).toBeUndefined();
    expect(events).toMatchObject([
      { kind: 'templates.renewing', people: 1 },
      { kind: 'templates.renewed', pictures: 1, templates: 1 },
    ]);
    expect(events[0]).not.toHaveProperty('guarding');
  });

  it('pictures beside a template wait for a quiet moment, and are nothing to tell', async () => {
    const shelf = emptyShelf();
    const next = network('base', newer, shelf);
    enrol(next.guard, 'Ada', 0);
    enrol(network('base', circleEmbedder, shelf).guard, 'Ada', 5);
    next.guard.gallery.refresh();
    const quiet = Promise.withResolvers<void>();
    const { eyes, renewal, events } = renewalOver(next.guard, undefined, () => quiet.promise);
    renewal.look();
    expect([eyes.gallery.stale, renewal.waiting]).toEqual([1, undefined]);
    quiet.resolve();
    await renewal.done();
    expect([eyes.gallery.stale, events]).toEqual([0, []]);
  });
});

describe('with many people to make templates of', () => {
  /** Eight people, and a network to come whose readers count what they read. */
  function crowd() {
    const shelf = emptyShelf();
    const old = network('kept:old', circleEmbedder, shelf);
    for (let i = 0; i < 8; i++) enrol(old.guard, `Resident ${i}`, 40 * i);
    const counting = (made: { reads: number }): FaceReader['read'] => {
      const { read } = drawingReader();
      return (...given) => {
        made.reads++;
        return read(...given);
      };
    };
    const [own, helping] = [{ reads: 0 }, { reads: 0 }];
    const next = network('base', newer, shelf, counting(own));
    const helper = network('helper', newer, shelf, counting(helping));
    return { old, next, helper, own, helping };
  }

  it('a second reader helps, and is closed when the round is over', async () => {
    const { old, next, helper, own, helping } = crowd();
    const { eyes, renewal } = renewalOver(old.guard, next.guard, undefined, async () => helper.guard.reader);
    renewal.look();
    await renewal.done();
    expect(own.reads + helping.reads).toBe(8);
    expect(Math.min(own.reads, helping.reads)).toBeGreaterThan(1);
    expect(helper.state.closed).toBe(true);
    expect([eyes.current === next.guard, next.state.closed]).toEqual([true, false]);
  });

  it('neither of them reads on while somebody stands at the door', async () => {
    const { old, next, helper, own, helping } = crowd();
    const gone = Promise.withResolvers<void>();
    const { eyes, renewal } = renewalOver(
      old.guard,
      next.guard,
      () => gone.promise,
      async () => helper.guard.reader,
    );
    renewal.look();
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    expect([own.reads, helping.reads]).toEqual([1, 1]);
    gone.resolve();
    await renewal.done();
    expect(eyes.current).toBe(next.guard);
  });

  it('a reader that dies is nobody’s bad picture: another one makes them, after a pause', async () => {
    const { old, next, helper, own, helping } = crowd();
    const { read } = next.guard.reader;
    const dying = guardOf(
      'base',
      {
        ...next.guard.reader,
        read: (...given) => (own.reads < 3 ? read(...given) : Promise.reject(new Fault('reader-failed', 'its thread ended'))),
      },
      next.guard.gallery,
    );
    let isThere = false;
    const { eyes, renewal, kinds } = renewalOver(old.guard, dying, undefined, async () => {
      if (!isThere) throw new Fault('model-missing', 'not yet');
      return helper.guard.reader;
    });
    const look = async () => {
      renewal.look();
      await renewal.done();
    };
    await look();
    expect([own.reads, eyes.current, kinds()]).toEqual([3, old.guard, ['templates.renewing']]);
    isThere = true;
    for (let pause = 0; pause < 2; pause++) await look();
    expect(helping.reads).toBe(0);
    await look();
    expect([helping.reads, eyes.current, kinds()]).toEqual([5, dying, ['templates.renewing', 'templates.renewed']]);
  });

  it('one reader makes them where a second cannot be opened', async () => {
    const { old, next, own } = crowd();
    const { eyes, renewal } = renewalOver(old.guard, next.guard, undefined, async () => {
      throw new Fault('model-damaged', 'gone');
    });
    renewal.look();
    await renewal.done();
    expect([own.reads, eyes.current === next.guard]).toEqual([8, true]);
  });
});
