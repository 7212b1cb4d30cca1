/** A module of somebody's own that says what learns: its name on the command line in, where it lies out. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Fault } from '../base/errors.ts';

/** Throws Fault `bad-argument` where there is no such file. */
export function workshopAt(text: string): URL {
  const place = text.startsWith('file:') ? new URL(text) : pathToFileURL(resolve(text));
  if (!existsSync(place)) throw new Fault('bad-argument', `There is no ${text}: --workshop takes a module`);
  return place;
}
