/** The clips of a folder: `<set>/<instrument>/<clip>/<frame>` goes in, their frames in order come out. */
import { readdirSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { Fault, messageOf } from '../../base/errors.ts';
import { shownPath } from '../../base/path.ts';

export interface ClipFiles {
  /** `live`, or what the attack was made with: `print`, `phone` … */
  readonly instrument: string;
  readonly name: string;
  /** Paths, in natural order of their names. */
  readonly frames: readonly string[];
}

export interface ClipSet {
  readonly name: string;
  readonly clips: readonly ClipFiles[];
}

const layout = '<set>/<instrument>/<clip>/<frame>.jpg';
const pictures = ['.jpg', '.jpeg', '.png', '.webp', '.bmp'];
const { compare } = new Intl.Collator('en', { numeric: true });

/**
 * The sets in `folder`, or the one that it is itself (it holds `live`).
 * @throws Fault `bad-argument` where it holds neither, or a set has no living faces or no attacks.
 */
export function clipSetsIn(folder: string): readonly ClipSet[] {
  const root = resolve(folder);
  const isSet = subfolders(root).includes('live');
  const sets = isSet
    ? [{ name: basename(root), clips: clipsIn(root) }]
    : subfolders(root).map((name) => ({ name, clips: clipsIn(join(root, name)) }));
  const found = sets.filter(({ clips }) => clips.length > 0);
  if (found.length === 0)
    throw new Fault('bad-argument', `There are no clips in ${shownPath(folder)}: it must hold ${layout}, or be one set`);
  for (const { name, clips } of found) {
    const live = clips.filter(({ instrument }) => instrument === 'live').length;
    if (live === 0 || live === clips.length)
      throw new Fault(
        'bad-argument',
        `The set ${shownPath(name)} has no clips of ${live === 0 ? 'living faces (<set>/live/<clip>/<frame>.jpg)' : 'attacks (<set>/<instrument>/<clip>/<frame>.jpg)'}: figures need both`,
      );
  }
  return found;
}

function clipsIn(set: string): ClipFiles[] {
  return subfolders(set).flatMap((instrument) =>
    subfolders(join(set, instrument)).flatMap((name) => {
      const clip = join(set, instrument, name);
      const frames = names(clip, false).filter((file) => pictures.includes(extname(file).toLowerCase()));
      return frames.length > 0 ? [{ instrument, name, frames: frames.map((file) => join(clip, file)) }] : [];
    }),
  );
}

const subfolders = (folder: string) => names(folder, true);

function names(folder: string, folders: boolean): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => (folders ? entry.isDirectory() : !entry.isDirectory()) && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort(compare);
  } catch (error) {
    throw new Fault(
      'bad-argument',
      `The folder ${shownPath(folder)} cannot be read (${messageOf(error)}): --liveness takes a folder with ${layout}`,
      error,
    );
  }
}
