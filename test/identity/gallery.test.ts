/** The gallery's contract, held by the fake and by SQLite. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openGallery } from '../../src/identity/sqlite.ts';
import { testGallery } from '../contracts/gallery.ts';
import { emptyShelf, memoryGallery } from '../fakes/gallery.ts';
import { memoryVault } from '../fakes/vault.ts';

const folder = mkdtempSync(join(tmpdir(), 'facelatch-gallery-'));
afterAll(() => rmSync(folder, { recursive: true }));

testGallery('in memory', () => {
  const shelf = emptyShelf();
  return (options) => memoryGallery({ ...options, shelf });
});

testGallery('SQLite', () => {
  const file = join(folder, `${randomUUID()}.db`);
  const vault = memoryVault();
  return (options) => openGallery({ ...options, vault, file });
});
