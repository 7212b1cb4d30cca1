/** A new champion on probation; the moments at which a door learns by itself; a switch of networks while embeddings are under way. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Observation } from '../../src/access/port.ts';
import { Fault } from '../../src/base/errors.ts';
import { openLog } from '../../src/base/log.ts';
import { openEyes } from '../../src/learning/eyes.ts';
import { guardOf, type Retraining } from '../../src/learning/parts.ts';
import { openProbation, watchDecisions } from '../../src/learning/probation.ts';
import { latestDue } from '../../src/retrain/due.ts';
import { type Guard, promotionOf } from '../../src/retrain/promotion.ts';
import type { Registry } from '../../src/retrain/registry/registry.ts';
import type { Config } from '../../src/settings/load.ts';
import { fakeClock } from '../fakes/clock.ts';
import { eventOf } from '../fakes/events.ts';
import { memoryGallery } from '../fakes/gallery.ts';
import { circleEmbedder, drawing, drawingReader } from '../fakes/reader.ts';

const rules = { decisions: 10, maxDisagreement: 0.2 };
const none = { decisions: 0, disagreements: 0 };

it('proves itself after its decisions, and goes back once too many differ', () => {
  const good = watchDecisions(rules, none);
  const verdicts = Array.from({ length: 10 }, (_, i) => {
    for (let frame = 0; frame < 3; frame++) good.saw(i === 4 ? undefined : 'ada');
    return good.decided('ada').verdict;
  });
  expect(verdicts).toEqual([...Array(9).fill('go-on'), 'proved']);
  expect(good.count).toEqual({ decisions: 10, disagreements: 1 });
  const bad = watchDecisions(rules, none);
  const until = Array.from({ length: 3 }, () => {
    bad.saw('ada');
    return bad.decided(undefined).verdict;
  });
  expect(until).toEqual(['go-on', 'go-on', 'go-back']);
});

it('goes back at once when a face is one person to it and another to the network before', () => {
  const watch = watchDecisions(rules, none);
  watch.saw('ada');
  expect(watch.decided('bob')).toMatchObject({ verdict: 'go-back', agreed: false });
});

it('counts nothing of which the other saw no frame, nor frames of whoever has left; goes on from where it was', () => {
  const watch = watchDecisions(rules, { decisions: 8, disagreements: 0 });
  expect(watch.decided('ada').verdict).toBe('go-on');
  watch.saw('bob');
  watch.left();
  expect([watch.decided('ada').agreed, watch.count.decisions]).toEqual([true, 8]);
  watch.saw('ada');
  watch.decided('ada');
  watch.saw('ada');
  expect(watch.decided('ada').verdict).toBe('proved');
});

it('knows the latest moment of a schedule, in the zone of the door and across its changes', () => {
  const at = (text: string) => Date.parse(text);
  const iso = (ms: number | undefined) => ms !== undefined && new Date(ms).toISOString();
  expect(latestDue('', 'UTC', at('2026-01-05T12:00Z'))).toBeUndefined();
  expect(iso(latestDue('Sun 03:00', 'Europe/Berlin', at('2026-01-05T12:00Z')))).toBe('2026-01-04T02:00:00.000Z');
  expect(iso(latestDue('Sun 03:00', 'Europe/Berlin', at('2026-01-04T01:59Z')))).toBe('2025-12-28T02:00:00.000Z');
  expect(iso(latestDue('daily 03:00', 'UTC', at('2026-01-05T02:59Z')))).toBe('2026-01-04T03:00:00.000Z');
  // The night in which Berlin has no 02:30.
  expect(iso(latestDue('daily 02:30', 'Europe/Berlin', at('2026-03-29T12:00Z')))).toBe('2026-03-29T01:30:00.000Z');
});

it('compares an embedding only in the gallery of the network that made it, also across a switch', async () => {
  const policy = { policy: 'paper', targetFmr: 0.001, detection: 0.9, verification: 0.5 } as const;
  const clock = fakeClock();
  const closed: string[] = [];
  const twin = (id: string, name: string) => {
    const gallery = memoryGallery({ embedder: circleEmbedder, policy, clock });
    gallery.enrol({ name, pictures: [{ picture: drawing({ face: 0, tag: name }), template: Float32Array.of(1, 0), source: 'x' }] });
    const made = guardOf(id, drawingReader(), gallery);
    return { ...made, [Symbol.asyncDispose]: async () => void closed.push(id) };
  };
  const eyes = openEyes(twin('base', 'Old'));
  const nameOf = (id?: string) => eyes.gallery.find(id ?? '')?.name;
  const oldReading = eyes.reader.read(drawing({ face: 5 }));
  await oldReading;
  const newer = twin('new', 'New');
  await eyes.turnTo(newer);
  const probe = (await oldReading).faces[0]?.embedding as Float32Array;
  const old = eyes.gallery.match(probe)[0]?.personId;
  expect([eyes.comparing(await oldReading).find(old ?? '')?.name, nameOf(old)]).toEqual(['Old', undefined]);
  const fresh = (await eyes.reader.read(drawing({ face: 5 }))).faces[0]?.embedding as Float32Array;
  expect(nameOf(eyes.gallery.match(fresh)[0]?.personId)).toBe('New');
  // A template of the network before is not enrolled with this one.
  const pictures = [{ picture: drawing({ face: 5, tag: 'z' }), template: probe, source: 'cam' }];
  expect(() => eyes.gallery.enrol({ name: 'Late', pictures })).toThrow(/start the enrolment again/);
  expect([eyes.before?.id, closed]).toEqual(['base', []]);
  await eyes.turnTo(eyes.before as never);
  expect([eyes.current.id, eyes.before?.id, closed]).toEqual(['base', 'new', []]);
  await eyes.drop();
  expect([eyes.before, closed]).toEqual([undefined, ['new']]);
});

it('is asked again for the network before, where it could not be put back', async () => {
  const clock = fakeClock();
  const policy = { policy: 'paper', targetFmr: 0.001, detection: 0.9, verification: 0.5 } as const;
  const twin = (id: string) => {
    const gallery = memoryGallery({ embedder: circleEmbedder, policy, clock });
    gallery.enrol({ name: id, pictures: [{ picture: drawing({ face: 0, tag: id }), template: Float32Array.of(1, 0), source: 'x' }] });
    return guardOf(id, drawingReader(), gallery);
  };
  const eyes = openEyes(twin('champion'));
  eyes.keepBeside(twin('base'));
  const asked: string[] = [];
  const probation = openProbation({
    config: { retrain: rules, access: { absenceMs: 700 }, identity: { ambiguityMargin: 1 } } as unknown as Config,
    retraining: { registry: { probation: none, setProbation: () => undefined } } as unknown as Retraining,
    ...{ eyes, clock, log: openLog('silent'), record: () => undefined },
    onGoBack: async (detail) => {
      asked.push(detail);
      if (asked.length === 1) throw new Fault('disk-full', 'no room for the pointer');
    },
  });
  probation.begin();
  const picture = drawing({ face: 5 });
  const reading = await eyes.reader.read(picture);
  for (const capturedAtMs of [100, 200, 300]) {
    const frame = { picture, capturedAtMs } as unknown as Observation['frame'];
    probation.looked({ frame, reading, sighting: {} as Observation['sighting'] });
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    probation.decided({ ...eventOf['access.granted'], personId: 'somebody else' }, capturedAtMs);
    for (let turn = 0; turn < 5; turn++) await nextTurn();
  }
  expect(asked).toEqual(Array(2).fill('it took a face for one person, the network before for another'));
});

it.each([
  ['one that was opened for it is closed', 'new', ['new']],
  ['one that looks already stays open', 'beside', []],
])('a network that cannot have its templates is refused: %s', async (_, id, closed) => {
  const shut: string[] = [];
  const guard = (name: string) =>
    ({
      ...{ id: name, reader: drawingReader(), gallery: { stale: 0, templates: 3, refresh: () => false } },
      [Symbol.asyncDispose]: async () => void shut.push(name),
    }) as unknown as Guard;
  const beside = guard('beside');
  const promotion = promotionOf({
    registry: {
      ...{ champion: () => ({ id: 'champion' }), note: () => undefined },
      verify: async () => ({ ok: true, manifest: { version: 1 } }),
    } as unknown as Registry,
    openGuard: async (wanted) => (wanted === 'beside' ? beside : guard(wanted)),
    release: async (one) => void (one !== beside && (await one[Symbol.asyncDispose]())),
    ...{ renew: async () => undefined, guarding: { templates: 4 }, take: () => undefined, record: () => undefined },
    compare: async () => ({ ok: true, detail: 'better', metrics: {} }),
  });
  expect(await promotion.promote(id, 'olga')).toMatchObject({ ok: false, reason: 'no-templates' });
  expect(shut).toEqual(closed);
});
