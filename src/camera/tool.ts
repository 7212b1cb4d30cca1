/** Finds the programs that read cameras: a name goes in, its full path (from PATH) comes out. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Fault } from '../base/errors.ts';

/** The full path of an installed program, or undefined. */
export function findTool(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isProgram);
}

/**
 * The full path of an installed program. @throws Fault `tool-missing` that begins with `why` and names the Debian
 * package of the same name.
 */
export function needTool(name: string, why: string): string {
  const path = findTool(name);
  if (path === undefined) throw new Fault('tool-missing', `${why}, which is not installed: apt install ${name}`);
  return path;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
