/**
 * `facelatch tune`: pictures of people and ranges of settings in; trials, the best setting as a command, and a plot
 * out.
 */
import { Command, Option } from 'commander';
import { Fault } from '../../base/errors.ts';
import { readDataset, splitDataset } from '../../train/data/dataset.ts';
import { requireEnoughPeople } from '../../train/data/enough-people.ts';
import { fingerprint, type TrainingRecipe } from '../../train/recipe.ts';
import { resultOf } from '../../train/thread.ts';
import { startTuning, type TuningProgress } from '../../train/tune/job.ts';
import { bestTrial, type Range, type Space, type TuningTrial } from '../../train/tune/tune.ts';
import { trainingSpace, tuneTraining } from '../../train/tune/tune-training.ts';
import { collected, exitCodes, isStopped, tell, wholeNumber, withHelp, write } from '../context.ts';
import { counted } from '../words.ts';
import { findSettings, makeOutFolder, writeSettings } from './training-folder.ts';
import { type RecipeOptions, recipeOf, withRecipe } from './training-options.ts';
import { openTrialsView, settingText } from './trials-view.ts';

interface TuneOptions extends RecipeOptions {
  readonly out: string;
  readonly trials: number;
  readonly search: 'bayes' | 'random';
  readonly only?: readonly string[];
  readonly range?: readonly string[];
  readonly json?: boolean;
}

/** The option of `facelatch train` for each tuned setting, and commander's names of it. */
const flags: Readonly<Record<string, { readonly flag: string; readonly options: readonly string[] }>> = {
  rate: { flag: '--learning-rate', options: ['learningRate', 'rate'] },
  momentum: { flag: '--momentum', options: ['momentum'] },
  l1: { flag: '--l1', options: ['l1'] },
  pairs: { flag: '--batch', options: ['batch'] },
  epochs: { flag: '--epochs', options: ['epochs'] },
  augment: { flag: '--augment', options: ['augment'] },
};

export function tuneCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const names = Object.keys(trainingSpace).join(', ');
  const command = new Command('tune')
    .summary('search for good training settings')
    .description(
      `Search for settings by Bayesian optimisation. Each trial trains a network, and its loss on the validation part counts; the test part is not looked at. ` +
        `Hopeless trials are stopped early. Trials are kept in --out: the same command again goes on where it stopped. Tuned by default: ${names}.`,
    )
    .argument('<data>', 'folder of pictures, as for facelatch train')
    .requiredOption('-o, --out <folder>', 'where trials.jsonl and trials.svg go')
    .option('-n, --trials <n>', 'number of trials in all, including those already in --out', wholeNumber('--trials', 1, 10_000), 30)
    .addOption(new Option('--search <kind>', 'Bayesian or random').choices(['bayes', 'random']).default('bayes'))
    .addOption(new Option('--only <setting>', `tune only this setting; may be given more than once: ${names}`).argParser(collected))
    .addOption(
      new Option(
        '--range <setting=from..to>',
        'another range for a setting, such as rate=1e-5..1e-3; may be given more than once',
      ).argParser(collected),
    )
    .option('--json', 'JSON lines on standard output: each trial, then the best');
  withHelp(
    withRecipe(command),
    [
      'facelatch tune people/ --out tuning --trials 30',
      'facelatch tune people/ --out try --size small --only rate --range epochs=1..3 --batches-per-epoch 10',
    ],
    'searched',
  );
  return command.action(async (data: string, options: TuneOptions) => {
    requireUntuned(spaceOf(options), (name) => command.getOptionValueSource(name) === 'cli');
    exit(await search(data, options, stop));
  });
}

/** An option for a setting that is tuned would be ignored. @throws Fault `bad-argument`. */
function requireUntuned(space: Space, isGiven: (option: string) => boolean): void {
  for (const name of Object.keys(space)) {
    const { flag = '', options = [] } = flags[name] ?? {};
    if (!options.some(isGiven)) continue;
    throw new Fault(
      'bad-argument',
      `${flag} is tuned here, so a fixed value would be ignored: give its range (--range ${name}=from..to), or leave it out of the search (--only ${others(name)})`,
    );
  }
}

const others = (name: string): string =>
  Object.keys(trainingSpace)
    .filter((other) => other !== name)
    .join(' --only ');

async function search(data: string, options: TuneOptions, stop: AbortSignal): Promise<number> {
  const { out, trials, json = false, seed } = options;
  const recipe = recipeOf(data, out, options, 0, false);
  const space = spaceOf(options);
  const all = await readDataset(recipe.data);
  requireEnoughPeople(all, recipe.split);
  splitDataset(all, recipe.split); // its faults should come before the first trial
  makeOutFolder(out);
  requireSameSearch(out, recipe, space);
  const run = { recipe, space, seed, search: options.search, out } as const;
  const view = openTrialsView({
    out,
    trials,
    json,
    names: Object.keys(space),
    before: await tuneTraining({ ...run, trials: 0, signal: stop }),
  });
  const show = (progress: TuningProgress) => (progress.kind === 'trial' ? view.trial(progress.trial) : view.progress(progress.progress));
  try {
    await resultOf(startTuning({ ...run, trials }, show), stop);
    stop.throwIfAborted();
  } catch (error) {
    if (!isStopped(error, stop)) throw error;
    view.stop();
    if (json) write(JSON.stringify({ kind: 'stopped', trials: view.trials.length }));
    else tell(`stopped; ${counted(view.trials.length, 'trial')} kept in ${out}: the same command again goes on from there`);
    return exitCodes.stopped;
  } finally {
    view.stop();
  }
  sayBest(view.trials, data, options);
  return exitCodes.yes;
}

function sayBest(trials: readonly TuningTrial[], data: string, { out, json, size, loss, optimiser, batchesPerEpoch }: TuneOptions): void {
  const best = bestTrial(trials);
  if (json) {
    write(JSON.stringify({ kind: 'done', trials: trials.length, best: best ?? null }));
    return;
  }
  if (!best) {
    write(`no trial of ${trials.length} gave a loss: try a lower range of rates, such as --range rate=1e-6..1e-4`);
    return;
  }
  const chosen = Object.entries({ size, loss, optimiser, 'batches-per-epoch': batchesPerEpoch }).map(
    ([name, value]) => `--${name} ${value}`,
  );
  const tuned = Object.entries(best.setting).map(([name, value]) => `${flags[name]?.flag} ${settingText(value)}`);
  write(
    `best of ${counted(trials.length, 'trial')}: number ${best.trial + 1}, validation loss ${best.value.toPrecision(4)} · plot: ${out}/trials.svg`,
  );
  write(`train with it: facelatch train ${data} --out NETWORK ${[...chosen, ...tuned].join(' ')}`);
}

/** The settings to search, with their ranges; a setting with --range is searched too. @throws Fault `bad-argument`. */
function spaceOf({ only, range = [] }: Pick<TuneOptions, 'only' | 'range'>): Space {
  const standard: Space = trainingSpace;
  const known = (name: string): Range => {
    const found = Object.hasOwn(standard, name) ? standard[name] : undefined;
    if (found) return found;
    throw new Fault('bad-argument', `${name} cannot be tuned: choose from ${Object.keys(standard).join(', ')}`);
  };
  const chosen: Space = only ? Object.fromEntries(only.map((name) => [name, known(name)])) : standard;
  const ends = range.map((text) => {
    const [, name = '', from = '', to = ''] = /^(\w+)=(.+?)\.\.(.+)$/.exec(text) ?? [];
    if (name === '' || !Number.isFinite(Number(from)) || !Number.isFinite(Number(to)))
      throw new Fault('bad-argument', `--range takes setting=from..to, such as rate=1e-5..1e-3, not "${text}"`);
    return [name, { ...known(name), from: Number(from), to: Number(to) }] as const;
  });
  return { ...chosen, ...Object.fromEntries(ends) };
}

/** Trials with other settings must not be mixed into one search. @throws Fault `bad-argument`. */
function requireSameSearch(out: string, recipe: TrainingRecipe, space: Space): void {
  const settings = { recipe: fingerprint(recipe), epochs: recipe.epochs, network: recipe.network, space };
  const before = findSettings(out);
  if (before === undefined) writeSettings(out, settings);
  else if (JSON.stringify(before) !== JSON.stringify(settings))
    throw new Fault(
      'bad-argument',
      `${out} holds a search (or a training run) with other settings: give another --out, or those settings again`,
    );
}
