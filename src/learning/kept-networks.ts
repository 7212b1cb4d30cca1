/**
 * Copies of the embedders that the people's templates were made with. An upgrade, or another `face.embedder`, takes an
 * embedder away while everybody's templates are still of it; the door then goes on with the copy until templates of the
 * new one are made. In: the state folder, and the folder that a package leaves (`before/`). Out: folders of embedders
 * that this door, or facelatch itself, put there. learning/open.ts uses it.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RowSeal } from '../base/data/row-seal.ts';
import { wasShipped } from '../base/shipped.ts';
import { clearUnfinished } from '../base/whole-file.ts';
import { writeKeptFolder } from '../retrain/kept-folder.ts';

export interface KeptNetworks {
  /** Keeps a copy of an embedder's folder, where there is none yet. Throws Faults `disk-full`, `registry-down`. */
  keep(folder: string): void;
  /** The folders that may be used, the newest first. */
  folders(): readonly string[];
  /** Removes every copy but that of this embedder's folder. */
  keepOnly(folder: string): void;
}

export interface KeptNetworksOptions {
  /** Where the copies are, in the state folder. */
  readonly folder: string;
  /** Where a package leaves the embedder of the version before. */
  readonly before: string;
  /**
   * The manifest holds thresholds and calibration, so a copy counts only with the door's seal: whoever can write files
   * here and does not have the door's secret cannot bring an embedder.
   */
  readonly seal: RowSeal;
}

const sealFile = 'seal';

export function keptNetworks({ folder, before, seal }: KeptNetworksOptions): KeptNetworks {
  clearUnfinished(folder);
  const done = new Set<string>();
  const placeOf = (files: Files): string => join(folder, idOf(files));
  return {
    keep: (from) => {
      if (done.has(from)) return;
      const files = filesOf(from);
      if (files && !existsSync(placeOf(files)))
        writeKeptFolder(placeOf(files), new Map([...files, [sealFile, seal.of(['embedder', idOf(files)])]]));
      done.add(from);
    },
    folders: () => [...copies(folder).filter((copy) => isSealed(copy, seal)), ...(wasLeftByPackage(before) ? [before] : [])],
    keepOnly: (from) => {
      const files = filesOf(from);
      const kept = files && placeOf(files);
      for (const copy of copies(folder)) if (copy !== kept) rmSync(copy, { recursive: true, force: true });
    },
  };
}

type Files = ReadonlyMap<string, Uint8Array>;

/** manifest.json and the files that it names; undefined where they are not there. */
function filesOf(folder: string): Files | undefined {
  try {
    const manifest = readFileSync(join(folder, 'manifest.json'));
    const { file, adapter } = JSON.parse(manifest.toString('utf8')) as { file?: unknown; adapter?: { file?: unknown } };
    const named = [file, adapter?.file].filter((name): name is string => typeof name === 'string' && /^[\w.-]{1,100}$/.test(name));
    return new Map<string, Uint8Array>([
      ['manifest.json', manifest],
      ...named.map((name) => [name, readFileSync(join(folder, name))] as const),
    ]);
  } catch {
    return undefined;
  }
}

const sha256Of = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex');
const idOf = (files: Files): string => sha256Of([...files].map(([name, bytes]) => `${sha256Of(bytes)} ${name}\n`).join(''));

function copies(folder: string): readonly string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  const found = readdirSync(folder).filter((name) => /^[0-9a-f]{64}$/.test(name));
  return found.map((name) => join(folder, name)).toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
}

function isSealed(copy: string, seal: RowSeal): boolean {
  const files = filesOf(copy);
  if (!files || !copy.endsWith(idOf(files))) return false;
  try {
    return seal.fits(['embedder', idOf(files)], readFileSync(join(copy, sealFile)));
  } catch {
    return false;
  }
}

/** Nobody sealed that one; it counts where facelatch has shipped it. */
function wasLeftByPackage(folder: string): boolean {
  const files = filesOf(folder);
  const [manifest, file] = [...(files?.values() ?? [])];
  return manifest !== undefined && file !== undefined && wasShipped({ manifest: sha256Of(manifest), file: sha256Of(file) });
}
