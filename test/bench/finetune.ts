/**
 * What `finetune` gains at the door of the bench `adapt`: the same 50 residents, 200 strangers and dim camera. Once with nothing but the residents' enrolled
 * pictures, once with pictures of people who are nobody there (`retrain.others`): those of the training data whom the embedder knows, never the residents.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelFolder } from '../../src/adapters/basics.ts';
import type { Row } from '../../src/cli/door/figures.ts';
import { workshopOf } from '../../src/learning/workshop.ts';
import { type Door, faces, gainOf, openDoor, runOf, type Seen, see } from './adapt.ts';

/** A folder with a link to each person on whom the embedder was trained. */
function othersIn(folder: string): string {
  const heldOut = new Set(readFileSync(join(faces, 'held-out-people.txt'), 'utf8').split('\n').filter(Boolean));
  mkdirSync(folder);
  for (const set of ['pins112', 'celeba112'])
    for (const name of readdirSync(join(faces, set)))
      if (!heldOut.has(`${set}/${name}`)) symlinkSync(join(faces, set, name), join(folder, `${set}-${name}`));
  return folder;
}

interface Finetuned {
  readonly after: Seen;
  readonly secondsPerStep: number;
  readonly seconds: number;
}

async function finetuned(door: Door, out: string, others: string): Promise<Finetuned> {
  const recipe = workshopOf({ others }).recipes.finetune;
  if (!recipe) throw new Error('there is no recipe finetune');
  const run = runOf(
    door.residents.map(({ enrolled }) => enrolled),
    out,
    modelFolder('embedder'),
  );
  const { seconds, figures } = await recipe.run({
    ...run,
    threads: cpus().length,
    onProgress: ({ stage, done, total, figures: now }) => {
      if (done % 50 === 0 || done === total)
        console.error(`bench: ${stage} ${done} of ${total}${now?.loss === undefined ? '' : `, loss ${now.loss.toFixed(4)}`}`);
    },
  });
  return { after: await see(door, out), seconds, secondsPerStep: figures.secondsPerStep as number };
}

export async function benchFinetune(): Promise<Row[]> {
  if (!existsSync(faces)) {
    console.error(`bench: finetune is left out: its pictures of real people are not at ${faces}`);
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  try {
    const door = await openDoor();
    const before = await see(door, modelFolder('embedder'));
    const rows: Row[] = [];
    for (const [what, others] of [
      ['alone', ''],
      ['with pictures of others', othersIn(join(folder, 'others'))],
    ] as const) {
      const { after, seconds, secondsPerStep } = await finetuned(door, join(folder, what.replaceAll(' ', '-')), others);
      const gain = gainOf(before, after);
      const [low, high] = gain.interval;
      console.error(`bench: finetune ${what}: the fall's 95 % interval: ${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)} %`);
      const base = { what: 'base', value: 100 * gain.base };
      rows.push(
        { what: `dim door of unknown people, FNMR at FMR 1e-3, finetune ${what}`, value: 100 * gain.adapted, unit: '%', baseline: base },
        { what: '… fall of FNMR', value: 100 * gain.fall, unit: '%', target: 50, atLeast: true },
        { what: '… lower, upper 95 % bound of the fall', value: 100 * low, unit: '%' },
        { what: '…', value: 100 * high, unit: '%' },
        { what: `… a step of 32 pictures`, value: secondsPerStep, unit: 's' },
        { what: '… all of it', value: seconds / 60, unit: 'min', target: 60 },
      );
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
