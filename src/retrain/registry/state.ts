/** What the parts of the registry share: its store, the rows of its networks and their folders. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Expected } from '../bundle.ts';
import { type BundleFiles, sealedFiles } from '../held/sealed-bundle.ts';
import type { RetrainStore } from '../store.ts';
import { type BundleEntry, bundleEntry, type registrySql } from './rows.ts';

export interface RegistryOptions {
  readonly store: RetrainStore;
  /** Where the bundles are. */
  readonly folder: string;
  readonly expected: Expected;
}

export interface RegistryState extends RegistryOptions {
  readonly sql: ReturnType<typeof registrySql>;
}

export const isDestroyed = ({ vault }: RetrainStore, id: string): boolean =>
  vault.destroyed().some(({ owner }) => owner !== 'door' && 'model' in owner && owner.model === id);

export function entry({ store, sql }: RegistryState, id: string | null): BundleEntry | undefined {
  const found = id === null ? undefined : sql.byId.get(id);
  return found && bundleEntry(store, found);
}

export const folderOf = ({ folder }: RegistryState, id: string): string => join(folder, id);
export const bundleOf = (state: RegistryState, id: string): BundleFiles => sealedFiles(state.store.vault, folderOf(state, id));
export const removeFolder = (state: RegistryState, id: string): void => rmSync(folderOf(state, id), { recursive: true, force: true });
