/** Networks on disk: a folder in; whether it is whole, and what its manifest says of it, out. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { modelFolder, root } from '../adapters/basics.ts';
import { Fault, messageOf } from '../base/errors.ts';
import { shippedNetworks } from '../base/shipped.ts';
import { openDetectorNetwork } from '../face/manifest/detector.ts';
import { openEmbedderNetwork } from '../face/manifest/embedder.ts';
import type { EmbedderInfo } from '../face/port.ts';
import { openEyeNetwork, openLivenessNetworks } from '../liveness/manifest.ts';
import { openCohort } from '../recipes/cohort.ts';
import type { Config } from '../settings/load.ts';
import { licenceWords, ownNetworks } from './own/own-networks.ts';
import { guardingEmbedder } from './parts.ts';

export interface NetworkState {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  readonly kind: string;
  readonly licence: string;
  /** `whole`: the file is the one its manifest describes, and a shipped network is the one that was shipped. */
  readonly state: 'whole' | 'damaged' | 'missing' | 'unfit';
  /** What is wrong, for people. */
  readonly problem?: string;
  /** Which setting names it. */
  readonly usedAs: readonly ('face.detector' | 'face.embedder' | 'liveness.networks')[];
}

/** The embedder that guards the door, from its manifest alone: commands that only look at people start no network. */
export function embedderOf(config: Config): EmbedderInfo {
  return openEmbedderNetwork(guardingEmbedder(config)).info;
}

type Naming = Pick<Config, 'face' | 'liveness' | 'state'>;

/** Every network in models/, those that were taken in here, and those that the configuration names elsewhere. */
export const networks = (config: Naming): NetworkState[] => placesOf(config).map(({ folder, usedAs }) => stateOf(folder, usedAs));

function placesOf({ face, liveness, state }: Naming): Pick<NetworkState, 'folder' | 'usedAs'>[] {
  const used = {
    'face.detector': modelFolder(face.detector),
    'face.embedder': modelFolder(face.embedder),
    'liveness.networks': modelFolder(liveness.networks),
  };
  const installed = readdirSync(join(root, 'models'), { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() || entry.name === 'catalogue' ? [] : [entry.name],
  );
  // One that was shipped and is gone is named, too.
  const shipped = [...new Set([...installed, ...Object.keys(shippedNetworks)])].map((name) => join(root, 'models', name));
  const settings = Object.keys(used) as (keyof typeof used)[];
  return [...new Set([...shipped.toSorted(), ...ownNetworks({ state }), ...Object.values(used)])].map((folder) => ({
    folder,
    usedAs: settings.filter((setting) => used[setting] === folder),
  }));
}

/** The highest version among the whole networks of the same name, the one in use included. Reads only later ones. */
export function newestVersion({ name, version }: Pick<EmbedderInfo, 'name' | 'version'>, config: Naming): string {
  const order = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true });
  const versions = placesOf(config).flatMap(({ folder, usedAs }) => {
    const { name: stated, version: found = '' } = statedIn(folder);
    return stated === name && order(found, version) > 0 && stateOf(folder, usedAs).state === 'whole' ? [found] : [];
  });
  return versions.toSorted(order).at(-1) ?? version;
}

function stateOf(folder: string, usedAs: NetworkState['usedAs']): NetworkState {
  const { name = basename(folder), version = '', kind = shippedAs(folder), licence = 'none stated' } = statedIn(folder);
  const whole = { folder, name, version, kind, licence, usedAs, state: 'whole' } as const;
  try {
    if (kind === 'face-detector' || (kind === '' && usedAs.includes('face.detector'))) openDetectorNetwork(folder);
    else if (kind === 'liveness' || (kind === '' && usedAs.includes('liveness.networks'))) openLivenessNetworks(folder);
    else if (kind === 'eye-state') openEyeNetwork(folder);
    else if (kind === 'face-embedder' || kind === '') openEmbedderNetwork(folder);
    else if (kind === 'cohort') openCohort(folder);
    else return { ...whole, state: 'unfit', problem: `its kind "${kind}" is unknown here` };
    return whole;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const state = ({ 'model-damaged': 'damaged', 'model-missing': 'missing' } as const)[error.code as string] ?? 'unfit';
    return { ...whole, state, problem: messageOf(error) };
  }
}

/** The kind of a shipped network whose manifest cannot be read; else unknown. */
function shippedAs(folder: string): string {
  const kinds: Readonly<Record<string, string>> = {
    ...{ cohort: 'cohort', detector: 'face-detector', embedder: 'face-embedder' },
    ...{ liveness: 'liveness', 'liveness/eye': 'eye-state' },
  };
  return kinds[relative(join(root, 'models'), folder)] ?? '';
}

/** The name and version of a network, and its licence, from its manifest alone; for people. */
export function introduced(folder: string): string {
  const { name = basename(folder), version = '', sha256 = '', licence } = statedIn(folder);
  return `${name} ${version} (${licenceWords(sha256, licence)})`;
}

/** The manifest, unchecked; empty where it cannot be read (the network's state says why). */
function manifestOf(folder: string): Json {
  try {
    const json: unknown = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    return isRecord(json) ? json : {};
  } catch {
    return {};
  }
}

/** The manifest's texts. */
function statedIn(folder: string): Partial<Record<string, string>> {
  return Object.fromEntries(Object.entries(manifestOf(folder)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/**
 * What an embedder's manifest states as measured on a set, by kind of score; empty where it states nothing. Accuracy
 * and standard error are percent.
 */
export function statedFigures({ face }: Config, set: string): Readonly<Record<string, StatedFigures>> {
  const { measured } = manifestOf(modelFolder(face.embedder));
  const figures = isRecord(measured) ? measured[set] : undefined;
  const good = (value: unknown): value is StatedFigures => isRecord(value) && typeof value.accuracy === 'number';
  return isRecord(figures)
    ? Object.fromEntries(Object.entries(figures).filter((entry): entry is [string, StatedFigures] => good(entry[1])))
    : {};
}

export interface StatedFigures {
  readonly accuracy: number;
  readonly se?: number;
}

type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null;
