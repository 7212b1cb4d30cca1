/** The shipped networks are those of models/; one that was swapped, with its manifest, is refused under its name. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { requireAsShipped, shippedNetworks } from '../../src/base/shipped.ts';

const models = new URL('../../models', import.meta.url).pathname;
/** The catalogue lists networks of others; nothing in it runs. */
const shipped = [...readdirSync(models).filter((name) => name !== 'catalogue'), 'liveness/eye'];
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function foundIn(folder: string) {
  const manifest = readFileSync(join(folder, 'manifest.json'));
  const { file, networks } = JSON.parse(manifest.toString('utf8')) as { file: string; networks?: readonly { file: string }[] };
  const hashOf = (name: string) => sha256(readFileSync(join(folder, name)));
  // Of several files: of their hashes.
  return {
    manifest: sha256(manifest),
    file: networks ? sha256(Buffer.from(networks.map((one) => hashOf(one.file)).join(' '))) : hashOf(file),
  };
}

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'facelatch-shipped-'));
});
afterEach(() => rmSync(place, { recursive: true }));

/** Another network under the name of the shipped one, its manifest adjusted. */
function swapped(name: string): string {
  const folder = join(place, name);
  cpSync(join(models, 'detector'), folder, { recursive: true });
  writeFileSync(join(folder, 'eye.onnx'), 'x', { flag: 'a' });
  return folder;
}
const refusal = (name: string) => new RegExp(`is not the ${name} that facelatch .* ships: the SHA-256 of its .* Restore the folder`);

it('the table is that of models/ (after a change of a network, put the new hashes into src/base/shipped.ts)', () => {
  expect(Object.fromEntries(shipped.map((name) => [name, foundIn(join(models, name))]))).toEqual(shippedNetworks);
});

it('the shipped ones are taken, and any network under another name', () => {
  for (const name of shipped) requireAsShipped(join(models, name), foundIn(join(models, name)));
  requireAsShipped(join(place, 'my-detector'), foundIn(swapped('my-detector')), place);
});

it('a swapped file is refused under the shipped name, by whatever path it is reached', () => {
  const folder = swapped('detector');
  const found = foundIn(folder);
  expect(() => requireAsShipped(folder, found, place)).toThrow(refusal('detector'));
  expect(() => requireAsShipped(join(place, '.', 'other', '..', 'detector', ''), found, place)).toThrow(refusal('detector'));
  mkdirSync(join(place, 'links'));
  symlinkSync(folder, join(place, 'links', 'mine'));
  expect(() => requireAsShipped(join(place, 'links', 'mine'), found, place)).toThrow(refusal('detector'));
  // The folder itself is a link to elsewhere.
  renameSync(folder, join(place, 'links', 'away'));
  symlinkSync(join(place, 'links', 'away'), folder);
  expect(() => requireAsShipped(folder, found, place)).toThrow(refusal('detector'));
});

it('a manifest alone is refused, too: it holds the threshold table', () => {
  const { file } = shippedNetworks.embedder as { file: string };
  expect(() => requireAsShipped(join(models, 'embedder'), { file, manifest: 'f'.repeat(64) })).toThrow(
    /SHA-256 of its manifest\.json is ffff.*not 4?/,
  );
});
