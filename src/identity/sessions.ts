/**
 * Enrolment in several steps: requests of operators go in, answers come out; pictures are kept in memory until `commit` stores all of them in one
 * transaction. Bounded in sessions, pictures, bytes and time.
 */
import { randomUUID } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { PersonId } from '../events.ts';
import { type Album, type AlbumParts, album } from './album.ts';
import { personName } from './name.ts';
import { news } from './news.ts';
import type {
  EnrolmentAnswer,
  EnrolmentRefusal,
  EnrolmentSessions,
  EnrolmentStatus,
  Gallery,
  Person,
  PictureOutcome,
  Roster,
  SessionId,
} from './port.ts';
import { type DoorCamera, takeAtDoor } from './taking.ts';

export interface SessionsOptions extends Omit<AlbumParts, 'before' | 'gallery'> {
  readonly gallery: Pick<Gallery, 'find' | 'match' | 'threshold' | 'pictures'>;
  readonly roster: Pick<Roster, 'enrol'>;
  readonly camera?: DoorCamera;
  readonly clock: Clock;
  readonly log: Log;
  /** Sessions at once. */
  readonly maxSessions: number;
  /** Pictures in memory, of one session. */
  readonly maxPictures: number;
  /** A session that nobody touches for so long is given up, milliseconds. */
  readonly sessionMs: number;
  /** Time to move between two pictures of the camera, milliseconds. */
  readonly intervalMs: number;
  /** A camera that shows nothing for so long has failed, milliseconds. Default 10,000. */
  readonly silenceMs?: number;
}

interface Session {
  readonly id: SessionId;
  readonly name: string;
  readonly by: string;
  readonly album: Album;
  /** Aborted when the session ends. */
  readonly end: AbortController;
  touchedMs: number;
  /** Set while the camera takes pictures. */
  taking?: { readonly prompt?: string; readonly wanted: number } | undefined;
  last?: PictureOutcome;
  problem?: string | undefined;
  /** One picture at a time: the newest one's turn, and how many wait. */
  turn: Promise<unknown>;
  waiting: number;
}

/** Sessions that have ended and can still be asked about. */
const remembered = 32;
/** Pictures of one session that wait to be judged, at most: who sends more has not waited for the answers. */
const mostWaiting = 8;
/** How often a session that is busy when its time is up is looked at again, milliseconds. */
const lookAgainMs = 1000;

/** The sessions over a gallery; nothing runs until one is started. */
export function enrolmentSessions(options: SessionsOptions): EnrolmentSessions {
  const { gallery, roster, clock, log, maxSessions, maxPictures, sessionMs, camera, intervalMs, silenceMs = 10_000 } = options;
  const sessions = new Map<SessionId, Session>();
  const ended = new Map<SessionId, EnrolmentStatus>();
  const changes = news<SessionId, EnrolmentStatus>();
  const running = new Set<Promise<void>>();

  const idOf = (name: string): PersonId | undefined => {
    const person = gallery.find(name);
    return person?.name === name ? person.id : undefined;
  };
  const statusOf = (session: Session): EnrolmentStatus => ({
    session: session.id,
    state: session.taking ? 'taking' : 'collecting',
    name: session.name,
    pictures: session.album.kept().length,
    ...session.taking,
    ...(session.last && { last: session.last }),
    ...(session.problem !== undefined && { problem: session.problem }),
    expiresAt: new Date(clock.wall() + session.touchedMs + sessionMs - clock.now()).toISOString(),
  });
  const tell = (session: Session): EnrolmentStatus => {
    const status = statusOf(session);
    changes.tell(session.id, status);
    return status;
  };
  const finish = (session: Session, state: 'committed' | 'aborted' | 'expired', pictures = 0): EnrolmentStatus => {
    const { id, name } = session;
    const status = { session: id, state, name, pictures, expiresAt: new Date(clock.wall()).toISOString() };
    sessions.delete(id);
    session.end.abort();
    ended.set(id, status);
    for (const oldest of ended.keys()) if (ended.size > remembered) ended.delete(oldest);
    changes.tell(id, status);
    log.info({ session: id, state, pictures }, 'enrolment session ended');
    return status;
  };
  const run = (work: Promise<void>) => {
    running.add(work);
    void work.finally(() => running.delete(work));
  };

  const expire = async (session: Session) => {
    const { signal } = session.end;
    while (!signal.aborted) {
      const leftMs = session.touchedMs + sessionMs - clock.now();
      if (leftMs <= 0 && !session.taking && session.waiting === 0) finish(session, 'expired');
      else await clock.sleep(leftMs > 0 ? leftMs : lookAgainMs, signal).catch(() => undefined);
    }
  };

  const judge = (session: Session, source: string, picture: Uint8Array): Promise<PictureOutcome> => {
    const turn = session.turn.then(async () => {
      const outcome = await session.album.judge(source, picture);
      const repeats = !outcome.accepted && String(outcome.reasons) === String(session.last?.accepted === false && session.last.reasons);
      session.last = outcome;
      // A camera would say the same many times a second.
      if (!repeats && !session.end.signal.aborted) tell(session);
      return outcome;
    });
    session.turn = turn.catch(() => undefined);
    return turn;
  };

  /** Answers about a session that is there; what can be expected to fail is an answer. */
  const within = async <T>(id: SessionId, work: (session: Session) => Promise<EnrolmentAnswer<T>> | EnrolmentAnswer<T>) => {
    const session = sessions.get(id);
    if (!session) return gone(ended.get(id));
    session.touchedMs = clock.now();
    session.waiting++;
    try {
      return await work(session);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return no('failed', error.message);
    } finally {
      session.waiting--;
      session.touchedMs = clock.now();
    }
  };

  const start = (name: string, by: string): EnrolmentAnswer<EnrolmentStatus> => {
    if (sessions.size >= maxSessions) return no('too-many-sessions', `${sessions.size} sessions are open; commit or abort one of them.`);
    const id = randomUUID();
    const end = new AbortController();
    const pictures = album({ ...options, before: () => idOf(name) });
    const session = { id, name, by, album: pictures, end, touchedMs: clock.now(), turn: Promise.resolve(), waiting: 0 };
    sessions.set(id, session);
    run(expire(session));
    log.info({ session: id }, 'enrolment session started');
    return yes(tell(session));
  };

  const take = async (session: Session, wanted: number, using: DoorCamera) => {
    const onPrompt = (prompt: string) => {
      session.taking = { prompt, wanted };
      tell(session);
    };
    const { signal } = session.end;
    const judgeAt = (source: string, picture: Uint8Array) => judge(session, source, picture);
    const problem = await takeAtDoor({ camera: using, clock, count: wanted, intervalMs, silenceMs, judge: judgeAt, onPrompt, signal });
    session.taking = undefined;
    session.problem = problem;
    session.touchedMs = clock.now();
    if (!signal.aborted) tell(session);
  };

  const takeFromCamera = (session: Session, count: number): EnrolmentAnswer<EnrolmentStatus> => {
    if (!camera?.working) return no('camera-failed', 'The door has no camera that works now; send pictures instead.');
    if ([...sessions.values()].some(({ taking }) => taking)) return no('camera-busy', 'The camera takes pictures for a session already.');
    if (session.album.size + count > maxPictures) return no('too-many-pictures', `A session holds ${maxPictures} pictures.`);
    session.taking = { wanted: count };
    session.problem = undefined;
    run(take(session, count, camera));
    return yes(tell(session));
  };

  const commit = (session: Session): EnrolmentAnswer<Person> => {
    const { album: pictures, name, by } = session;
    if (session.taking) return no('camera-busy', 'The camera still takes pictures; wait, or abort the session.');
    const kept = pictures.kept();
    if (kept.length === 0 && pictures.size === 0) return no('no-pictures', 'No picture is good enough yet; nothing was stored.');
    if (kept.length === 0)
      return no('another-person', 'The pictures do not show one and the same person; add another one, or abort. Nothing was stored.');
    const twin = pictures.twin();
    if (twin !== undefined) {
      const detail = `Already enrolled, as ${twin}: add the pictures under that name. Nothing was stored.`;
      return { ok: false, reason: 'already-enrolled', detail, personId: twin };
    }
    const person = roster.enrol({ name, pictures: kept }, by);
    finish(session, 'committed', kept.length);
    return yes(person);
  };

  return {
    start: async ({ name, by }) => {
      try {
        return start(personName(name), by);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        return no(error.code === 'bad-argument' ? 'bad-name' : 'failed', error.message);
      }
    },
    addPicture: (id, { picture, source }) =>
      within(id, async (session) => {
        // This one waits too.
        if (session.album.size + session.waiting > maxPictures)
          return no('too-many-pictures', `A session holds ${maxPictures} pictures; commit it.`);
        if (session.waiting > mostWaiting) return no('too-many-pictures', 'Too many at once: wait for the answer to each picture.');
        const outcome = await judge(session, source, picture);
        return session.end.signal.aborted ? gone(ended.get(id)) : yes(outcome);
      }),
    takeFromCamera: (id, { count }) => within(id, (session) => takeFromCamera(session, count)),
    status: (id) => {
      const past = ended.get(id);
      return past ? Promise.resolve(yes(past)) : within(id, (session) => yes(statusOf(session)));
    },
    commit: (id) => within(id, async (session) => session.turn.then(() => (sessions.has(id) ? commit(session) : gone(ended.get(id))))),
    abort: (id) => within(id, (session) => yes(finish(session, 'aborted'))),
    changes: (signal) => changes.follow(signal),
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions.values()) finish(session, 'aborted');
      await Promise.all(running);
    },
  };
}

function yes<T>(value: T): EnrolmentAnswer<T> {
  return { ok: true, value };
}

function no(reason: EnrolmentRefusal, detail: string): EnrolmentAnswer<never> {
  return { ok: false, reason, detail };
}

function gone(past: EnrolmentStatus | undefined): EnrolmentAnswer<never> {
  if (past?.state === 'expired') return no('expired', 'The session was given up, since nothing happened in it; start another.');
  return no('no-such-session', past ? `The session was ${past.state}.` : 'There is no such session; start one.');
}
