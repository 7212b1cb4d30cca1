/** Checkpoints: whole or not at all, never of another network, and never the loss of the last good one. */
import { spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from '../../../src/train/network/checkpoint.ts';
import type { Network } from '../../../src/train/port.ts';
import { chanceWeights, evenNetwork, oddNetwork } from '../small-networks.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facelatch-checkpoint-'));
});
afterAll(() => rm(folder, { recursive: true }));

const checkpoint = (step: number, network: Network = oddNetwork): Checkpoint => ({
  network,
  state: { step, weights: chanceWeights(network, step), first: chanceWeights(network, step + 1), second: chanceWeights(network, step + 2) },
  notes: { losses: [0.1, 1 / 3, step] },
});

describe('a checkpoint', () => {
  it('comes back number for number', async () => {
    const path = join(folder, 'whole');
    await writeCheckpoint(path, checkpoint(3));
    expect(await readCheckpoint(path, oddNetwork)).toEqual(checkpoint(3));
  });

  it('of another network is refused, whatever its name', async () => {
    const path = join(folder, 'other');
    await writeCheckpoint(path, checkpoint(3));
    await expect(readCheckpoint(path, { ...evenNetwork, name: 'odd' })).rejects.toMatchObject({ code: 'model-unfit' });
    expect((await readCheckpoint(path, { ...oddNetwork, name: 'renamed' })).state.step).toBe(3);
  });

  it('that is cut short gives way to the one before', async () => {
    const path = join(folder, 'cut');
    await writeCheckpoint(path, checkpoint(1));
    await writeCheckpoint(path, checkpoint(2));
    await truncate(path, 1000);
    expect((await readCheckpoint(path)).state.step).toBe(1);
  });

  it('with one byte changed is known as damaged where there is no other', async () => {
    const path = join(folder, 'flipped');
    await writeCheckpoint(path, checkpoint(1));
    const bytes = await readFile(path);
    bytes[bytes.length - 9]! ^= 1;
    await writeFile(path, bytes);
    await expect(readCheckpoint(path)).rejects.toMatchObject({ code: 'model-damaged', message: expect.stringContaining('SHA-256') });
  });

  it('that is missing is said to be', () => expect(readCheckpoint(join(folder, 'none'))).rejects.toMatchObject({ code: 'not-found' }));

  it('is found where a kill came between the two renames', async () => {
    const path = join(folder, 'between');
    await writeCheckpoint(path, checkpoint(5));
    await copyFile(path, `${path}.last`);
    await rm(path);
    expect((await readCheckpoint(path)).state.step).toBe(5);
  });

  it('that the disk has no room for is one clear fault, and the last one stays', async () => {
    const path = join(folder, 'full');
    await writeCheckpoint(path, checkpoint(1));
    const script = `
      import { writeCheckpoint } from ${JSON.stringify(fileURLToPath(new URL('../../../src/train/network/checkpoint.ts', import.meta.url)))};
      import { initialWeights } from ${JSON.stringify(fileURLToPath(new URL('../../../src/train/network/network.ts', import.meta.url)))};
      const network = ${JSON.stringify(evenNetwork)};
      const weights = initialWeights(network, 1);
      try { await writeCheckpoint(process.argv[1], { network, state: { step: 2, weights, first: weights, second: weights }, notes: {} }); }
      catch (error) { console.log(error.code + ' ' + error.message); }`;
    // No file larger than 16 KiB (ulimit counts in 512 bytes): the system refuses the write, as a quota or a full disk does.
    const shell = ['-c', 'ulimit -f 32; exec "$0" "$@"', process.execPath, '--input-type=module', '-e', script, path];
    const { stdout, stderr } = spawnSync('sh', shell, { encoding: 'utf8' });
    expect(stdout, stderr).toMatch(/^disk-full The disk filled while .*full was written/);
    expect((await readCheckpoint(path)).state.step).toBe(1);
    expect((await readdir(folder)).filter((name) => name.endsWith('.writing'))).toEqual([]);
  });

  it('in a folder that is not there is one clear fault', () =>
    expect(writeCheckpoint(join(folder, 'no', 'folder'), checkpoint(1))).rejects.toMatchObject({ code: 'bad-argument' }));
});
