/**
 * `facelatch trainer`: does training jobs of doors from a farm until stopped; makes the keys of a trainer; lists
 * trainers.
 */
import { hostname } from 'node:os';
import { Command, Option } from 'commander';
import { Fault } from '../../base/errors.ts';
import { newKey, publicKeyOf, thumbprint, writeNew } from '../../command/keys.ts';
import type { TrainerEvent } from '../../farm/trainer.ts';
import type { Recipe, Workshop } from '../../retrain/port.ts';
import type { Config } from '../../settings/load.ts';
import { type CommonOptions, configOf, exitCodes, print, tell, withCommon, withHelp, write } from '../context.ts';
import { openProgress, type ProgressBar } from '../progress.ts';
import { counted, table } from '../words.ts';
import { workshopAt } from '../workshop-module.ts';

type Exit = (code: number) => void;

interface TrainerOptions extends CommonOptions {
  readonly workshop?: string;
}

export function trainerCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('trainer')
    .summary('train for doors as a host of a farm; its keys')
    .description(
      'Do training jobs of the doors in trainer.doors from the farm (farm.url), one at a time, until stopped. Pictures come encrypted for this trainer ' +
        'and stay in its memory. The job of a stopped or killed trainer continues at another one from its last checkpoint. docs/learn/farm.md sets up a farm.',
    )
    .option('--workshop <module>', 'a module of your own that exports "workshopOf", with other recipes');
  withHelp(
    command,
    [
      'facelatch trainer key create > gpu-1.json            makes this host’s keys; doors need the card in gpu-1.json (farm.trainers)',
      'facelatch trainer --config trainer.json              works until Ctrl-C',
      'facelatch trainer --config trainer.json --json       the same, as JSON lines',
      'facelatch trainer list --config my-door.json         at the door: which of its trainers are running',
    ],
    'stopped by Ctrl-C or SIGTERM; the current job went back',
    '(trainer list) none is running',
  );
  return withCommon(command)
    .enablePositionalOptions()
    .addCommand(keyCommand(exit))
    .addCommand(listCommand(stop, exit))
    .action(async (options: TrainerOptions) => {
      await work(options, stop);
      exit(exitCodes.yes);
    });
}

async function work(options: TrainerOptions, stop: AbortSignal): Promise<void> {
  const { config } = configOf(options);
  const { trainerOptionsOf } = await import('../../learning/farm.ts');
  const { runTrainer } = await import('../../farm/trainer.ts');
  const settled = await trainerOptionsOf(config, () =>
    recipesIn(options.workshop, { others: config.retrain.others, device: config.trainer.device }),
  );
  const view = options.json ? undefined : openView();
  try {
    await runTrainer({ ...settled, signal: stop, tell: view ? view.tell : (event) => write(JSON.stringify(event)) });
  } finally {
    view?.close();
  }
}

/** The recipes of this facelatch, or of the module that is named. */
async function recipesIn(
  module: string | undefined,
  options: { readonly others: string; readonly device: Config['trainer']['device'] },
): Promise<readonly Recipe[]> {
  const place = module === undefined ? new URL('../../learning/workshop.ts', import.meta.url) : workshopAt(module);
  const { workshopOf } = (await import(place.href)) as { workshopOf?: (given: typeof options) => Workshop };
  const recipes = Object.values(workshopOf?.(options).recipes ?? {});
  if (recipes.length > 0) return recipes;
  throw new Fault('bad-argument', `${place.pathname} exports no "workshopOf" that gives recipes: --workshop takes a module that does`);
}

/** Lines for people on standard output, and a bar with the progress of the job below them. */
function openView(): { readonly tell: (event: TrainerEvent) => void; close(): void } {
  let bar: ProgressBar | undefined;
  let stage = '';
  const say = (line: string) => write(`${new Date().toLocaleTimeString('en-GB')} ${line}`);
  const down = () => {
    bar?.stop();
    bar = undefined;
    stage = '';
  };
  return {
    close: down,
    tell: (event) => {
      if (event.kind === 'progress') {
        const { progress } = event;
        if (progress.stage !== stage) {
          down();
          stage = progress.stage;
          bar = openProgress(progress.stage, progress.total, 'steps');
        }
        bar?.update(progress.done);
        return;
      }
      // The bar shows already that the job goes on.
      if (event.kind === 'checkpoint') return;
      down();
      say(lineOf(event));
    },
  };
}

function lineOf(event: Exclude<TrainerEvent, { readonly kind: 'progress' | 'checkpoint' }>): string {
  switch (event.kind) {
    case 'ready':
      return `waits for jobs at ${event.redis}; Ctrl-C stops it and gives the current job back`;
    case 'redis-lost':
      return 'Redis is gone: the work goes on, and the connection is tried again';
    case 'redis-back':
      return 'Redis is back';
    case 'trouble':
      return event.why;
    case 'taken':
      return `takes ${event.recipe} for ${event.door}${event.from ? `; continues from the checkpoint of turn ${event.from.token}` : ''}`;
    case 'done':
      return `${event.recipe} for ${event.door} is done: ${event.seconds.toFixed(0)} s of training; the door has the result`;
    case 'gave-back':
      return `gives ${event.recipe} for ${event.door} back, with its checkpoint`;
    case 'lost':
      return `lets go of ${event.recipe} for ${event.door}: ${event.why}`;
    case 'failed':
      return `${event.recipe} for ${event.door} failed${event.final ? '' : ' and is tried again'}: ${event.why}`;
    case 'not-ours':
      return `a job of ${event.door} is not encrypted for this trainer: name this trainer's card there (farm.trainers)`;
  }
}

function keyCommand(exit: Exit): Command {
  const command = new Command('key').description("a trainer's keys");
  withHelp(command, ['facelatch trainer key create > gpu-1.json'], 'done');
  return command.addCommand(createCommand(exit));
}

function createCommand(exit: Exit): Command {
  const command = new Command('create')
    .description(
      'make the keys of this host as a trainer (Ed25519 to sign results, X25519 to read jobs). The keys stay in the file; its card, which holds no secret, is printed for the doors',
    )
    .option('-o, --out <file>', 'the file of the private keys (trainer.keyFile); an existing one is not overwritten', 'trainer-key.json')
    .addOption(
      new Option('--name <name>', 'the name of this trainer, for doors').default(
        hostname().replaceAll(/[^A-Za-z0-9_.-]/g, '-'),
        'the name of this host',
      ),
    )
    .option('--json', 'the card alone on standard output (it is JSON in either case)');
  withHelp(
    command,
    ['facelatch trainer key create > gpu-1.json', 'facelatch trainer key create --out keys/gpu-1-private.json --name gpu-1 > gpu-1.json'],
    'made',
  );
  return command.action(async ({ out, name }: { readonly out: string; readonly name: string }) => {
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name))
      throw new Fault('bad-argument', `"${name}" cannot name a trainer: give 1 to 64 of A–Z a–z 0–9 _ . -`);
    const [sign, encrypt] = [await newKey('Ed25519'), await newKey('X25519')];
    writeNew(out, { sign, encrypt });
    const card = { trainer: name, sign: publicKeyOf(sign, 'Ed25519'), encrypt: publicKeyOf(encrypt, 'X25519') };
    tell(
      `the private keys are in ${out}; trainer ${name}, key ${await thumbprint(sign)}: each door that may use it needs the card (farm.trainers)`,
    );
    print({ json: true }, card, () => '');
    exit(exitCodes.yes);
  });
}

function listCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('list').description('at a door: which of its trainers are running, and what they can do');
  withHelp(command, ['facelatch trainer list --config my-door.json --json'], 'at least one is running', 'none is running');
  return withCommon(command).action(async (options: CommonOptions) => {
    const { config } = configOf(options);
    if (config.farm.url === '') throw new Fault('bad-config', 'farm.url is empty: this door has no farm (docs/learn/farm.md)');
    const { rollOf } = await import('../../learning/farm.ts');
    const roll = await rollOf(config, stop);
    const trainers = roll.map(({ card, present }) => ({ name: card.name, there: present !== undefined, ...present }));
    print(options, { trainers }, () =>
      table([
        ['trainer', 'is', 'device', 'recipes', 'facelatch'],
        ...roll.map(({ card, present }) => [
          card.name,
          present ? (present.busy ? `at ${present.busy}` : 'waiting') : 'not running',
          present?.device ?? '',
          present?.recipes.join(', ') ?? '',
          present?.engine ?? '',
        ]),
      ]),
    );
    const there = trainers.filter((trainer) => trainer.there).length;
    if (there === 0) tell(`none of ${counted(roll.length, 'trainer')} is running: start one with "facelatch trainer" on its host`);
    exit(there > 0 ? exitCodes.yes : exitCodes.no);
  });
}
