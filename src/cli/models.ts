/** `facelatch models`: which networks are there, whether they are whole, and which ones the configuration uses; the layers of one that can be trained. */
import { Command } from 'commander';
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
} from './context.ts';
import { describeCommand } from './describe-network.ts';
import { type NetworkState, networks } from './networks.ts';
import { table } from './words.ts';

export function modelsCommand(_stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('models')
    .summary('the networks, and whether they are whole; the layers of one')
    .description(
      'List the networks in models/ and those that the configuration names elsewhere: name, version, whether the file is the one its manifest ' +
        'describes (SHA-256), licence, and what it is used as.',
    );
  withHelp(
    command,
    ['facelatch models', 'facelatch models --embedder ~/my-arcface', 'facelatch models describe paper'],
    'all are whole',
    'a network is damaged, missing or unfit',
  );
  command.enablePositionalOptions().addCommand(describeCommand(exit));
  return withNetworks(withCommon(command)).action((options: CommonOptions & NetworkOptions) => {
    const found = networks(configOf(options, networksOf(options)).config);
    print(options, { models: found }, () => listing(found));
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
