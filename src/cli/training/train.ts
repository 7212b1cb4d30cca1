/**
 * `facelatch train`. In: pictures of people. Out: a trained Siamese network as a checkpoint, its history, and how
 * well it tells apart people that it never saw.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { Fault } from '../../base/errors.ts';
import { type Part, picturesOf, readDataset, type Split, splitDataset } from '../../train/data/dataset.ts';
import { requireEnoughPeople } from '../../train/data/enough-people.ts';
import { type FaceCrops, facesOnly } from '../../train/data/face-crops.ts';
import { startTraining } from '../../train/job.ts';
import type { TrainingProgress, TrainingRecipe } from '../../train/recipe.ts';
import { measureModel, readTrainedModel } from '../../train/trained-model.ts';
import { checkpointName, type RunResult } from '../../train/trainer.ts';
import { configOf, exitCodes, tell, wholeNumber, withHelp, write } from '../context.ts';
import { type FacesFound, findFaces } from '../face-finding.ts';
import { counted } from '../words.ts';
import { trainExportCommand, trainImportCommand } from './train-convert.ts';
import { trainVerifyCommand } from './train-verify.ts';
import { openTrainingBar } from './training-bar.ts';
import { makeOutFolder, readSettings, requireSpace, writePreview, writeSettings } from './training-folder.ts';
import { type RecipeOptions, recipeOf, withRecipe } from './training-options.ts';
import { confusionTable, epochText } from './training-report.ts';

interface TrainOptions extends RecipeOptions {
  readonly out?: string;
  readonly steps?: number;
  readonly checkpointEvery: number;
  readonly testPairs: number;
  readonly resume?: boolean;
  readonly preview?: string;
  readonly crop?: boolean;
  readonly json?: boolean;
}

export function trainCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('train')
    .summary("train the paper's Siamese network; verify with one, export or import one")
    .description(
      'Train a Siamese network on pairs of pictures. DATA holds one folder per person, or the tutorial’s anchor/, positive/ and negative/. ' +
        'People (or pictures) of the test part are never trained on; at the end the network is measured on them.',
    )
    .argument('[data]', 'folder of pictures; not needed with --resume')
    .option('-o, --out <folder>', 'where the checkpoint goes, with history.csv and the loss curve loss.svg')
    .option('--steps <n>', 'steps in all, in place of --epochs', wholeNumber('--steps', 1, 1e9))
    .option('--checkpoint-every <steps>', 'how often the state is saved', wholeNumber('--checkpoint-every', 1, 1e6), 100)
    .option('--test-pairs <n>', 'pairs measured at the end', wholeNumber('--test-pairs', 2, 1e5), 1000)
    .option('--resume', 'go on from the checkpoint in --out, with the settings of that run')
    .option('--crop', 'cut pictures to the face that the detector finds; pictures without one are left out, and named')
    .option('--preview <file>', 'write a sheet (.png, .jpg) of the first batch as training would see it, and end')
    .option('--json', 'JSON lines on standard output: split, steps, epochs, checkpoints, figures');
  withHelp(
    withRecipe(command),
    [
      'facelatch train people/ --out twin                        2,500 steps, about an hour',
      'facelatch train --out twin --resume --epochs 80           go on, longer',
      'facelatch train people/ --preview sheet.png --augment 1   how pictures are changed',
      'facelatch train people/ --out try --size small --epochs 4 a quick try',
      'facelatch train verify twin probe.jpg pictures-of-ada/    is this the person of that folder?',
    ],
    'trained',
    '(train verify) not verified',
  );
  return command
    .enablePositionalOptions()
    .addCommand(trainVerifyCommand(exit))
    .addCommand(trainExportCommand(exit))
    .addCommand(trainImportCommand(exit))
    .action(async (data: string | undefined, options: TrainOptions) => exit(await run(settled(command, data, options), stop)));
}

interface Settled {
  readonly data: string;
  readonly options: TrainOptions;
}

/** The options of this run; with --resume, those of the run before, except for options that are given again. */
function settled(command: Command, data: string | undefined, options: TrainOptions): Settled {
  const { out, resume } = options;
  if (out === undefined && options.preview === undefined) throw new Fault('bad-argument', 'Say where the network goes: --out FOLDER');
  const before = resume && out !== undefined ? readSettings<Settled>(out) : undefined;
  const place = data ?? before?.data;
  if (place === undefined) throw new Fault('bad-argument', 'Say which pictures: facelatch train DATA --out FOLDER');
  const given = Object.fromEntries(Object.entries(options).filter(([name]) => command.getOptionValueSource(name) === 'cli'));
  const all: TrainOptions = { ...options, ...before?.options, ...given };
  return { data: resolve(place), options: stepped(all, before !== undefined) };
}

/** `steps` as whole epochs. A resumed run keeps the length of its epochs. */
function stepped(options: TrainOptions, resumed: boolean): TrainOptions {
  const { steps, ...rest } = options;
  if (steps === undefined) return rest;
  const batchesPerEpoch = resumed ? rest.batchesPerEpoch : Math.min(rest.batchesPerEpoch, steps);
  if (steps % batchesPerEpoch !== 0)
    throw new Fault('bad-argument', `--steps takes whole epochs of ${batchesPerEpoch} steps (--batches-per-epoch), not ${steps}`);
  return { ...rest, batchesPerEpoch, epochs: steps / batchesPerEpoch };
}

async function run({ data, options }: Settled, stop: AbortSignal): Promise<number> {
  const { out = '.', resume = false, json = false } = options;
  const whole = recipeOf(data, out, options, options.checkpointEvery, resume);
  const all = await readDataset(whole.data);
  requireEnoughPeople(all, whole.split);
  const parts = splitDataset(all, whole.split);
  const found = options.crop ? await findFaces(picturesOf(all), configOf({}).config, stop) : undefined;
  if (found) sayWithoutFace(found, json);
  const recipe = found ? { ...whole, faces: found.faces } : whole;
  const split = found ? facesOnly(parts, found.faces) : parts;
  if (options.preview !== undefined) {
    await writePreview(options.preview, recipe, split.train);
    return exitCodes.yes;
  }
  if (!resume && existsSync(join(recipe.out, checkpointName)))
    throw new Fault('bad-argument', `${out} already holds a trained network: go on with it (--resume), or give another --out`);
  makeOutFolder(recipe.out);
  if (!resume) requireSpace(recipe.out, recipe.network);
  sayParts(split, json);
  const { out: _out, resume: _resume, json: _json, ...kept } = options;
  // Only once it runs: settings that a resumed run refuses must not replace its own.
  const started = () => writeSettings(recipe.out, { data, options: kept } satisfies Settled);
  const result = await watched(recipe, json, started, stop);
  return result.finished ? await finish(result, split.test, options, recipe.faces, json) : sayStopped(result, out, json);
}

function sayWithoutFace({ faces, withoutFace }: FacesFound, json: boolean): void {
  if (json) write(JSON.stringify({ kind: 'faces', found: faces.size, withoutFace }));
  else if (withoutFace.length > 0)
    tell([`${counted(withoutFace.length, 'picture')} without a face, left out:`, ...withoutFace.map((path) => `  ${path}`)].join('\n'));
}

function sayParts(split: Split, json: boolean): void {
  const parts = [split.train, split.validation, split.test].map((part) => ({
    part: part.name,
    people: part.subjects.length,
    pictures: picturesOf(part).length,
    alone: part.subjects.filter((subject) => picturesOf({ name: '', subjects: [subject] }).length === 1).length,
  }));
  if (json) {
    write(JSON.stringify({ kind: 'split', parts }));
    return;
  }
  tell(
    parts
      .map(({ part, people, pictures }) => `${part}: ${counted(people, 'person', 'people')}, ${counted(pictures, 'picture')}`)
      .join(' · '),
  );
  const alone = parts.reduce((sum, each) => sum + each.alone, 0);
  if (alone > 0) tell(`${counted(alone, 'person has', 'people have')} one picture in their part: they serve as strangers only`);
}

/** Trains in its thread. Stopped, the run saves a checkpoint and ends early. */
async function watched(recipe: TrainingRecipe, json: boolean, started: () => void, stop: AbortSignal): Promise<RunResult> {
  const bar = openTrainingBar();
  const show = (progress: TrainingProgress) => {
    if (progress.kind === 'started') started();
    if (json) write(JSON.stringify(progress));
    else if (progress.kind === 'started')
      bar.say(`${progress.step > 0 ? `goes on after step ${progress.step}` : 'starts'} on ${progress.engine}`);
    else if (progress.kind === 'step') bar.update({ label: 'training', ...progress, done: progress.step, total: progress.steps });
    else if (progress.kind === 'epoch') bar.say(epochText(progress, recipe.epochs));
  };
  const job = startTraining(recipe, show);
  const cancel = () => {
    if (!json) bar.say('stopping: the state is being saved');
    job.cancel();
  };
  stop.addEventListener('abort', cancel, { once: true });
  if (stop.aborted) cancel();
  try {
    return await job.result;
  } finally {
    stop.removeEventListener('abort', cancel);
    bar.stop();
  }
}

function sayStopped({ steps, checkpoint }: RunResult, out: string, json: boolean): number {
  const goOn = `facelatch train --out ${out} --resume`;
  if (json) write(JSON.stringify({ kind: 'stopped', step: steps, checkpoint, goOn }));
  else tell(`stopped after step ${steps}, saved in ${checkpoint}\ngo on with: ${goOn}`);
  return exitCodes.stopped;
}

async function finish(
  result: RunResult,
  test: Part,
  { testPairs, seed, threads }: TrainOptions,
  faces: FaceCrops | undefined,
  json: boolean,
): Promise<number> {
  const model = await readTrainedModel(result.checkpoint);
  const figures = await measureModel(model, test, { pairs: testPairs, seed, threads, ...(faces && { faces }) });
  const loss = result.epochs.at(-1)?.loss ?? null;
  if (json) {
    write(JSON.stringify({ kind: 'done', steps: result.steps, loss, people: test.subjects.length, test: figures, model: model.path }));
    return exitCodes.yes;
  }
  const pairs = figures[0]?.pairs ?? 0;
  write(
    [
      `trained for ${counted(result.steps, 'step')}; loss in the last epoch ${loss?.toPrecision(3)}`,
      `test part: ${counted(pairs, 'pair')} of ${counted(test.subjects.length, 'person', 'people')}; none of these pictures was trained on`,
      confusionTable(figures),
      `the network is in ${model.path}; the losses are beside it: history.csv, and loss.svg as a curve`,
    ].join('\n'),
  );
  return exitCodes.yes;
}
