/** A process of its own that enrols 64 MiB of pictures for each name given after the file: made to be killed in the midst. Prints who was enrolled, or the fault and the size of the log left. */
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../../src/base/time.ts';
import { openGallery } from '../../src/identity/sqlite.ts';
import { face, smallEmbedder, smallPolicy } from '../contracts/gallery.ts';
import { vaultBeside } from '../fakes/vault.ts';

const [, , file = '', ...names] = process.argv;
const gallery = openGallery({
  vault: vaultBeside(join(dirname(dirname(file)), 'gallery')),
  file,
  embedder: smallEmbedder,
  policy: smallPolicy,
  clock: systemClock,
});
for (const name of names) {
  const pictures = Array.from({ length: 64 }, (_, i) => ({ picture: randomBytes(1 << 20), template: face(), source: `${i}` }));
  try {
    gallery.enrol({ name, pictures });
    console.log(`enrolled ${name}`);
  } catch (error) {
    console.log(error instanceof Error && 'code' in error ? error.code : error, statSync(`${file}-wal`).size);
  }
}
gallery[Symbol.dispose]();
