/** Courses: they end by themselves, keep the best epoch, and go on after any end as if there had been none. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { follow } from '../../src/train/course.ts';
import type { CourseResult, CourseStep } from '../../src/train/port.ts';
import { courseIn, inventSitters } from './courses.ts';

const work = mkdtempSync(join(tmpdir(), 'facelatch-course-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const folder = (name: string) => mkdtempSync(join(work, `${name}-`));
const files = (place: string) =>
  readdirSync(place, { recursive: true })
    .map(String)
    .filter((name) => name.includes('/'))
    .map((name) => name.split('/')[1]);

describe('a course', () => {
  /** One that nothing interrupted. */
  let whole: CourseResult;
  const ended = folder('whole');
  beforeAll(async () => {
    whole = await follow(courseIn(ended));
  });

  test('learns, tells its steps, and leaves the weights of the epoch that was best on people it did not learn from', async () => {
    const steps: CourseStep[] = [];
    const place = folder('learns');
    const result = await follow(courseIn(place, { epochs: 12, patience: 12, onStep: (step) => steps.push(step) }));
    expect(result.steps).toBe(120);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
    const validations = steps.flatMap(({ validation }) => validation ?? []);
    expect(result.validation.loss).toBeLessThanOrEqual(Math.min(...validations.map(({ loss }) => loss)));
    expect(result.validation.accuracy).toBeGreaterThan(0.7);
    expect(result.step % 10).toBe(0);
    expect(steps.at(-1)!.stepsPerS).toBeGreaterThan(0);
    expect(files(place)).toEqual(['best.facelatch']);
  });

  test('ends where so many epochs brought nothing better', async () => {
    // A rate so small that nothing changes: the first epoch is never beaten by much, and often not at all.
    const optimiser = { kind: 'sgd', rate: 1e-30, momentum: 0 } as const;
    const result = await follow(courseIn(folder('ends'), { epochs: 50, patience: 3, optimiser }));
    expect([result.step, result.steps]).toEqual([10, 40]);
  });

  test('that is over gives its result again without a step', async () => {
    expect(await follow(courseIn(ended, { onStep: () => expect.unreachable() }))).toEqual(whole);
  });

  test('stopped anywhere goes on to the same weights as one that was not', async () => {
    const place = folder('cut');
    for (const at of [3, 14, 25]) {
      const stop = new AbortController();
      const onStep = ({ step }: CourseStep) => step === at && stop.abort(new Error('stopped'));
      await expect(follow(courseIn(place, { signal: stop.signal, onStep: (step) => void onStep(step) }))).rejects.toThrow('stopped');
    }
    expect(await follow(courseIn(place))).toEqual(whole);
  });

  test('killed with SIGKILL goes on from its checkpoint to the same weights', async () => {
    const place = folder('killed');
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, place], { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface(child.stdout)) if (Number(line) >= 17) break;
    child.kill('SIGKILL');
    await once(child, 'exit');
    const seen: number[] = [];
    const resumed = await follow(courseIn(place, { onStep: ({ step }) => seen.push(step) }));
    expect(seen[0]).toBeGreaterThan(10);
    expect(resumed).toEqual(whole);
  });

  test('begins anew where its files are damaged or another course’s', async () => {
    const place = folder('damaged');
    const stop = new AbortController();
    const onStep = ({ step }: CourseStep) => void (step === 15 && stop.abort(new Error('stopped')));
    await expect(follow(courseIn(place, { signal: stop.signal, onStep }))).rejects.toThrow('stopped');
    const [own] = readdirSync(place);
    for (const name of readdirSync(join(place, own!))) writeFileSync(join(place, own!, name), 'nothing');
    const steps: number[] = [];
    await follow(courseIn(place, { onStep: ({ step }) => steps.push(step) }));
    expect(steps[0]).toBe(1);
    const other = await follow(courseIn(place, { seed: 8 }));
    expect(other.steps).toBe(30);
    expect(readdirSync(place)).toHaveLength(1);
  });

  test('says who is missing where nobody can be paired', async () => {
    const [one, ...others] = inventSitters('a', 4, 3);
    await expect(follow(courseIn(folder('few'), { stopBy: [one!] }))).rejects.toMatchObject({ code: 'bad-argument' });
    await expect(
      follow(courseIn(folder('few'), { learnFrom: others.map((other) => ({ ...other, stranger: true })) })),
    ).rejects.toMatchObject({
      code: 'bad-argument',
    });
  });

  test('learns one person from strangers, who are never paired with each other', async () => {
    // Of strangers alone no pair can be made at all.
    const strangers = inventSitters('s', 3, 2).map((sitter) => ({ ...sitter, stranger: true }));
    const learnFrom = [...inventSitters('a', 1, 3), ...strangers];
    expect((await follow(courseIn(folder('strangers'), { learnFrom, epochs: 1 }))).steps).toBe(10);
  });
});

const script = `
  import { follow } from ${JSON.stringify(fileURLToPath(new URL('../../src/train/course.ts', import.meta.url)))};
  import { courseIn } from ${JSON.stringify(fileURLToPath(new URL('./courses.ts', import.meta.url)))};
  const slowly = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  await follow(courseIn(process.argv[1], { onStep: ({ step }) => (console.log(step), slowly()) }));`;
