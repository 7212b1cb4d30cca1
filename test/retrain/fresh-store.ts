/** A store of its own for each test of a file, empty, in a folder that is gone after the test. */
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { openRetrainStore, type RetrainStore } from '../../src/retrain/store.ts';
import type { Vault } from '../../src/vault/port.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { memoryVault } from '../fakes/vault.ts';

/** What it gives is that of the test that runs. */
export function freshStore(): { readonly store: RetrainStore; readonly file: string; readonly vault: Vault } {
  const open = () => {
    const folder = temporaryFolder();
    const vault = memoryVault();
    const file = join(folder.path, 'retrain.sqlite');
    return { folder, file, store: openRetrainStore(file, vault), vault };
  };
  let opened: ReturnType<typeof open>;
  beforeEach(() => {
    opened = open();
  });
  afterEach(() => {
    opened.store[Symbol.dispose]();
    opened.vault[Symbol.dispose]();
    opened.folder[Symbol.dispose]();
  });
  return {
    get store() {
      return opened.store;
    },
    get vault() {
      return opened.vault;
    },
    get file() {
      return opened.file;
    },
  };
}
