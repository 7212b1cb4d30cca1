/** A configuration in, the consents of its state folder, and whether enrolment needs them, out. */
import { join } from 'node:path';
import { type Clock, systemClock } from '../base/time.ts';
import { openConsents } from '../identity/consent/book.ts';
import type { ConsentBook } from '../identity/port.ts';
import type { Config } from '../settings/load.ts';
import type { Vault } from '../vault/port.ts';
import { stateFolder } from './basics.ts';

/**
 * For the roster. The file is opened for each piece of work: consents are given seldom, and nobody who is to be removed
 * waits for a file that cannot be opened.
 */
export function consentRules(
  config: Config,
  vault: Vault,
  clock: Pick<Clock, 'wall'> = systemClock,
): { readonly book: ConsentBook; readonly required: boolean } {
  const file = join(stateFolder(config), 'consent.sqlite');
  const book: ConsentBook = (work) => {
    using consents = openConsents({ file, vault, clock });
    return work(consents);
  };
  return { book, required: config.privacy.consent === 'required' };
}
