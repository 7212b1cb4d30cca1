/** Figures in the words that people read: rates, shares, counts; and tables. */
import type { FolderBeside } from '../vault/beside.ts';

/** `0.0001` → `1 in 10,000`. Rates below one in a thousand million are not told apart: nothing was measured there. */
export function oneIn(rate: number): string {
  if (rate > 0.1) return `${Math.round(rate * 100)} in 100`;
  if (rate < 1e-9) return 'less than 1 in 1,000,000,000';
  return `1 in ${Math.round(1 / rate).toLocaleString('en', { maximumSignificantDigits: 3 })}`;
}

/** `0.99912` → `99.91 %`; never rounded up to 100 % nor down to 0 %. */
export function percent(share: number): string {
  if (share > 0 && share < 0.00005) return '< 0.01 %';
  if (share < 1 && share > 0.99995) return '> 99.99 %';
  return `${(share * 100).toFixed(2)} %`;
}

/** `1 picture`, `2 pictures`, `1 person`, `2 people`. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

export const people = (n: number): string => counted(n, 'person', 'people');

/** Rows as aligned columns. Numbers are padded by the caller. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, [...cell].length);
  const pad = (cell: string, i: number) => cell + ' '.repeat((widths[i] ?? 0) - [...cell].length);
  return rows.map((row) => indent + row.map(pad).join('  ').trimEnd()).join('\n');
}

/** `42 s`, `12 min`, `3 h 05 min`. */
export function timeText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** What a restore left beside the state folder, and what to do about it. */
export const besideWords = ({ path, is }: FolderBeside): string =>
  is === 'aside'
    ? `${path} is what lay here before a restore, with its faces, its keys and whoever was removed since. Delete it once the door works: rm -r ${path}`
    : `${path} was left by a restore that was cut off, with the faces of the backup. Unless one is running, delete it: rm -r ${path}`;

/** What the search for a removed person found. `bytes`: how much was searched; `hits`: files with a piece of them. */
export function searchedText({ files, bytes, hits, unread = 0 }: Searched): string {
  const found = hits === 0 ? 'nothing of them is left' : `something of them is left in ${counted(hits, 'file')}`;
  const missed = unread === 0 ? '' : `; ${counted(unread, 'file')} could not be read`;
  return `${counted(files, 'file')} (${(bytes / 1e6).toFixed(1)} MB) searched, ${found}${missed}`;
}
interface Searched {
  readonly files: number;
  readonly bytes: number;
  readonly hits: number;
  readonly unread?: number;
}
