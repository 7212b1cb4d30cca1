/** Training runs: they learn, go on after any end as if there had been none, obey orders, and stop where the loss breaks. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTraining } from '../../src/train/job.ts';
import { readCheckpoint } from '../../src/train/network/checkpoint.ts';
import type { TrainingProgress, TrainingRecipe } from '../../src/train/recipe.ts';
import { checkpointName, train } from '../../src/train/trainer.ts';
import { inventPeople, smallRecipe } from './runs.ts';
import { oddNetwork } from './small-networks.ts';

let folder = '';
let data = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facelatch-train-'));
  data = await inventPeople(join(folder, 'people'));
});
afterAll(() => rm(folder, { recursive: true }));

async function recipe(name: string, changes: Partial<TrainingRecipe> = {}): Promise<TrainingRecipe> {
  const out = join(folder, name);
  await mkdir(out, { recursive: true });
  return smallRecipe(data, out, changes);
}

const quiet = (onProgress: (progress: TrainingProgress) => void = () => undefined) => ({
  onProgress,
  signal: new AbortController().signal,
});

describe('a run', () => {
  it('learns: the loss falls and people never seen are told apart', async () => {
    const optimiser = { kind: 'adam', rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const;
    const { losses, epochs, finished } = await train(
      await recipe('learns', { epochs: 8, batchesPerEpoch: 20, optimiser, checkpointEvery: 1000 }),
      quiet(),
    );
    expect(finished).toBe(true);
    expect(losses.length).toBe(160);
    const mean = (some: readonly number[]) => some.reduce((sum, loss) => sum + loss, 0) / some.length;
    expect(mean(losses.slice(-20))).toBeLessThan(0.7 * mean(losses.slice(0, 20)));
    // Few people: one epoch alone swings with the machine's last digits.
    expect(mean(epochs.slice(-4).map(({ validationAccuracy }) => validationAccuracy ?? 0))).toBeGreaterThan(0.7);
  });

  it('cut off anywhere goes on to the same losses, to the last digit, as one that was not', async () => {
    const whole = await train(await recipe('whole'), quiet());
    const cut = await recipe('cut');
    const cancel = new AbortController();
    const first = await train(cut, {
      onProgress: (progress) => {
        if (progress.kind === 'step' && progress.step === 5) cancel.abort();
      },
      signal: cancel.signal,
    });
    expect([first.finished, first.steps]).toEqual([false, 5]);
    const second = await train({ ...cut, resume: true }, quiet());
    expect(second.losses).toEqual(whole.losses);
    expect(second.epochs).toEqual(whole.epochs);
    const states = await Promise.all([whole, second].map(({ checkpoint }) => readCheckpoint(checkpoint)));
    expect(states[1]?.state).toEqual(states[0]?.state);
  });

  it('killed with SIGKILL goes on from its last checkpoint to the same losses', async () => {
    const settings = await recipe('killed', { epochs: 500, checkpointEvery: 1, validationPairs: 0 });
    const child = spawn(process.execPath, ['--input-type=module', '-e', runScript, JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let saved = 0;
    for await (const line of createInterface(child.stdout)) {
      saved = Number(line);
      if (saved >= 6) break;
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    const { state } = await readCheckpoint(join(settings.out, checkpointName), settings.network);
    expect(state.step).toBeGreaterThanOrEqual(6);
    const epochs = Math.ceil((state.step + 1) / settings.batchesPerEpoch);
    const resumed = await train({ ...settings, epochs, resume: true }, quiet());
    const whole = await train({ ...(await recipe('not-killed', { epochs, validationPairs: 0 })) }, quiet());
    expect(resumed.losses).toEqual(whole.losses);
  });

  it('of the contrastive loss, and on the other engine, runs and resumes too', async () => {
    const settings = await recipe('contrastive', {
      engine: 'tfjs',
      device: 'cpu',
      network: oddNetwork,
      epochs: 1,
      objective: { loss: 'contrastive', margin: 1, l1: 1e-5, l2: 0 },
    });
    const first = await train(settings, quiet());
    const second = await train({ ...settings, engine: 'onnx', epochs: 2, resume: true }, quiet());
    expect(second.losses.slice(0, 4)).toEqual(first.losses);
    expect(second.losses.length).toBe(8);
    expect(second.epochs.every(({ validationLoss }) => Number.isFinite(validationLoss))).toBe(true);
  });

  it('whose loss is no number stops, names the step and the cause, and keeps the last good checkpoint', async () => {
    const good = await recipe('diverges', { epochs: 1 });
    await train(good, quiet());
    const before = await readCheckpoint(join(good.out, checkpointName));
    const optimiser = { kind: 'sgd', rate: 1e30, momentum: 0 } as const;
    const wild = await recipe('wild', { optimiser, checkpointEvery: 1 });
    await copyFile(join(good.out, checkpointName), join(wild.out, checkpointName));
    await expect(train(wild, quiet())).rejects.toMatchObject({
      code: 'training-failed',
      message: expect.stringMatching(/^Step \d+ gave a loss that is not a number; .*checkpoint.*kept/),
    });
    // A checkpoint was written between, of weights that the next step broke on: it must not stand in the good one's place.
    expect(await readCheckpoint(join(wild.out, checkpointName))).toEqual(before);
  });

  it('is not resumed under other settings, nor with another network, nor with settings that cannot be', async () => {
    const settings = await recipe('settings', { epochs: 1 });
    await train(settings, quiet());
    await expect(train({ ...settings, resume: true, pairs: 4 }, quiet())).rejects.toMatchObject({ code: 'bad-argument' });
    await expect(train({ ...settings, resume: true, network: oddNetwork }, quiet())).rejects.toMatchObject({ code: 'model-unfit' });
    await expect(train({ ...settings, epochs: 0 }, quiet())).rejects.toThrow('epochs must be a whole number from 1 up, not 0');
    await expect(train({ ...settings, augment: 2 }, quiet())).rejects.toThrow('from 0 to 1');
  });
});

describe('a job in its thread', () => {
  it('tells its progress and is cancelled with a checkpoint', async () => {
    const settings = await recipe('job', { epochs: 100_000, validationPairs: 0 });
    const seen: TrainingProgress[] = [];
    const stepped = Promise.withResolvers<void>();
    const job = startTraining(settings, (progress) => {
      seen.push(progress);
      if (progress.kind === 'step') stepped.resolve();
    });
    await stepped.promise;
    job.cancel();
    const { finished, steps, checkpoint } = await job.result;
    expect(finished).toBe(false);
    expect(seen.flatMap((progress) => (progress.kind === 'step' ? [progress.step] : []))).toEqual(
      Array.from({ length: steps }, (_, i) => i + 1),
    );
    expect((await readCheckpoint(checkpoint)).state.step).toBe(steps);
  });

  it('hands on the fault that ends it', async () => {
    const job = startTraining(await recipe('faulty', { data: join(folder, 'nowhere') }), () => undefined);
    await expect(job.result).rejects.toMatchObject({ code: 'not-found' });
  });
});

const runScript = `
  import { train } from ${JSON.stringify(fileURLToPath(new URL('../../src/train/trainer.ts', import.meta.url)))};
  const onProgress = (progress) => { if (progress.kind === 'checkpoint') console.log(progress.step); };
  await train(JSON.parse(process.argv[1]), { onProgress, signal: new AbortController().signal });`;
