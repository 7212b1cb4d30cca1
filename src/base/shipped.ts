/**
 * The networks that this version ships, by their SHA-256. The folder of a network and what was read from it go in; a
 * folder of models/ that is another one than was shipped is refused, even if its manifest describes its file.
 */
import { realpathSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from './errors.ts';
import { version } from './version.ts';

interface Shipped {
  /** SHA-256 of manifest.json: it holds thresholds, the Siamese head and the calibration. */
  readonly manifest: string;
  /** SHA-256 of the file that it describes; of several, of their SHA-256s in order (`openLivenessNetworks`). */
  readonly file: string;
}

/** By the name of their folder in models/. test/base/shipped.test.ts compares them with models/. */
export const shippedNetworks: Readonly<Record<string, Shipped>> = {
  cohort: {
    manifest: 'a56dd9809513c9f36f46414b4e060ef1e11e32a258ae08d025ecc3887ac67004',
    file: '748b3ac731253d47493e06d4f7f2d7742f32bbc25378a14af9366da992116f71',
  },
  detector: {
    manifest: 'dc190ef39c0f1d7710b8ed37a0a1960013cc94d72d8504f33f0fad41438e7b73',
    file: '3e3c04a05013d0f46d3729598225a54f2e85f0e874c5f33bffb604a69569232b',
  },
  embedder: {
    manifest: 'bf9524a7f9f189b41d95678ce32793aca506159705b6adc5475331631f667a5a',
    file: '437b90d9d5affa7585564551a9b595b62e39e35c33bc8883f94b3a97ac6590eb',
  },
  liveness: {
    manifest: '94c33cbcb06c0339075a2d323edcad8010a3b34fbfb54cadc72a1d016c650f76',
    file: '60555e4df14eb1af8fcabdcfa1c0b336465d99a421a6d6afbdb3e7fb6a2bc04a',
  },
  'liveness/eye': {
    manifest: '5107a936aeae767d0950f775d260723af2df650d6cb970df1b829cb30ddb758a',
    file: '4daa100034482525a26c9afb9297c16580a531189e66e3d2b2ac7d32becfd593',
  },
};

/**
 * Embedders of versions before. A door whose people still have templates of one may look with it until templates of the
 * shipped one are made. A new embedder moves the entry of the old one here.
 */
const shippedBefore: readonly Shipped[] = [
  {
    manifest: '4114e16fef552d15044289089e66984404bd9a99dda461ef336c0276aab9332e',
    file: '1b61c187879877b1382a60285c4f17df794d8473cf8ee05c0fc7635400cae7c4',
  },
];

/** Whether facelatch ships this embedder, or did so in a version before. */
export const wasShipped = (found: Shipped): boolean =>
  [...shippedBefore, shippedNetworks.embedder].some((one) => one?.manifest === found.manifest && one.file === found.file);

const models = fileURLToPath(new URL('../../models', import.meta.url));

/**
 * @throws Fault `model-damaged` if `folder` goes by the name of a shipped network and is another one. `within`: where
 * the shipped folders are.
 */
export function requireAsShipped(folder: string, found: Shipped, within = models): void {
  const name = shippedName(folder, within);
  const shipped = name === undefined ? undefined : shippedNetworks[name];
  if (!shipped || (shipped.manifest === found.manifest && shipped.file === found.file)) return;
  const [what, is, should] =
    shipped.file === found.file
      ? ['manifest.json', found.manifest, shipped.manifest]
      : (['network file', found.file, shipped.file] as const);
  throw new Fault(
    'model-damaged',
    `${folder} is not the ${name} that facelatch ${version} ships: the SHA-256 of its ${what} is ${is}, not ${should}. Restore the folder. A network of your own goes into a folder of another name (face.detector, face.embedder, liveness.networks)`,
  );
}

/** Also where the path is a link to the folder, or the folder is a link to elsewhere. */
function shippedName(folder: string, within: string): string | undefined {
  const places = [resolve(folder), realOf(folder)];
  const names = places.flatMap((place) => [resolve(within), realOf(within)].map((models) => relative(models, place)));
  return names.find((name) => Object.hasOwn(shippedNetworks, name));
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
