/** A process of its own that opens a gallery when it is told to, and ends: made to be killed in the midst of sealing an old one. */
import { systemClock } from '../../src/base/time.ts';
import { openGallery } from '../../src/identity/sqlite.ts';
import { smallEmbedder, smallPolicy } from '../contracts/gallery.ts';
import { vaultBeside } from '../fakes/vault.ts';

const [, , file = ''] = process.argv;
process.once('message', () => {
  openGallery({ file, vault: vaultBeside(file), embedder: smallEmbedder, policy: smallPolicy, clock: systemClock })[Symbol.dispose]();
  process.exit(0);
});
process.send?.('ready');
