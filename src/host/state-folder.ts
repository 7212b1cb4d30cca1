/**
 * Who may get at the state folder: the folder goes in, what is wrong with its modes comes out, with the remedy. Whoever
 * writes there puts faces and operators of their own in place; whoever reads there has everybody's faces.
 */
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { shownPath } from '../base/path.ts';

const byOthers = { write: 0o022, read: 0o055, enter: 0o011 } as const;

export interface StateModes {
  /** The door must not begin like this. */
  readonly writable?: string;
  readonly readable?: string;
}

/** Both absent where only its owner gets at it. What is directly in a folder that others can enter counts too. */
export function stateModes(folder: string): StateModes {
  const [own] = modesOf([folder], statSync);
  if (!own) return {};
  const isEntered = (own.mode & byOthers.enter) !== 0;
  const inside = isEntered ? modesOf(readdirSync(folder).map((name) => join(folder, name))) : [];
  const writable = [own, ...inside].find(({ mode }) => (mode & byOthers.write) !== 0);
  const remedy = (path: string) => `chmod ${path === folder ? '700' : 'go-rwx'} ${shownPath(path)}`;
  return {
    ...(writable && {
      writable: `${shownPath(writable.path)} may be written by other users of this machine, who could enrol themselves: see that nothing was changed, then ${remedy(writable.path)}`,
    }),
    ...((own.mode & byOthers.read) !== 0 && {
      readable: `${shownPath(folder)} can be entered by other users of this machine, and it holds faces: ${remedy(folder)}`,
    }),
  };
}

/** Without links, whose mode says nothing, and without what has just gone. */
function modesOf(paths: readonly string[], look: typeof lstatSync = lstatSync): { readonly path: string; readonly mode: number }[] {
  return paths.flatMap((path) => {
    const found = look(path, { throwIfNoEntry: false });
    return found && !found.isSymbolicLink() ? [{ path, mode: found.mode }] : [];
  });
}
