/**
 * The networks on disk for whoever asks from afar: a thread of its own checks them, and again only when one of their
 * files is another one. The house owns it; it ends with that.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../adapters/basics.ts';
import { sideThread } from '../base/side-thread.ts';
import type { Config } from '../settings/load.ts';
import type { NetworkState } from './networks.ts';
import { ownNetworks } from './own/own-networks.ts';

export interface NetworkList extends AsyncDisposable {
  /** Undefined where they cannot be checked now. */
  list(): Promise<readonly NetworkState[] | undefined>;
}

export function networkList({ face, liveness, state }: Pick<Config, 'face' | 'liveness' | 'state'>): NetworkList {
  const thread = sideThread<Pick<Config, 'face' | 'liveness' | 'state'>, readonly NetworkState[]>({
    module: new URL('./worker.ts', import.meta.url),
    ...{ mostWaiting: 1, patienceMs: 30_000, heapMb: 96 },
  });
  let known: { readonly as: string; readonly found: readonly NetworkState[] } | undefined;
  let checking: Promise<readonly NetworkState[] | undefined> | undefined;
  const check = async () => {
    const as = await filesOf(known?.found ?? [], { state });
    if (known?.as === as) return known.found;
    const found = await thread.ask({ face, liveness, state });
    // It is needed seldom, and holds much memory.
    await thread[Symbol.asyncDispose]();
    if (found) known = { as: await filesOf(found, { state }), found };
    return found;
  };
  return {
    list: () => {
      checking ??= check().finally(() => {
        checking = undefined;
      });
      return checking;
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}

/** Which files there are, and whether each is still the same. */
async function filesOf(found: readonly NetworkState[], config: Pick<Config, 'state'>): Promise<string> {
  const models = join(root, 'models');
  const folders = new Set([
    ...(await namesIn(models)).map((name) => join(models, name)),
    ...ownNetworks(config),
    ...found.map(({ folder }) => folder),
  ]);
  const files = await Promise.all([...folders].map(async (folder) => (await namesIn(folder)).map((name) => join(folder, name))));
  return (await Promise.all(files.flat().toSorted().map(identityOf))).join('\n');
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

async function identityOf(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => undefined);
  return found ? `${file} ${found.ino} ${found.size} ${found.mtimeNs}` : `${file} gone`;
}
