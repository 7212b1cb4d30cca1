/**
 * Which signed commands were used: an operator's key and a command's id go in and are stored durably before anything is
 * done; a second use is recognised until the command has expired, also after a restart and after the clock was set
 * back.
 */
import type { DatabaseSync } from 'node:sqlite';
import { asFault, Fault, messageOf } from '../../base/errors.ts';
import { Compile, Type } from '../../base/schema.ts';
import { checkedRow, openSqlite, type SqliteKind, sqliteTrouble, transact } from '../../base/sqlite.ts';

export interface Use {
  readonly kid: string;
  readonly jti: string;
  /** Seconds since 1970. */
  readonly iatS: number;
  readonly expS: number;
  /** True for a command that must not follow one signed later: a hold that arrives after its own release. */
  readonly inOrder: boolean;
  /**
   * True for a command that makes the door safer: it is carried out also where its use cannot be stored, and is then
   * known until the daemon stops.
   */
  readonly urgent?: boolean;
}

export interface UsedCommands extends Disposable {
  /**
   * Stores the use durably. `again`: it was used already, or expired so long ago that nobody can tell; `overtaken`:
   * this operator signed a later command that was used already (only where `inOrder`); `full`: too many are kept.
   * @throws Fault `bad-config` or `disk-full` where it cannot be stored and is not urgent: then the command must not be
   * carried out.
   */
  note(use: Use, nowS: number): 'first' | 'again' | 'overtaken' | 'full';
}

/** The most commands of one key kept at once: a key that floods the door fills neither the disk nor others' places. */
const mostKept = 20_000;
/** How long an expired command is kept, seconds; longer than clocks may differ. */
const keptS = 600;

const kind: SqliteKind = {
  applicationId: 0x464c5543, // "FLUC"
  version: 1,
  schema: `
    CREATE TABLE used (kid TEXT NOT NULL, jti TEXT NOT NULL, exp INTEGER NOT NULL, PRIMARY KEY (kid, jti)) STRICT, WITHOUT ROWID;
    CREATE INDEX used_exp ON used (exp);
    CREATE TABLE latest (kid TEXT PRIMARY KEY, iat REAL NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE forgotten (one INTEGER PRIMARY KEY CHECK (one = 1), upto INTEGER NOT NULL) STRICT;
    INSERT INTO forgotten VALUES (1, 0);
  `,
  migrations: {},
  faults: {
    foreign: (file) => cannotOpen(file, 'it is an SQLite file of another program'),
    newer: (file) => cannotOpen(file, 'a newer facelatch wrote it'),
    unwritable: (file, error) => cannotOpen(file, messageOf(error), error),
  },
};
const uptoRow = Compile(Type.Object({ upto: Type.Integer() }));
const oldestRow = Compile(Type.Object({ upto: Type.Union([Type.Integer(), Type.Null()]) }));
const countRow = Compile(Type.Object({ n: Type.Integer() }));
const latestRow = Compile(Type.Object({ iat: Type.Number() }));

/** Opens `file`, or makes it. @throws Fault `bad-config`. */
export function openUsedCommands(file: string): UsedCommands {
  const db = opened(file);
  // A forgotten command could be replayed if the clock were set back, so nothing that expires no later than it is let
  // in.
  const forgotten = db.prepare('SELECT upto FROM forgotten');
  const oldest = db.prepare('SELECT max(exp) AS upto FROM used WHERE exp < ?');
  const forget = db.prepare('DELETE FROM used WHERE exp <= ?');
  const moveForgotten = db.prepare('UPDATE forgotten SET upto = ?');
  const count = db.prepare(`SELECT count(*) AS n FROM (SELECT 1 FROM used WHERE kid = ? LIMIT ${mostKept})`);
  const insert = db.prepare('INSERT INTO used (kid, jti, exp) VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
  const latest = db.prepare('SELECT iat FROM latest WHERE kid = ?');
  const moveLatest = db.prepare('INSERT INTO latest (kid, iat) VALUES (?, ?) ON CONFLICT (kid) DO UPDATE SET iat = excluded.iat');
  const damaged = () => new Fault('bad-config', `The list of used commands ${file} is damaged: restore it, or move it away`);
  const guarded = <T>(work: () => T): T => {
    try {
      return transact(db, work);
    } catch (error) {
      const code = sqliteTrouble(error) === 'full' ? 'disk-full' : 'bad-config';
      throw asFault(error, code, `The list of used commands ${file} cannot be written`);
    }
  };
  const memory = usedInMemory();
  const stored = ({ kid, jti, iatS, expS, inOrder }: Use, nowS: number) =>
    guarded(() => {
      const { upto } = checkedRow(oldestRow, oldest.get(nowS - keptS), damaged);
      if (upto !== null) {
        forget.run(upto);
        moveForgotten.run(upto);
      }
      if (expS <= checkedRow(uptoRow, forgotten.get(), damaged).upto) return 'again';
      if (checkedRow(countRow, count.get(kid), damaged).n >= mostKept) return 'full';
      if (insert.run(kid, jti, expS).changes === 0) return 'again';
      if (!inOrder) return 'first';
      const last = latest.get(kid);
      if (last && checkedRow(latestRow, last, damaged).iat > iatS) return 'overtaken';
      moveLatest.run(kid, iatS);
      return 'first' as const;
    });
  return {
    note: (use, nowS) => {
      const known = memory.of(use, nowS);
      if (known !== undefined) return known;
      let found: ReturnType<UsedCommands['note']>;
      try {
        found = stored(use, nowS);
      } catch (error) {
        if (!use.urgent || !(error instanceof Fault)) throw error;
        found = 'full';
      }
      if (found !== 'full' || !use.urgent) return found;
      memory.add(use);
      return 'first';
    },
    [Symbol.dispose]: () => {
      if (db.isOpen) db.close();
    },
  };
}

/**
 * Uses that could not be stored. `latest` is kept for each key, so that what was signed before is not carried out
 * later, when there is room again.
 */
function usedInMemory() {
  const ids = new Map<string, number>();
  const latest = new Map<string, number>();
  return {
    of: ({ kid, jti, iatS, inOrder }: Use, nowS: number): 'again' | 'overtaken' | undefined => {
      for (const [id, expS] of ids) if (expS < nowS - keptS) ids.delete(id);
      if (ids.has(`${kid} ${jti}`)) return 'again';
      return inOrder && (latest.get(kid) ?? Number.NEGATIVE_INFINITY) > iatS ? 'overtaken' : undefined;
    },
    add: ({ kid, jti, iatS, expS, inOrder }: Use) => {
      ids.set(`${kid} ${jti}`, expS);
      if (inOrder) latest.set(kid, iatS);
    },
  };
}

function opened(file: string): DatabaseSync {
  try {
    return openSqlite(file, kind, 5000).db;
  } catch (error) {
    throw error instanceof Fault ? error : cannotOpen(file, messageOf(error), error);
  }
}

function cannotOpen(file: string, why: string, cause?: unknown): Fault {
  return new Fault(
    'bad-config',
    `The list of used commands ${file} cannot be opened (${why}): let this user write there, or set state.folder to another folder`,
    cause,
  );
}
