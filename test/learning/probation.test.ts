/** A new champion on probation; the moments at which a door learns by itself; a switch of networks while embeddings are under way. */
import { expect, it } from 'vitest';
import { openEyes } from '../../src/learning/eyes.ts';
import { guardOf } from '../../src/learning/parts.ts';
import { watchDecisions } from '../../src/learning/probation.ts';
import { latestDue } from '../../src/retrain/due.ts';
import { fakeClock } from '../fakes/clock.ts';
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
