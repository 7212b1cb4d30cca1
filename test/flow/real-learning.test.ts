/**
 * Learning with nothing put in its place: a real broker, the running door, its networks, the recipe `adapt` in its own process and the real comparison, on people who do not
 * exist. A household too small to measure on is refused; one face under two names is shown; a network without a gain is refused; forced, the door uses it, and goes back.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { demoPicture, jsonOf } from '../cli/facelatch.ts';
import { journalled, openLearningPlace, until } from '../fakes/learning-door.ts';

/** Someone at the door on four occasions: as in their pictures, in little light, and out of focus. */
async function occasions(person: number): Promise<{ readonly picture: Buffer; readonly source: string }[]> {
  const [neutral, smiling] = [readFileSync(demoPicture(person, 'neutral')), readFileSync(demoPicture(person, 'smiling'))];
  return [
    { picture: neutral, source: 'neutral' },
    { picture: smiling, source: 'smiling' },
    { picture: await sharp(neutral).modulate({ brightness: 0.45 }).jpeg({ quality: 60 }).toBuffer(), source: 'dim' },
    { picture: await sharp(smiling).modulate({ brightness: 0.6 }).blur(1.5).jpeg().toBuffer(), source: 'blurred' },
  ];
}

it('learns for real: refused, shown what is wrong, not used without a gain, forced, used, taken back; the door opens all the while for whom it should', async () => {
  await using place = await openLearningPlace();
  const { send, state } = place;
  const { house, visit, enrol } = await place.open({ people: [] });
  const base = house.reader.embedder.sha256;
  const learn = async () => {
    const before = journalled(house, 'training.ended').length;
    expect(jsonOf(await send('train.start')).result.job).toMatchObject({ recipe: 'adapt', state: 'queued' });
    await until(house, 'training.ended', before + 1);
    return journalled(house, 'training.ended').at(-1);
  };
  // Of two people one is kept apart: the other is too few to learn from.
  for (const person of [1, 2]) await enrol(`p${person}`, (await occasions(person)).slice(0, 2));
  expect(await learn()).toMatchObject({
    outcome: 'failed',
    detail: expect.stringMatching(/adapt needs at least 2 people, and there is only one.*not counting one whose pictures are kept apart/),
  });
  // A household of three: one of them is kept apart, and on one nothing can be measured. That is said before anything is trained.
  for (const person of [1, 2, 3]) await enrol(`p${person}`, await occasions(person));
  expect(await learn()).toMatchObject({
    outcome: 'failed',
    detail: expect.stringMatching(
      /^nothing was trained.*the frozen set has \d pictures of 1 person: at least 6 pictures of 2 people are needed/,
    ),
  });
  expect([house.reader.embedder.sha256, journalled(house, 'model.promoted')]).toEqual([base, []]);
  // One face, enrolled as two people from different pictures.
  const [neutral, smiling, dim, blurred] = await occasions(4);
  const four = await enrol('four', [neutral!, dim!]);
  const again = await enrol('four-again', [smiling!, blurred!]);
  const failed = (await learn()) as { outcome: string; detail: string };
  expect(failed.outcome).toBe('failed');
  expect(failed.detail).toMatch(new RegExp(`(${four} and ${again}|${again} and ${four}) look like one person`));
  // Each of the two is shown with a picture of theirs, by the id that `facelatch people show` lists.
  for (const person of [four, again]) {
    const shown = jsonOf(await place.facelatch('people', 'show', person, '--json'));
    expect(shown.pictures.filter(({ id }: { id: string }) => failed.detail.includes(`${id.slice(0, 12)} (enrolment)`))).toHaveLength(1);
  }
  house.gallery.forget(again);
  // Enough people, and nobody among them is missed: there is nothing to gain, and the network in use stays.
  for (const person of [4, 5, 6]) await enrol(person === 4 ? 'four' : `p${person}`, await occasions(person));
  const trained = (await learn()) as { outcome: string; bundle: string };
  expect(trained).toMatchObject({
    outcome: 'refused',
    detail: expect.stringMatching(/^no gain: .*FNMR .* impostor comparisons\); on the cohort/),
  });
  expect(journalled(house, 'model.refused')).toMatchObject([{ bundle: trained.bundle, reason: 'no-gain' }]);
  expect(house.reader.embedder.sha256).toBe(base);
  // Whoever wants it all the same says so at the machine itself; the running door follows.
  expect((await place.facelatch('models', 'promote', trained.bundle, '--force')).code).toBe(0);
  await expect.poll(() => house.reader.embedder.version, { timeout: 60_000 }).toBe('2.0.0+adapt');
  expect(house.reader.embedder).toMatchObject({ version: '2.0.0+adapt', head: { kind: 'cosine' } });
  expect([house.gallery.templates, house.gallery.stale]).toEqual([24, 0]);
  const manifest = JSON.parse(readFileSync(join(state, 'models', trained.bundle, 'bundle.json'), 'utf8'));
  expect(manifest).toMatchObject({
    recipe: 'adapt',
    version: 1,
    metrics: { 'candidate.fnmr': { value: 0 }, embeddings: expect.anything() },
  });
  expect(await visit(3)).toMatchObject({ kind: 'access.granted' });
  expect(await visit(12)).toMatchObject({ kind: 'access.denied', reason: 'unknown' });
  expect(readdirSync(join(state, 'jobs'))).toEqual([]);
  expect(jsonOf(await send('model.rollback')).result).toEqual({ to: 'base', from: trained.bundle });
  expect(house.reader.embedder.sha256).toBe(base);
  expect(await visit(5)).toMatchObject({ kind: 'access.granted' });
}, 600_000);
