/** A store of its own for each test of a file, empty, in a folder that is gone after the test. */
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { openRetrainStore, type RetrainStore } from '../../src/retrain/store.ts';
import { temporaryFolder } from '../cli/facelatch.ts';

/** What it gives is that of the test that runs. */
export function freshStore(): { readonly store: RetrainStore; readonly file: string } {
  const open = () => {
    const folder = temporaryFolder();
    const file = join(folder.path, 'retrain.sqlite');
    return { folder, file, store: openRetrainStore(file) };
  };
  let opened: ReturnType<typeof open>;
  beforeEach(() => {
    opened = open();
  });
  afterEach(() => {
    opened.store[Symbol.dispose]();
    opened.folder[Symbol.dispose]();
  });
  return {
    get store() {
      return opened.store;
    },
    get file() {
      return opened.file;
    },
  };
}
