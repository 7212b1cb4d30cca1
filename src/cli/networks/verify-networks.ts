/**
 * `facelatch models verify`: the shipped networks, those of the configuration, and those trained for this door go in;
 * whether each is what it should be comes out. A network that is damaged hides none of the others.
 */
import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import { vaultOf } from '../../adapters/vault.ts';
import { Fault } from '../../base/errors.ts';
import { type NetworkState, networks } from '../../learning/networks.ts';
import { openRetraining, trainedNetworks } from '../../learning/parts.ts';
import type { Config } from '../../settings/load.ts';
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

interface TrainedVerdict {
  readonly id: string;
  readonly ok: boolean;
  readonly signedBy?: string;
  readonly reason?: string;
  readonly detail?: string;
}

export function verifyNetworksCommand(exit: (code: number) => void): Command {
  const command = new Command('verify')
    .description(
      'whether the networks are what they should be: the shipped ones as this version ships them, the configured ones as their manifest says, ' +
        'the trained ones whole, signed by somebody trusted, for this door, and of its shape; none that takes data from another file',
    )
    .argument('[network...]', 'names of folders in models/, or ids of trained networks; all by default');
  withHelp(
    command,
    ['facelatch models verify', 'facelatch models verify embedder', 'facelatch models verify 3fa9c01d'],
    'all are',
    'one is not',
  );
  return withNetworks(withCommon(command)).action(async (names: readonly string[], options: CommonOptions & NetworkOptions) => {
    const { config } = configOf(options, networksOf(options));
    const installed = networks(config);
    const named = installed.filter(({ folder }) => names.some((name) => isCalled(folder, name)));
    const others = names.filter((name) => !installed.some(({ folder }) => isCalled(folder, name)));
    const models = names.length === 0 ? installed : named;
    const trained = names.length > 0 && others.length === 0 ? [] : await trainedVerdicts(config, others);
    print(options, { models, networks: trained }, () => verdictsText(models, trained));
    exit(models.every(({ state }) => state === 'whole') && trained.every(({ ok }) => ok) ? exitCodes.yes : exitCodes.no);
  });
}

const isCalled = (folder: string, name: string): boolean => basename(folder) === name || folder === resolve(name);

/** Of the trained networks that begin so; of all if `beginnings` is empty. Throws Fault `not-found`. */
async function trainedVerdicts(config: Config, beginnings: readonly string[]): Promise<readonly TrainedVerdict[]> {
  const trained = trainedNetworks(config);
  if (trained.length === 0 && beginnings.length === 0) return [];
  try {
    using vault = vaultOf(config);
    using retraining = await openRetraining(config, vault);
    const { registry } = retraining;
    const wanted = beginnings.length === 0 ? registry.list() : beginnings.map((beginning) => registry.find(beginning));
    const verdicts: TrainedVerdict[] = [];
    for (const { id } of wanted) {
      const verdict = await registry.verify(id);
      // What is only too old to be promoted is whole.
      const ok = verdict.ok || verdict.reason === 'old-version';
      verdicts.push({ id, ok, ...(verdict.ok ? { signedBy: verdict.signedBy } : { reason: verdict.reason, detail: verdict.detail }) });
    }
    return verdicts;
  } catch (error) {
    // They are compared with the configured embedder, which may itself be the damaged one.
    if (!(error instanceof Fault) || !['model-damaged', 'model-missing', 'model-unfit'].includes(error.code)) throw error;
    return trained.map(({ id }) => ({
      id,
      ok: false,
      reason: 'wrong-base',
      detail: 'the embedder it was trained from must be whole first',
    }));
  }
}

function verdictsText(models: readonly NetworkState[], trained: readonly TrainedVerdict[]): string {
  const rows = [
    ...models.map(({ folder, state, usedAs, problem }) => [
      basename(folder),
      state === 'whole' ? 'whole' : 'NOT TO BE USED',
      problem === undefined ? usedAs.join(', ') : `${state}: ${problem}`,
    ]),
    ...trained.map(({ id, ok, reason, detail }) => [
      id.slice(0, 12),
      ok ? 'whole' : 'NOT TO BE USED',
      reason === undefined ? 'trained for this door' : `${reason}: ${detail}`,
    ]),
  ];
  return table(rows);
}
