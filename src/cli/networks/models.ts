/** `facelatch models`: the networks, whether they are whole, and which ones the configuration uses. */
import { Command } from 'commander';
import { Fault } from '../../base/errors.ts';
import { type NetworkState, networks } from '../../learning/networks.ts';
import { trainedNetworks } from '../../learning/parts.ts';
import {
  type CommonOptions,
  configOf,
  exitCodes,
  type NetworkOptions,
  networksOf,
  print,
  withCommon,
  withHelp,
  withNetworks,
} from '../context.ts';
import { table } from '../words.ts';
import { describeCommand } from './describe-network.ts';
import { calibrateCommand } from './models-calibrate.ts';
import { catalogueCommand, fetchCommand } from './models-catalogue.ts';
import { cohortCommand } from './models-cohort.ts';
import { trainedCommands, trainedTable } from './trained-models.ts';
import { verifyNetworksCommand } from './verify-networks.ts';

export function modelsCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('models')
    .summary('list networks; fetch, calibrate and add others; promote a trained one')
    .description(
      'List the networks in models/, those that were added here, and those that the configuration names elsewhere: name, version, licence, what each is used as, and whether ' +
        'its file is the one that its manifest describes (SHA-256). Networks trained for this door follow, with their state.',
    );
  withHelp(
    command,
    [
      'facelatch models',
      'facelatch models --embedder ~/my-arcface',
      'facelatch models describe paper',
      'facelatch models verify',
      'facelatch models catalogue',
      'facelatch models promote 3fa9c01d',
      'facelatch models rollback',
    ],
    'all are whole',
    'a network is damaged, missing or unfit',
  );
  command.enablePositionalOptions().addCommand(describeCommand(exit)).addCommand(listCommand(exit), { isDefault: true });
  command.addCommand(catalogueCommand(exit)).addCommand(fetchCommand(stop, exit)).addCommand(calibrateCommand(stop, exit));
  command.addCommand(cohortCommand(stop, exit)).addCommand(verifyNetworksCommand(exit));
  for (const each of trainedCommands(stop, exit)) command.addCommand(each);
  return command;
}

function listCommand(exit: (code: number) => void): Command {
  const command = new Command('list').description('every network, and what was trained for this door (the default of `facelatch models`)');
  withHelp(command, ['facelatch models list', 'facelatch models --json'], 'all are whole', 'a network is damaged, missing or unfit');
  return withNetworks(withCommon(command))
    .allowExcessArguments()
    .action((options: CommonOptions & NetworkOptions) => {
      const [slip] = command.args;
      if (slip !== undefined)
        throw new Fault('bad-argument', `There is no "facelatch models ${slip}": "facelatch models --help" lists its commands`);
      const { config } = configOf(options, networksOf(options));
      const found = networks(config);
      const trained = trainedNetworks(config);
      print(options, { models: found, trained }, () => `${listing(found)}${trainedTable(trained)}`);
      exit(found.every(({ state }) => state === 'whole') ? exitCodes.yes : exitCodes.no);
    });
}

function listing(found: readonly NetworkState[]): string {
  const head = ['name', 'version', 'kind', 'state', 'used as', 'licence', 'folder'];
  const rows = found.map(({ name, version, kind, state, usedAs, licence, folder }) => [
    name,
    version || '–',
    kind || '–',
    state,
    usedAs.join(', ') || '–',
    licence,
    folder,
  ]);
  const problems = found.flatMap(({ problem }) => (problem ? [problem] : []));
  return [table([head, ...rows]), ...problems].join('\n');
}
