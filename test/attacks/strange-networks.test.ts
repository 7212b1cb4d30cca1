/** Somebody hands the owner a network: it may not bring other files, other code or another size than it states. */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { modelFolder } from '../../src/adapters/basics.ts';
import { encode, integerField, messageField, textField } from '../../src/base/model/protobuf.ts';
import { calibrateNetwork } from '../../src/learning/own/calibrate.ts';
import { isOwnNetwork, removeOwnNetwork } from '../../src/learning/own/own-networks.ts';
import { takeInNetwork } from '../../src/learning/own/take-in.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { writeColourNetwork } from '../fakes/colour-network.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'facelatch-strange-networks-'));
});
afterEach(() => rmSync(place, { recursive: true }));

const config = () => loadConfig({ flags: new Map<string, unknown>([['state.folder', join(place, 'state')]]) }).config;
const nothingTaken = () => expect(existsSync(join(place, 'state', 'own-networks'))).toBe(false);

/** A network that reads a weight from /etc/passwd, under a manifest that fits its bytes. */
function reachingOut(): string {
  const folder = writeColourNetwork(join(place, 'mine'));
  const file = join(folder, 'colours.onnx');
  appendFileSync(file, encode(messageField(7, messageField(5, textField(8, 'w'), integerField(14, 1)))));
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, sha256 }));
  return folder;
}

it('a network that takes data from another file is neither taken in nor calibrated', async () => {
  const folder = reachingOut();
  await expect(takeInNetwork(config(), folder)).rejects.toMatchObject({
    code: 'model-unfit',
    message: expect.stringMatching(/from another file/),
  });
  const people = join(place, 'people');
  mkdirSync(people);
  const options = { folders: [people], network: folder, detector: modelFolder('detector'), threads: 1, pictures: 5 };
  const calibrated = calibrateNetwork({ ...options, signal: AbortSignal.timeout(9000), onProgress: () => undefined });
  await expect(calibrated).rejects.toMatchObject({ code: 'model-unfit', message: expect.stringMatching(/from another file/) });
  nothingTaken();
});

it.each<[string, object]>([
  [
    'so large that each frame would take seconds',
    {
      head: {
        layers: [
          { weights: Array(3 * 4096).fill(0), bias: Array(4096).fill(0) },
          { weights: Array(4096).fill(0), bias: [0] },
        ],
      },
    },
  ],
  ['with numbers that are none as float32', { head: { layers: [{ weights: [1e300, 0, 0], bias: [0] }] } }],
])('a quality head %s is refused', async (_, quality) => {
  const folder = writeColourNetwork(join(place, 'mine'), { quality: { door: 0, enrolment: 0, ...quality } });
  await expect(takeInNetwork(config(), folder)).rejects.toMatchObject({
    code: 'model-unfit',
    message: expect.stringMatching(/quality\.head/),
  });
  nothingTaken();
});

it('a link in place of the folder of own networks leads nowhere: what it points at is not listed and not removed', () => {
  const elsewhere = join(place, 'elsewhere');
  writeColourNetwork(join(elsewhere, 'colours'));
  mkdirSync(join(place, 'state'));
  symlinkSync(elsewhere, join(place, 'state', 'own-networks'));
  expect(isOwnNetwork(config(), 'colours')).toBe(false);
  expect(() => removeOwnNetwork(config(), 'colours')).toThrow(/no network colours/);
  expect(existsSync(join(elsewhere, 'colours', 'manifest.json'))).toBe(true);
});
