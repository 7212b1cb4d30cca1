/**
 * Which signed commands were used: an operator's key and a command's id go in, stored durably before anything is done; a second use is told apart
 * until the command has expired, also after a restart and after the clock went back.
 */
import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asFault, Fault, messageOf } from '../base/errors.ts';

export interface Use {
  readonly kid: string;
  readonly jti: string;
  /** Seconds since 1970. */
  readonly iatS: number;
  readonly expS: number;
  /** True for a command that must not come after one that was signed later: a hold that is delivered after its own release. */
  readonly inOrder: boolean;
}

export interface UsedCommands extends Disposable {
  /**
   * Notes the use, durably. `again`: it was used, or had expired so long ago that nobody can say any more; `overtaken`: a command that this operator
   * signed later was used already (only where `inOrder`); `full`: too many are kept.
   * @throws Fault `bad-config` or `disk-full` where it cannot be stored: then the command must not be carried out.
   */
  note(use: Use, nowS: number): 'first' | 'again' | 'overtaken' | 'full';
}

/** Commands kept at once, at most: an operator's key that floods the door fills no disk. */
const mostKept = 20_000;
/** An expired one is kept so much longer than clocks may differ, seconds. */
const keptS = 600;

// «FLUC»: tells our file from any other SQLite file.
const applicationId = 0x464c5543;
const tables = `
  CREATE TABLE used (kid TEXT NOT NULL, jti TEXT NOT NULL, exp INTEGER NOT NULL, PRIMARY KEY (kid, jti)) STRICT, WITHOUT ROWID;
  CREATE INDEX used_exp ON used (exp);
  CREATE TABLE latest (kid TEXT PRIMARY KEY, iat REAL NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE forgotten (one INTEGER PRIMARY KEY CHECK (one = 1), upto INTEGER NOT NULL) STRICT;
  INSERT INTO forgotten VALUES (1, 0);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = 1;
`;

/** Opens `file`, or makes it. @throws Fault `bad-config`. */
export function openUsedCommands(file: string): UsedCommands {
  const db = opened(file);
  // What is forgotten could be replayed if the clock went back, so nothing that expires no later than the last one forgotten is let in.
  const forgotten = db.prepare('SELECT upto FROM forgotten');
  const oldest = db.prepare('SELECT max(exp) AS upto FROM used WHERE exp < ?');
  const forget = db.prepare('DELETE FROM used WHERE exp <= ?');
  const moveForgotten = db.prepare('UPDATE forgotten SET upto = ?');
  const count = db.prepare('SELECT count(*) AS n FROM used');
  const insert = db.prepare('INSERT INTO used (kid, jti, exp) VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
  const latest = db.prepare('SELECT iat FROM latest WHERE kid = ?');
  const moveLatest = db.prepare('INSERT INTO latest (kid, iat) VALUES (?, ?) ON CONFLICT (kid) DO UPDATE SET iat = excluded.iat');
  const guarded = <T>(work: () => T): T => {
    try {
      db.exec('BEGIN IMMEDIATE');
      const result = work();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      const full = (error as { errcode?: number }).errcode === 13;
      throw asFault(error, full ? 'disk-full' : 'bad-config', `The list of used commands ${file} cannot be written`);
    }
  };
  return {
    note: ({ kid, jti, iatS, expS, inOrder }, nowS) =>
      guarded(() => {
        const { upto } = oldest.get(nowS - keptS) as { upto: number | null };
        if (upto !== null) {
          forget.run(upto);
          moveForgotten.run(upto);
        }
        if (expS <= (forgotten.get() as { upto: number }).upto) return 'again';
        if ((count.get() as { n: number }).n >= mostKept) return 'full';
        if (insert.run(kid, jti, expS).changes === 0) return 'again';
        if (!inOrder) return 'first';
        if (((latest.get(kid) as { iat: number } | undefined)?.iat ?? 0) > iatS) return 'overtaken';
        moveLatest.run(kid, iatS);
        return 'first';
      }),
    [Symbol.dispose]: () => {
      if (db.isOpen) db.close();
    },
  };
}

function opened(file: string): DatabaseSync {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600));
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    const db = new DatabaseSync(file, { timeout: 5000 });
    try {
      const { application_id: id } = db.prepare('PRAGMA application_id').get() as { application_id: number };
      const { n } = db.prepare('SELECT count(*) AS n FROM sqlite_schema').get() as { n: number };
      if (id !== applicationId && (id !== 0 || n > 0)) throw new Fault('bad-config', `${file} is an SQLite file of something else`);
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
      if (n === 0) db.exec(`BEGIN; ${tables} COMMIT;`);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw new Fault(
      'bad-config',
      `The list of used commands ${file} cannot be opened (${messageOf(error)}): let this user write there, or set state.folder to another folder`,
      error,
    );
  }
}
