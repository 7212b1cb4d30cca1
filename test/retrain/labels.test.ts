import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Embedding } from '../../src/face/port.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { logitOf } from '../../src/identity/siamese.ts';
import { calibrationCurve } from '../../src/identity/threshold.ts';
import { cosine, toUnit } from '../../src/recipes/embeddings.ts';
import { alike, checkLabels, contradictionsText, type LabelParts, samePictures, shownId } from '../../src/retrain/labels.ts';
import type { LabelledPerson, Sample } from '../../src/retrain/port.ts';
import { root } from '../cli/facelatch.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';

const sampleOf = (picture: Uint8Array): Sample => ({
  id: createHash('sha256').update(picture).digest('hex'),
  picture,
  origin: 'enrolment',
  takenAt: '2026-11-01T12:00:00Z',
});

describe('labels that contradict each other', () => {
  const named = (id: string): Sample => ({ ...sampleOf(Uint8Array.of()), id });
  const person = (personId: string, ...ids: string[]): LabelledPerson => ({ personId, samples: ids.map(named) });
  const likeness = (a: Embedding, b: Embedding) => 10 * cosine(a, b);
  const near = (x: number, y: number, by: number) => toUnit(Float32Array.of(x, y, by));
  const kindsOf = (people: readonly LabelledPerson[], embeddings: Readonly<Record<string, Embedding>>) =>
    alike(people, new Map(Object.entries(embeddings)), likeness, 6).map(({ kind, people: who, samples }) => [
      kind,
      ...who,
      ...samples.map(({ id }) => id),
    ]);

  it('one face enrolled as two people, with different pictures', () => {
    const two = [person('a', 'a1', 'a2'), person('b', 'b1', 'b2'), person('c', 'c1', 'c2')];
    const faces = { a1: near(1, 0, 0.1), a2: near(1, 0, -0.1), b1: near(1, 0.2, 0.1), b2: near(1, 0.3, -0.2) };
    expect(kindsOf(two, { ...faces, c1: near(0, 1, 0.1), c2: near(0, 1, 0.2) })).toEqual([['people', 'a', 'b', 'a1', 'b1']]);
  });

  it('a picture that rather shows somebody else', () => {
    const two = [person('a', 'a1', 'a2', 'a3'), person('b', 'b1', 'b2')];
    const faces = { a1: near(1, 0, 0.1), a2: near(1, 0, -0.1), a3: near(0.05, 1, 0), b1: near(0, 1, 0.1), b2: near(0, 1, -0.1) };
    expect(kindsOf(two, faces)).toEqual([['wrong', 'a', 'b', 'a3', 'b1']]);
  });

  it('the very same picture under two names', () => {
    const people = [person('a', 'a1', 'x'), person('b', 'b1', 'x'), person('c', 'c1')];
    expect(samePictures(people).map(({ people: who, samples }) => [...who, ...samples.map(({ id }) => id)])).toEqual([
      ['a', 'b', 'x', 'x'],
    ]);
    expect(contradictionsText(samePictures(people))).toContain('picture x (enrolment) is given for a and for b');
  });

  it('are not people who merely resemble each other, though no stranger would reach that by chance', () => {
    // Far above the rate of strangers, and far below what each is to themselves.
    const strict = (a: Embedding, b: Embedding) => 60 * cosine(a, b) - 40;
    const faces = { a1: near(1, 0, 0.02), a2: near(1, 0, -0.02), b1: near(1, 0.76, 0.02), b2: near(1, 0.76, -0.02) };
    const found = alike([person('a', 'a1', 'a2'), person('b', 'b1', 'b2')], new Map(Object.entries(faces)), strict, 6);
    expect(strict(faces.a1, faces.b1)).toBeGreaterThan(6);
    expect(found).toEqual([]);
  });
});

describe('the labels of pictures of people who do not exist, through the shipped networks', () => {
  const demo = (name: string, shot: string) => readFileSync(join(root, 'config', 'demo-people', `${name}-${shot}.jpg`));
  const limits = qualityLimits;
  const models = join(root, 'models');
  /** As they are, in the dark, and blurred. */
  async function versions(picture: Uint8Array): Promise<Sample[]> {
    const dim = await sharp(picture).modulate({ brightness: 0.45 }).jpeg({ quality: 60 }).toBuffer();
    const blurred = await sharp(picture).modulate({ brightness: 0.6 }).blur(1.5).jpeg().toBuffer();
    return [picture, dim, blurred].map(sampleOf);
  }
  async function check(people: readonly LabelledPerson[]): Promise<number> {
    await using reader = await openFaceReader({
      detector: join(models, 'detector'),
      embedder: join(models, 'embedder'),
      threads: 1,
      limits,
    });
    const parts: LabelParts = { logitOf, logitAt: (calibration, fmr) => calibrationCurve(calibration).logitAt(fmr).logit };
    return await checkLabels({ people, reader, signal: new AbortController().signal, onProgress: () => undefined }, parts);
  }

  it('sixteen people, in good light and in bad, are sixteen people', async () => {
    const names = Array.from({ length: 16 }, (_, i) => `p${String(i + 1).padStart(2, '0')}`);
    const people = await Promise.all(
      names.map(async (personId) => ({
        personId,
        samples: (await Promise.all(['neutral', 'smiling'].map((shot) => versions(demo(personId, shot))))).flat(),
      })),
    );
    expect(await check(people)).toBe(96);
  }, 120_000);

  it('one of them enrolled twice, with other pictures, is found, and shown by ids that can be looked up', async () => {
    const [serious, smiling] = [await versions(demo('p03', 'neutral')), await versions(demo('p03', 'smiling'))];
    const other = { personId: 'other', samples: await versions(demo('p04', 'neutral')) };
    const twice = [{ personId: 'ada', samples: serious }, other, { personId: 'bea', samples: smiling }];
    const fault = (await check(twice).catch((error) => error)) as Error;
    expect(fault).toMatchObject({ code: 'training-failed' });
    expect(fault.message).toMatch(
      /ada and bea look like one person, as pictures [0-9a-f]{12} \(enrolment\) and [0-9a-f]{12} \(enrolment\)/,
    );
    const shown = [...fault.message.matchAll(/[0-9a-f]{12}/g)].map(([id]) => id);
    expect([serious, smiling].map((own) => own.some(({ id }) => shown.includes(shownId(id))))).toEqual([true, true]);
    expect(fault.message).toContain('facelatch people show ID');
    expect(fault.message).not.toContain('other');
  }, 60_000);
});
