/** `facelatch retrain`: the door learns from its people. A running daemon does the training, else this command does. */
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { stateFolder } from '../../adapters/basics.ts';
import { vaultOf } from '../../adapters/vault.ts';
import { Fault } from '../../base/errors.ts';
import { openLog } from '../../base/log.ts';
import { systemClock } from '../../base/time.ts';
import { lockState } from '../../host/lock.ts';
import { farmOf, runnerOf, storeFile } from '../../learning/parts.ts';
import { openCommandPromotion } from '../../learning/promotion.ts';
import { endStates, type JobRequest, jobsIn } from '../../retrain/jobs.ts';
import { type JobPlace, type JobStatus, jobPlaces, type RecipeName, recipeNames } from '../../retrain/port.ts';
import { openRetrainStore } from '../../retrain/store.ts';
import type { Config } from '../../settings/load.ts';
import { type CommonOptions, checkState, configOf, exitCodes, print, tell, wholeNumber, withCommon, withHelp } from '../context.ts';
import { openProgress, type ProgressBar } from '../progress.ts';
import { workshopAt } from '../workshop-module.ts';
import { jobText } from './job-words.ts';

interface StartOptions extends CommonOptions {
  readonly recipe?: RecipeName;
  readonly where?: JobPlace;
  readonly workshop?: string;
  readonly seed?: number;
}

type Exit = (code: number) => void;

export function retrainCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('retrain')
    .summary('learn from the people of this door; the result is used only if it is better')
    .description(
      'Learn from the enrolled people and from entries confirmed or marked in the journal. The new network is measured against the one in use, on pictures that neither has seen, ' +
        'and guards the door only if it is better; "facelatch models rollback" goes back at once.',
    );
  withHelp(
    command,
    ['facelatch retrain', 'facelatch retrain start --where farm', 'facelatch retrain status', 'facelatch retrain cancel'],
    'promoted (or a running daemon was asked)',
    '(start) refused, cancelled or failed',
  );
  return command.addCommand(startCommand(stop, exit), { isDefault: true }).addCommand(statusCommand(exit)).addCommand(cancelCommand(exit));
}

function startCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('start')
    .description('start (the default of `facelatch retrain`)')
    .addOption(new Option('--recipe <recipe>', 'which recipe (retrain.recipe)').choices(recipeNames))
    .addOption(new Option('--where <where>', 'at this door or at the farm (retrain.where)').choices(jobPlaces))
    .option('--seed <n>', 'seed of all chance, to repeat a training', wholeNumber('--seed', 0, 2 ** 31 - 1))
    .option('--workshop <module>', 'your own module that exports "workshopOf", with other recipes (not with a running daemon)');
  withHelp(
    command,
    ['facelatch retrain start', 'facelatch retrain start --recipe adapt --where door'],
    'promoted, or asked',
    'refused, cancelled or failed',
  );
  return withCommon(command)
    .allowExcessArguments()
    .action(async (options: StartOptions) => {
      const [slip] = command.args;
      if (slip !== undefined)
        throw new Fault('bad-argument', `There is no "facelatch retrain ${slip}": choose from start, status and cancel`);
      const { config } = configOf(options);
      checkState(config);
      const { recipe = config.retrain.recipe, where = config.retrain.where, seed } = options;
      const workshop = options.workshop === undefined ? undefined : fileURLToPath(workshopAt(options.workshop));
      const lock = lockWhereFree(config);
      if (!lock) {
        if (workshop !== undefined)
          throw new Fault('bad-argument', 'A daemon is running, and it does the training: stop it, or leave out --workshop');
        using vault = vaultOf(config);
        using store = openRetrainStore(storeFile(config), vault);
        const job = jobsIn({ store, clock: systemClock }).start({ recipe, where, by: 'cli', seed });
        print(
          options,
          { job },
          () => `The running daemon does the training (${recipe}, ${where}): "facelatch retrain status" shows its progress`,
        );
        return exit(exitCodes.yes);
      }
      using _ = lock;
      const job = await learnHere(config, { recipe, where, seed, workshop }, stop);
      print(options, { job }, () => jobText(job));
      exit(job.state === 'promoted' ? exitCodes.yes : exitCodes.no);
    });
}

/** The state folder's lock; undefined where a daemon holds it. */
function lockWhereFree(config: Config): Disposable | undefined {
  try {
    return lockState(stateFolder(config));
  } catch (error) {
    if (error instanceof Fault && error.code === 'state-locked') return undefined;
    throw error;
  }
}

/** From the request to its end, in this process. An interrupted job goes on first. */
async function learnHere(
  config: Config,
  { recipe, where, seed, workshop }: Omit<JobRequest, 'by'> & { readonly workshop: string | undefined },
  stop: AbortSignal,
): Promise<JobStatus> {
  const log = openLog('silent');
  await using room = await openCommandPromotion(config, { workshop, signal: stop });
  const { retraining, samples, process, record, promotion } = room;
  const bar = stages();
  const runner = runnerOf(config, {
    ...{ retraining, samples, process, record, log },
    farm: await farmOf(config, log),
    promote: (id, by, comparison) => promotion.promote(id, by, { comparison }),
    onStatus: bar.show,
    onLine: (_job, line) => tell(line),
  });
  const jobs = jobsIn({ store: retraining.store, clock: systemClock });
  const before = jobs.status();
  if (before && !endStates.includes(before.state))
    tell(`facelatch: an interrupted training goes on (${before.recipe}, since ${before.startedAt})`);
  else jobs.start({ recipe, where, by: 'cli', seed });
  try {
    await runner.runOne(stop);
  } finally {
    bar.end();
  }
  stop.throwIfAborted();
  return jobs.status() as JobStatus;
}

/** One bar for each stage. */
function stages() {
  let stage = '';
  let bar: ProgressBar | undefined;
  return {
    show: ({ progress }: JobStatus) => {
      if (!progress) return;
      if (progress.stage !== stage) {
        bar?.stop();
        bar = openProgress(progress.stage, progress.total, 'steps');
        stage = progress.stage;
      }
      bar?.update(progress.done);
    },
    end: () => bar?.stop(),
  };
}

function statusCommand(exit: Exit): Command {
  const command = new Command('status').description('the current training, or the last one');
  withHelp(command, ['facelatch retrain status', 'facelatch retrain status --json'], 'shown');
  return withCommon(command).action((options: CommonOptions) => {
    const { config } = configOf(options);
    checkState(config);
    using vault = vaultOf(config);
    using store = openRetrainStore(storeFile(config), vault);
    const job = jobsIn({ store, clock: systemClock }).status();
    print(options, { job: job ?? null }, () =>
      job ? jobText(job) : 'Nothing has been trained at this door yet: "facelatch retrain" starts',
    );
    exit(exitCodes.yes);
  });
}

function cancelCommand(exit: Exit): Command {
  const command = new Command('cancel').description('cancel the current training; nothing of it is used');
  withHelp(command, ['facelatch retrain cancel'], 'cancelled', 'there was none');
  return withCommon(command).action((options: CommonOptions) => {
    const { config } = configOf(options);
    checkState(config);
    using vault = vaultOf(config);
    using store = openRetrainStore(storeFile(config), vault);
    const cancelled = jobsIn({ store, clock: systemClock }).cancel('cli');
    print(options, { cancelled }, () => (cancelled ? 'The training is cancelled' : 'No training is running'));
    exit(cancelled ? exitCodes.yes : exitCodes.no);
  });
}
