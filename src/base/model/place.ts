/**
 * Where a network lies: a folder, or files that were opened into memory because they lie sealed. What goes in is the
 * name of a file; its bytes come out.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface OpenedFolder {
  /** Where the files lie sealed: for messages only. */
  readonly folder: string;
  /** By name. Whoever opens the network may clear it afterwards. */
  readonly files: Map<string, Uint8Array>;
}

export type NetworkPlace = string | OpenedFolder;

export const placeName = (place: NetworkPlace): string => (typeof place === 'string' ? place : place.folder);

/** Every file, by name. */
export function filesAt(place: NetworkPlace): ReadonlyMap<string, Uint8Array> {
  if (typeof place !== 'string') return place.files;
  const names = readdirSync(place, { withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(names.map(({ name }) => [name, readFileSync(join(place, name))]));
}

/** Undefined where there is no such file, or the place is no folder. */
export function fileIn(place: NetworkPlace, name: string): Uint8Array | undefined {
  if (typeof place !== 'string') return place.files.get(name);
  const file = join(place, name);
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() && statSync(file, { throwIfNoEntry: false })
    ? readFileSync(file)
    : undefined;
}
