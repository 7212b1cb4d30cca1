/** Who the ids in the journal are: people by name where names can be read, else by id. */
import { Fault } from '../../base/errors.ts';
import type { Gallery } from '../../identity/port.ts';
import { isPseudonym } from '../../journal/pseudonyms.ts';
import type { Config } from '../../settings/load.ts';
import { tell } from '../context.ts';
import { openPeople } from '../people/opened.ts';

/** Who the journal's ids are; `lost` where that cannot be read. */
export type Names = Pick<Gallery, 'find' | 'list' | 'refresh'> & Disposable & { readonly lost?: true };

/**
 * Opens the names of the journal's people. `withoutToo`: where the gallery cannot be read, people are shown by their
 * ids.
 */
export function openNames(config: Config, withoutToo: boolean): Names {
  try {
    const { gallery, ...people } = openPeople(config);
    return {
      find: gallery.find,
      list: gallery.list,
      refresh: gallery.refresh,
      [Symbol.dispose]: people[Symbol.dispose],
    };
  } catch (error) {
    if (!(error instanceof Fault && withoutToo)) throw error;
    tell(`facelatch: people are shown by id. ${error.message}`);
    return { lost: true, find: () => undefined, list: () => [], refresh: () => false, [Symbol.dispose]: () => undefined };
  }
}

/** While the people cannot be read (a lock, a full disk), they are shown as they were last read. */
export function refresh(names: Names): void {
  try {
    names.refresh();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    tell(`facelatch: people are shown as they were last read. ${error.message}`);
  }
}

export function nameIn(names: Names): (id: string) => string {
  return (id) => names.find(id)?.name ?? (names.lost ? id : isPseudonym(id) ? 'removed person' : `someone removed (${id})`);
}
