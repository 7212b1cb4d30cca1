/**
 * Networks of others that were taken in at this door: each is a folder in the state folder, beside what was trained
 * here. A checked network goes in; a setting that names its folder puts it to use.
 */
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { modelFolder, root, statePlace } from '../../adapters/basics.ts';
import { Fault } from '../../base/errors.ts';
import { readCatalogue } from '../../catalogue/entries.ts';
import type { CatalogueEntry } from '../../catalogue/port.ts';
import type { EmbedderInfo } from '../../face/port.ts';
import type { Config } from '../../settings/load.ts';

export const catalogue = (): readonly CatalogueEntry[] => readCatalogue(join(root, 'models', 'catalogue'));

type Kept = Pick<Config, 'state' | 'face' | 'liveness'>;

export const keptFolder = (config: Pick<Config, 'state'>): string => join(statePlace(config), 'own-networks');

/** The folders of the networks that were taken in. */
export function ownNetworks(config: Pick<Config, 'state'>): readonly string[] {
  const folder = keptFolder(config);
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && nameFits.test(entry.name))
    .map((entry) => join(folder, entry.name))
    .toSorted();
}

/** The names of folders here; none is hidden, and none leads out of the folder. */
export const nameFits = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** What an embedder's manifest does not have, and what that means for a door. */
export function lacksOf({
  calibration,
  quality,
  seesCovers,
}: Pick<EmbedderInfo, 'calibration' | 'quality' | 'seesCovers'>): readonly string[] {
  return [
    ...(calibration ? [] : ['its manifest has no calibration: identity.policy "target-fmr" cannot be used with it']),
    ...(calibration && !calibration.wild
      ? [
          'its calibration has no strict table (calibration.wild): people at one door resemble each other more than those it was measured on',
        ]
      : []),
    ...(quality ? [] : ['its manifest has no quality: faces of which too little can be told are compared and enrolled']),
    ...(seesCovers ? [] : ['its manifest has no cover: faces behind masks and sunglasses are enrolled']),
  ];
}

/** Under which licence a network may be used, and whether it is one of the catalogue; for people. */
export function licenceWords(sha256: string, stated: string | undefined): string {
  const entry = catalogue().find(({ file }) => file.sha256 === sha256.toLowerCase());
  if (!entry) return stated ?? 'no licence stated';
  return `${entry.licence}, ${entry.name} of the catalogue${entry.commercial ? '' : ', not for a business'}`;
}

/** @throws Fault `not-found`; `model-refused` where a setting names it. */
export function removeOwnNetwork(config: Kept, name: string): void {
  const folder = join(keptFolder(config), name);
  if (!isOwnNetwork(config, name)) throw new Fault('not-found', `There is no network ${name} in ${keptFolder(config)}`);
  const settings = {
    'face.embedder': config.face.embedder,
    'face.detector': config.face.detector,
    'liveness.networks': config.liveness.networks,
  };
  const used = Object.entries(settings).find(([, network]) => modelFolder(network) === folder);
  if (used) throw new Fault('model-refused', `This network guards the door: set ${used[0]} to another one first`);
  rmSync(folder, { recursive: true });
}

export const isOwnNetwork = (config: Pick<Config, 'state'>, name: string): boolean =>
  ownNetworks(config).some((folder) => basename(folder) === name);
