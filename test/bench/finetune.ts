/**
 * What `finetune` gains at the doors of the bench `adapt`: the same 50 residents, 200 strangers and cameras. Once with nothing but the residents' enrolled
 * pictures, once with pictures of people who are nobody there (`retrain.others`): those of the training data whom the embedder knows, never the residents.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelFolder } from '../../src/adapters/basics.ts';
import type { Row } from '../../src/cli/door/figures.ts';
import { workshopOf } from '../../src/learning/workshop.ts';
import { cameraNames, type Door, enrolledAt, faces, openDoor, rowsOf, runOf, see } from './adapt.ts';

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
  readonly folder: string;
  readonly secondsPerStep: number;
  readonly seconds: number;
}

async function finetuned(door: Door, out: string, others: string): Promise<Finetuned> {
  const recipe = workshopOf({ others }).recipes.finetune;
  if (!recipe) throw new Error('there is no recipe finetune');
  mkdirSync(out);
  const { seconds, figures, folder } = await recipe.run({
    ...runOf(enrolledAt(door), out, modelFolder('embedder')),
    threads: cpus().length,
    onProgress: ({ stage, done, total, figures: now }) => {
      if (done % 50 === 0 || done === total)
        console.error(`bench: ${stage} ${done} of ${total}${now?.loss === undefined ? '' : `, loss ${now.loss.toFixed(4)}`}`);
    },
  });
  return { folder, seconds, secondsPerStep: figures.secondsPerStep as number };
}

export async function benchFinetune(): Promise<Row[]> {
  if (!existsSync(faces)) {
    console.error(`bench: finetune is left out: its pictures of real people are not at ${faces}`);
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  try {
    const rows: Row[] = [];
    const enrolled = await openDoor('good');
    const networks = [];
    for (const [what, others] of [
      ['alone', ''],
      ['with pictures of others', othersIn(join(folder, 'others'))],
    ] as const) {
      const made = await finetuned(enrolled, join(folder, what.replaceAll(' ', '-')), others);
      networks.push({ what, ...made });
      rows.push(
        { what: `finetune ${what}, a step`, value: made.secondsPerStep, unit: 's' },
        { what: '… all of it', value: made.seconds / 60, unit: 'min', target: 60 },
      );
    }
    for (const camera of cameraNames) {
      const door = await openDoor(camera);
      const before = await see(door, modelFolder('embedder'));
      for (const { what, folder: made } of networks)
        rows.push(...rowsOf(camera, `finetune ${what}`, before, await see(door, made, before), 40));
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
