/**
 * Pictures by id, the SHA-256 of their bytes (hexadecimal): the beginning of an id goes in, the id or a Fault comes
 * out; and the digest of many.
 */
import { createHash } from 'node:crypto';
import { Fault, type FaultCode } from '../base/errors.ts';
import type { Person } from './port.ts';

export const pictureId = (picture: Uint8Array): string => createHash('sha256').update(picture).digest('hex');

export const isOf = (picture: Uint8Array, id: string): boolean => pictureId(picture) === id;

/** As `sha256sum PICTURE… | cut -d' ' -f1 | sort | sha256sum` prints it. */
export const pictureDigest = (ids: readonly string[]): string =>
  createHash('sha256')
    .update(
      ids
        .toSorted()
        .map((id) => `${id}\n`)
        .join(''),
    )
    .digest('hex');

/** The SHA-256 of the picture meant. Throws Faults `not-found`, `bad-argument` (see `forgetPicture`). */
export function pictureToForget(person: Person, pictures: readonly { readonly id: string }[], beginning: string): string {
  const [found, ...more] = beginning === '' ? [] : pictures.filter(({ id }) => id.startsWith(beginning.toLowerCase()));
  const no = (code: FaultCode, text: (who: string) => string) => new Fault(code, text(person.name), undefined, text('this person'));
  if (!found)
    throw no('not-found', (who) => `There is no picture ${beginning} of ${who}: "facelatch people show ${person.id}" lists them by id.`);
  if (more.length > 0)
    throw no('not-found', (who) => `${more.length + 1} pictures of ${who} begin with ${beginning}: give more of the id.`);
  if (pictures.length === 1)
    throw no('bad-argument', (who) => `It is the only picture of ${who}: add another one first, or remove the person.`);
  return found.id;
}
