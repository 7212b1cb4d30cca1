/** A person named on the command line: a name or id in, the enrolled person or a fault with the nearest names out. */

import { Fault } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import type { Gallery, Person } from '../identity/port.ts';

/** @throws Fault `not-found`. */
export function findPerson(gallery: Pick<Gallery, 'find' | 'list'>, idOrName: string): Person {
  const person = gallery.find(idOrName);
  if (person) return person;
  const names = gallery.list().map(({ name }) => name);
  const text = idOrName.trim().toLowerCase();
  const containing = text.length < 2 ? [] : names.filter((name) => name.toLowerCase().includes(text));
  const hint = containing.length > 0 ? `; did you mean ${containing.slice(0, 5).join(', ')}?` : nearest(idOrName, names);
  throw new Fault('not-found', `Nobody is enrolled as "${idOrName}"${hint || '; "facelatch people" lists everyone'}`);
}
