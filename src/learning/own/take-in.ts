/**
 * Takes a network in: a folder with a manifest, or the name of one in the catalogue, in; a folder in the state folder,
 * checked and run once, out. A network from elsewhere runs only after its bytes are known to be the catalogue's.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { stateFolder } from '../../adapters/basics.ts';
import { Fault } from '../../base/errors.ts';
import { clearUnfinished, writeWholeFolder } from '../../base/whole-file.ts';
import { fetchPackage } from '../../catalogue/npm.ts';
import type { CatalogueEntry, CatalogueFile } from '../../catalogue/port.ts';
import { fileInPackage, hasIntegrity } from '../../catalogue/tarball.ts';
import { openDetector } from '../../face/detect.ts';
import { openEmbedder } from '../../face/embed.ts';
import { openDetectorNetwork } from '../../face/manifest/detector.ts';
import { openEmbedderNetwork } from '../../face/manifest/embedder.ts';
import { openLivenessNetworks } from '../../liveness/manifest.ts';
import { openPassive } from '../../liveness/passive.ts';
import type { Config } from '../../settings/load.ts';
import { catalogue, keptFolder, lacksOf, nameFits } from './own-networks.ts';

export interface TakenIn {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  readonly kind: CatalogueEntry['kind'];
  /** What it does not have, and what that means. */
  readonly lacks: readonly string[];
}

/**
 * Takes in a network from a folder with a manifest: read, run once on an empty picture, then copied whole.
 * @throws Fault `model-…`, `bad-argument` where there is one of this name.
 */
export async function takeInNetwork(config: Config, from: string): Promise<TakenIn> {
  const folder = resolve(from);
  const checked = await checkNetwork(folder);
  const name = checked.name;
  if (!nameFits.test(name))
    throw new Fault(
      'model-unfit',
      `The name "${name}" in ${join(folder, 'manifest.json')} cannot be a folder: use letters, digits, ".", "_" and "-"`,
    );
  const to = placeFor(config, name);
  for (const file of checked.files.keys())
    if (basename(file) !== file || file === 'manifest.json')
      throw new Fault('model-unfit', `${join(folder, 'manifest.json')} names the file ${file}: it must lie in the folder itself`);
  clearUnfinished(join(stateFolder(config), 'own-networks'));
  writeWholeFolder(to, new Map<string, Uint8Array>([['manifest.json', readFileSync(join(folder, 'manifest.json'))], ...checked.files]));
  return { folder: to, name, version: checked.version, kind: checked.kind, lacks: checked.lacks };
}

/** Where a network of this name goes. */
function placeFor(config: Config, name: string): string {
  const to = join(keptFolder(config), name);
  if (lstatSync(to, { throwIfNoEntry: false }))
    throw new Fault('bad-argument', `There is a network ${name} already (${to}): remove it first with "facelatch models remove ${name}"`);
  return to;
}

interface CheckedNetwork extends Omit<TakenIn, 'folder'> {
  /** As they were checked, by their names. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** The network of a folder, opened and run once. @throws Fault `model-…`. */
async function checkNetwork(folder: string): Promise<CheckedNetwork> {
  const kind = kindIn(folder);
  if (kind === 'liveness') return await checkLiveness(folder);
  if (kind === 'face-detector') {
    const network = openDetectorNetwork(folder);
    const detector = await openDetector(network, { threads: 1 });
    await detector.detect({ width: 64, height: 64, rgb: new Uint8Array(3 * 64 * 64) });
    return { name: network.name, version: network.version, kind, files: new Map([[manifestOf(folder).file, network.bytes]]), lacks: [] };
  }
  const network = openEmbedderNetwork(folder);
  if (network.adapter)
    throw new Fault(
      'model-unfit',
      `${folder} has an adapter that was learned at a door: a trained network is added as a bundle, with its bundle.json`,
    );
  await openEmbedder(network, { threads: 1 });
  const files = new Map([[manifestOf(folder).file, network.bytes]]);
  return { name: network.name, version: network.version, kind, files, lacks: lacksOf(network.info) };
}

/** What an opened network has shown to be in its manifest. */
const manifestOf = (folder: string): { readonly file: string } => JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));

async function checkLiveness(folder: string): Promise<CheckedNetwork> {
  const opened = openLivenessNetworks(folder);
  await openPassive(opened, 1);
  const { name, version } = opened.info;
  const files = new Map(opened.networks.map(({ file, bytes }) => [file, bytes]));
  const lacks = opened.output.kind === 'logit' && opened.output.features ? [] : [noFeatures];
  return { name, version, kind: 'liveness', files, lacks };
}

const noFeatures = "its networks give no features: the door cannot compare a visit with the person's own visits before";

function kindIn(folder: string): CatalogueEntry['kind'] {
  try {
    const { kind } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { kind?: unknown };
    return kind === 'face-detector' || kind === 'liveness' ? kind : 'face-embedder';
  } catch {
    // Opening it says what is wrong.
    return 'face-embedder';
  }
}

export interface FetchNetworkOptions {
  /** A file instead of the registry: the package's tarball, or the network itself. */
  readonly from?: string;
  /** In place of the shipped catalogue. */
  readonly entries?: readonly CatalogueEntry[];
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** Brings a network of the catalogue. It is run only after its bytes are known to be the catalogue's. */
export async function fetchNetwork(config: Config, name: string, options: FetchNetworkOptions): Promise<TakenIn> {
  const entries = options.entries ?? catalogue();
  const entry = entries.find((each) => each.name === name);
  if (!entry)
    throw new Fault(
      'not-found',
      `There is no ${name} in the catalogue (${entries.map((each) => each.name).join(', ')}): "facelatch models catalogue" lists it. A network from elsewhere is added with "facelatch models add"`,
    );
  placeFor(config, name);
  const files = await filesOf(entry, options);
  const place = mkdtempSync(join(tmpdir(), 'facelatch-network-'));
  try {
    const folder = join(place, name);
    mkdirSync(folder);
    for (const [file, bytes] of files) writeFileSync(join(folder, file), bytes);
    writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifestOfEntry(entry))}\n`);
    return await takeInNetwork(config, folder);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function filesOf(entry: CatalogueEntry, options: FetchNetworkOptions): Promise<ReadonlyMap<string, Uint8Array>> {
  const { name, file, others = [] } = entry;
  if (options.from !== undefined && (others.length > 0 || isFolder(options.from))) {
    const folder = options.from;
    const found = [file, ...others].map((each) => [each.name, fromFolder(name, each, folder)] as const);
    return new Map(found);
  }
  const bytes = options.from === undefined ? await fromRegistry(entry, options) : await fromFile(entry, options.from);
  requireNetwork(name, file, bytes);
  return new Map([[file.name, bytes]]);
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

function fromFolder(name: string, file: CatalogueFile, folder: string): Uint8Array {
  const path = join(folder, file.name);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile()) throw new Fault('not-found', `There is no file ${path}: --from names the folder that holds the files of ${name}`);
  const bytes = found.size <= file.bytes ? readFileSync(path) : new Uint8Array(0);
  requireNetwork(name, file, bytes);
  return bytes;
}

function manifestOfEntry({ name, kind, file, others = [], licence, source, manifest }: CatalogueEntry) {
  if (kind === 'liveness') {
    const files = [file, ...others];
    const networks = Array.isArray(manifest.networks) ? manifest.networks : [];
    return {
      schema: 1,
      ...manifest,
      networks: networks.map((of, at) => ({ ...of, ...fileFields(files[at]) })),
      kind,
      name,
      licence,
      source,
    };
  }
  return { schema: 1, ...manifest, kind, name, file: file.name, sha256: file.sha256, bytes: file.bytes, licence, source };
}

const fileFields = (file: CatalogueFile | undefined) => file && { file: file.name, sha256: file.sha256, bytes: file.bytes };

async function fromRegistry(entry: CatalogueEntry, options: FetchNetworkOptions): Promise<Uint8Array> {
  if (!entry.package)
    throw new Fault(
      'bad-argument',
      entry.others
        ? `${entry.name} is in no package: get the files ${[entry.file, ...entry.others].map((file) => file.name).join(' and ')} (${entry.source}), and name the folder that holds them with --from FOLDER`
        : `${entry.name} is in no package: get the file ${entry.file.name} (${entry.source}), and give it with --from FILE. Its SHA-256 must be ${entry.file.sha256}`,
    );
  return await fileInPackage(await fetchPackage(entry.package, options), entry.package, entry.file.bytes);
}

async function fromFile(entry: CatalogueEntry, path: string): Promise<Uint8Array> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile()) throw new Fault('not-found', `There is no file ${path} (--from)`);
  const most = Math.max(entry.file.bytes, entry.package?.bytes ?? 0);
  const bytes = found.size <= most ? readFileSync(path) : undefined;
  if (bytes && entry.package && hasIntegrity(bytes, entry.package)) return await fileInPackage(bytes, entry.package, entry.file.bytes);
  if (bytes && bytes.length === entry.file.bytes) return bytes;
  throw new Fault(
    'model-damaged',
    `${path} is neither ${entry.file.name} of ${entry.name} (${entry.file.bytes} bytes, SHA-256 ${entry.file.sha256})${entry.package ? ` nor the package ${entry.package.name}@${entry.package.version} (${entry.package.integrity})` : ''}: nothing of it is kept`,
  );
}

/** @throws Fault `model-damaged`. */
function requireNetwork(name: string, file: CatalogueFile, bytes: Uint8Array): void {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 === file.sha256 && bytes.length === file.bytes) return;
  throw new Fault(
    'model-damaged',
    `The file ${file.name} of ${name} is not the one that the catalogue knows: its SHA-256 is ${sha256}, not ${file.sha256}. Nothing of it is kept`,
  );
}
