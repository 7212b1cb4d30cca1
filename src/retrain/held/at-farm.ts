/**
 * Jobs that were cancelled here while the farm could not be reached: it still has their pictures, encrypted for its
 * trainers. A job goes in; it is taken back as soon as the farm answers, after a restart too. job-runner.ts asks.
 */

import { Fault, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { Compile, Type } from '../../base/schema.ts';
import { type Farm, type RecipeName, recipeNames } from '../port.ts';
import type { RetrainStore } from '../store.ts';

interface FarmJob {
  readonly id: string;
  readonly recipe: RecipeName;
}

export interface AtFarm {
  /** Takes it back now, or later where the farm cannot be reached. */
  cancel(job: FarmJob): Promise<void>;
  /** Tries again what is owed. One try at a time. */
  tryAgain(): void;
}

const noteForm = Compile(Type.Object({ id: Type.String(), recipe: Type.Enum([...recipeNames]) }));
const prefix = 'cancel at the farm: ';

export function atFarm(store: RetrainStore, farm: Farm | undefined, log: Log): AtFarm {
  const sql = {
    note: store.db.prepare('INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)'),
    forget: store.db.prepare('DELETE FROM notes WHERE name = ?'),
    owed: store.db.prepare(`SELECT substr(name, ${prefix.length + 1}) AS id, value AS recipe FROM notes WHERE name LIKE '${prefix}%'`),
  };
  const owed = () => store.read(() => sql.owed.all().map((row) => store.row(noteForm, row)));
  const cancel = async ({ id, recipe }: FarmJob) => {
    // Noted first: the process may be killed while it waits for the farm.
    store.change(() => void sql.note.run(`${prefix}${id}`, recipe));
    try {
      await farm?.cancel({ id, recipe });
      store.change(() => void sql.forget.run(`${prefix}${id}`));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.warn({ job: id, err: messageOf(error) }, 'the farm keeps a cancelled job until it can be reached, or its time is over');
    }
  };
  let trying = false;
  return {
    cancel,
    tryAgain: () => {
      if (trying || !farm) return;
      trying = true;
      void Promise.all(owed().map(cancel))
        .catch((error) => log.warn({ err: messageOf(error) }, 'cancelled jobs cannot be taken back from the farm now'))
        .finally(() => {
          trying = false;
        });
    },
  };
}
