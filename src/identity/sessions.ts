/**
 * Enrolment in several steps: requests of operators go in, answers come out. Pictures stay in memory until `commit`
 * stores all of them in one transaction. Limited in sessions, pictures, bytes and time.
 */
import { randomUUID } from 'node:crypto';
import { type News, news } from '../base/data/news.ts';
import { Fault, isBadPicture, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type SerialQueue, serialQueue } from '../base/serial.ts';
import type { Clock } from '../base/time.ts';
import type { EnrolmentStep, PersonId } from '../events.ts';
import type { OutsidePictures } from '../face/port.ts';
import type { Journal } from '../journal/port.ts';
import { type Album, type AlbumParts, album } from './album.ts';
import { type PictureOrigin, refusePicture } from './candidate.ts';
import { variedPictures } from './enrolment.ts';
import { looksLike } from './lookalike.ts';
import { personName } from './name.ts';
import { pictureDigest, pictureId } from './picture-id.ts';
import type {
  Consent,
  Enrolled,
  Enroller,
  Enrolment,
  EnrolmentAnswer,
  EnrolmentRefusal,
  EnrolmentSessions,
  EnrolmentStatus,
  Gallery,
  PictureOutcome,
  Roster,
  SessionId,
} from './port.ts';
import { type DoorCamera, takeAtDoor } from './taking.ts';

export interface SessionsOptions extends Omit<AlbumParts, 'before' | 'gallery'> {
  readonly gallery: Pick<Gallery, 'find' | 'match' | 'threshold' | 'pictures'>;
  readonly roster: Pick<Roster, 'enrol' | 'requireConsent'>;
  readonly journal: Pick<Journal, 'append'>;
  readonly camera?: DoorCamera;
  /** Cleans pictures that were sent, before anything else looks at them. */
  readonly outside: OutsidePictures;
  readonly clock: Clock;
  readonly log: Log;
  /** Sessions at once. */
  readonly maxSessions: number;
  /** Pictures of one session in memory. */
  readonly maxPictures: number;
  /** Pictures of one person that are stored. */
  readonly keptPictures: number;
  /** A session that nobody touches for this long is given up, milliseconds. */
  readonly sessionMs: number;
  /** Time to move between two pictures of the camera, milliseconds. */
  readonly intervalMs: number;
  /** A camera that shows nothing for this long has failed, milliseconds. Default 10,000. */
  readonly silenceMs?: number;
}

interface Session {
  readonly id: SessionId;
  readonly name: string;
  /** Nobody else may touch it. */
  readonly owner: Enroller;
  readonly consent: Consent | undefined;
  readonly album: Album;
  /** Aborted when the session ends. */
  readonly end: AbortController;
  /** Judges one picture at a time. */
  readonly inTurn: SerialQueue;
  touchedMs: number;
  /** Set while the camera takes pictures. */
  taking?: { readonly prompt?: string; readonly wanted: number } | undefined;
  last?: PictureOutcome;
  problem?: string | undefined;
  /** Requests under way. */
  waiting: number;
}

interface Running {
  readonly options: SessionsOptions;
  readonly sessions: Map<SessionId, Session>;
  /** The newest sessions that have ended; they can still be asked about. */
  readonly ended: Map<SessionId, { readonly status: EnrolmentStatus; readonly key: string }>;
  readonly changes: News<SessionId, EnrolmentStatus>;
  /** What still runs: the expiry of each session, and pictures being taken. */
  readonly work: Set<Promise<void>>;
  /** Pictures that were sent and are not judged yet: each is decoded in its turn. */
  readonly sent: { count: number; bytes: number };
}

/** How many ended sessions are remembered. */
const remembered = 32;
/** The most pictures of one session that may wait: whoever sends more has not waited for the answers. */
const mostWaiting = 8;
/** The most of all sessions: each holds a place among the door's commands for as long as it waits. */
const mostWaitingInAll = 8;
/** How soon a session that is busy when its time is up is looked at again, milliseconds. */
const lookAgainMs = 1000;

/** The sessions over a gallery; nothing runs until one is started. */
export function enrolmentSessions(options: SessionsOptions): EnrolmentSessions {
  const running: Running = {
    options,
    sessions: new Map(),
    ended: new Map(),
    changes: news(),
    work: new Set(),
    sent: { count: 0, bytes: 0 },
  };
  const { sessions, changes, work } = running;
  return {
    of: (enroller) => enrolmentOf(running, enroller),
    changes: (signal) => changes.follow(signal),
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions.values()) finish(running, session, 'aborted');
      await Promise.all(work);
    },
  };
}

function enrolmentOf(running: Running, enroller: Enroller): Enrolment {
  const { options, sessions } = running;
  const { key } = enroller;
  const past = (id: SessionId) => pastOf(running, id, key);
  const mine = <T>(id: SessionId, answer: (session: Session) => Promise<EnrolmentAnswer<T>> | EnrolmentAnswer<T>) =>
    within(running, id, key, answer);
  return {
    start: async (name, consent) => {
      try {
        return start(running, personName(name), enroller, consent);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        return no(refusalOf(error), messageOf(error));
      }
    },
    addPicture: (id, { picture, source }) => mine(id, (session) => addPicture(running, session, picture, source)),
    takeFromCamera: (id, { count }) => mine(id, (session) => takeFromCamera(running, session, count)),
    status: (id) => {
      const status = past(id);
      return status ? Promise.resolve(yes(status)) : mine(id, (session) => yes(statusOf(session, options)));
    },
    commit: (id) => mine(id, (session) => session.inTurn(() => (sessions.has(id) ? commit(running, session) : gone(past(id))))),
    abort: (id) => mine(id, (session) => yes(finish(running, session, 'aborted'))),
  };
}

function pastOf({ ended }: Running, id: SessionId, key: string): EnrolmentStatus | undefined {
  const past = ended.get(id);
  return past?.key === key ? past.status : undefined;
}

/** Writes a step into the journal. @throws Fault `journal-down`. */
function note({ options }: Running, { id, owner, album: pictures }: Session, step: EnrolmentStep, more: object = {}): void {
  const { name, key } = owner;
  options.journal.append({ kind: 'enrolment.stepped', session: id, step, by: name, key, pictures: pictures.kept().length, ...more });
}

function start(running: Running, name: string, owner: Enroller, consent: Consent | undefined): EnrolmentAnswer<EnrolmentStatus> {
  const { options, sessions } = running;
  const { gallery, roster, clock, log, maxSessions } = options;
  // Before anybody is asked for pictures.
  roster.requireConsent(name, consent);
  if (sessions.size >= maxSessions) return no('too-many-sessions', `${sessions.size} sessions are open; commit or abort one of them.`);
  const session: Session = {
    ...{ id: randomUUID(), name, owner, consent },
    album: album({ ...options, before: () => idOf(gallery, name) }),
    end: new AbortController(),
    inTurn: serialQueue(),
    touchedMs: clock.now(),
    waiting: 0,
  };
  note(running, session, 'started');
  sessions.set(session.id, session);
  run(running, expire(running, session));
  log.info({ session: session.id }, 'enrolment session started');
  return yes(tell(running, session));
}

/** Gives the session up when its time is over and nothing of it is under way. */
async function expire(running: Running, session: Session): Promise<void> {
  const { clock, sessionMs } = running.options;
  const { signal } = session.end;
  while (!signal.aborted) {
    const leftMs = session.touchedMs + sessionMs - clock.now();
    if (leftMs <= 0 && !session.taking && session.waiting === 0) finish(running, session, 'expired');
    else await clock.sleep(leftMs > 0 ? leftMs : lookAgainMs, signal).catch(() => undefined);
  }
}

/** `pictures`: those that were stored. */
function finish(running: Running, session: Session, state: 'committed' | 'aborted' | 'expired', pictures = 0): EnrolmentStatus {
  const { options, sessions, ended, changes } = running;
  const { id, name, owner } = session;
  const status = { session: id, state, name, pictures, expiresAt: new Date(options.clock.wall()).toISOString() };
  sessions.delete(id);
  session.end.abort();
  ended.set(id, { status, key: owner.key });
  for (const oldest of ended.keys()) if (ended.size > remembered) ended.delete(oldest);
  changes.tell(id, status);
  options.log.info({ session: id, state, pictures }, 'enrolment session ended');
  if (state !== 'committed') noteEnd(running, session, state);
  return status;
}

/** An end needs no entry: it leaves nothing. */
function noteEnd(running: Running, session: Session, state: 'aborted' | 'expired'): void {
  try {
    note(running, session, state);
  } catch (error) {
    running.options.log.warn(
      { session: session.id, state, err: messageOf(error) },
      'the end of an enrolment session is not in the journal',
    );
  }
}

function run({ work }: Running, piece: Promise<void>): void {
  work.add(piece);
  void piece.finally(() => work.delete(piece));
}

/** Answers about a session that is there. An expected failure is an answer. */
async function within<T>(
  running: Running,
  id: SessionId,
  key: string,
  answer: (session: Session) => Promise<EnrolmentAnswer<T>> | EnrolmentAnswer<T>,
): Promise<EnrolmentAnswer<T>> {
  const { clock } = running.options;
  const session = running.sessions.get(id);
  if (session?.owner.key !== key) return gone(pastOf(running, id, key));
  session.touchedMs = clock.now();
  session.waiting++;
  try {
    return await answer(session);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return no(error.code === 'consent-missing' ? error.code : 'failed', messageOf(error));
  } finally {
    session.waiting--;
    session.touchedMs = clock.now();
  }
}

async function addPicture(
  running: Running,
  session: Session,
  picture: Uint8Array,
  source: string,
): Promise<EnrolmentAnswer<PictureOutcome>> {
  const { maxPictures, maxPictureBytes } = running.options;
  // This picture counts among those that wait.
  if (session.album.size + session.waiting > maxPictures)
    return no('too-many-pictures', `A session holds ${maxPictures} pictures; commit it.`);
  const { sent } = running;
  const room = sent.count === 0 || (sent.count < mostWaitingInAll && sent.bytes + picture.length <= 2 * maxPictureBytes);
  if (!room || session.waiting > mostWaiting) return no('too-many-pictures', 'Too many at once: wait for the answer to each picture.');
  sent.count++;
  sent.bytes += picture.length;
  try {
    const outcome = await judgeSent(running, session, source, picture);
    if (session.end.signal.aborted) return gone(pastOf(running, session.id, session.owner.key));
    if (!outcome.accepted) note(running, session, 'picture-refused');
    return yes(outcome);
  } finally {
    sent.count--;
    sent.bytes -= picture.length;
  }
}

/** Cleaned first, so that neither the door's reader nor the gallery gets anything as it came from outside. */
async function judgeSent(running: Running, session: Session, source: string, picture: Uint8Array): Promise<PictureOutcome> {
  const { outside, maxPictureBytes } = running.options;
  try {
    // The album refuses one that is too large.
    const cleaned = picture.length > maxPictureBytes ? picture : await outside.clean(picture);
    return { picture: pictureId(cleaned), ...(await judge(running, session, source, cleaned, 'file')) };
  } catch (error) {
    if (!isBadPicture(error)) throw error;
    return noted(running, session, refusePicture(source, error));
  }
}

function judge(running: Running, session: Session, source: string, picture: Uint8Array, origin: PictureOrigin): Promise<PictureOutcome> {
  return session.inTurn(async () => noted(running, session, await session.album.judge(source, picture, origin)));
}

/** Remembers and tells what became of a picture. A camera would say the same many times a second. */
function noted(running: Running, session: Session, outcome: PictureOutcome): PictureOutcome {
  const repeats = !outcome.accepted && String(outcome.reasons) === String(session.last?.accepted === false && session.last.reasons);
  session.last = outcome;
  if (outcome.accepted && !session.end.signal.aborted) note(running, session, 'picture-accepted');
  if (!repeats && !session.end.signal.aborted) tell(running, session);
  return outcome;
}

function takeFromCamera(running: Running, session: Session, count: number): EnrolmentAnswer<EnrolmentStatus> {
  const { camera, maxPictures } = running.options;
  if (!camera?.working) return no('camera-failed', 'The door has no camera that works now; send pictures instead.');
  if ([...running.sessions.values()].some(({ taking }) => taking))
    return no('camera-busy', 'The camera takes pictures for a session already.');
  if (session.album.size + count > maxPictures) return no('too-many-pictures', `A session holds ${maxPictures} pictures.`);
  note(running, session, 'camera-started');
  session.taking = { wanted: count };
  session.problem = undefined;
  run(running, take(running, session, count, camera));
  return yes(tell(running, session));
}

async function take(running: Running, session: Session, wanted: number, camera: DoorCamera): Promise<void> {
  const { clock, intervalMs, silenceMs = 10_000 } = running.options;
  const { signal } = session.end;
  const problem = await takeAtDoor({
    ...{ camera, clock, count: wanted, intervalMs, silenceMs, signal },
    judge: (source, picture) => judge(running, session, source, picture, 'camera'),
    onPrompt: (prompt) => {
      session.taking = { prompt, wanted };
      tell(running, session);
    },
  });
  session.taking = undefined;
  session.problem = problem;
  session.touchedMs = clock.now();
  if (!signal.aborted) tell(running, session);
}

function commit(running: Running, session: Session): EnrolmentAnswer<Enrolled> {
  const { album: pictures, name, owner } = session;
  const { roster, gallery, reader, keptPictures } = running.options;
  if (session.taking) return no('camera-busy', 'The camera still takes pictures; wait, or abort the session.');
  const kept = pictures.kept();
  if (kept.length === 0 && pictures.size === 0) return no('no-pictures', 'No picture is good enough yet; nothing was stored.');
  if (kept.length === 0)
    return no('another-person', 'The pictures do not show one and the same person; add another one, or abort. Nothing was stored.');
  const lookAlike = pictures.lookAlike();
  if (lookAlike !== undefined) {
    const detail = `Already enrolled, as ${lookAlike}: add the pictures under that name. Nothing was stored.`;
    return { ok: false, reason: 'already-enrolled', detail, personId: lookAlike };
  }
  const before = gallery.find(name);
  const { chosen, leftOut } = variedPictures(kept, keptPictures, gallery, reader().embedder, before);
  const person = roster.enrol({ name, pictures: chosen }, owner.name, session.consent);
  finish(running, session, 'committed', chosen.length);
  const digest = pictureDigest(gallery.pictures(person.id).map(({ id }) => id));
  try {
    note(running, session, 'committed', { pictures: person.pictures, personId: person.id, digest });
  } catch (error) {
    throw new Fault('journal-down', `The person is enrolled, but the journal does not hold the digest: ${messageOf(error)}`, error);
  }
  const idsOf = (all: readonly { readonly picture: Uint8Array }[]) => all.map(({ picture }) => pictureId(picture));
  return yes({ person, added: idsOf(chosen), leftOut: idsOf(leftOut), digest });
}

function idOf(gallery: SessionsOptions['gallery'], name: string): PersonId | undefined {
  const person = gallery.find(name);
  return person && looksLike(person.name, name) ? person.id : undefined;
}

function statusOf(session: Session, { clock, sessionMs }: SessionsOptions): EnrolmentStatus {
  return {
    session: session.id,
    state: session.taking ? 'taking' : 'collecting',
    name: session.name,
    pictures: session.album.kept().length,
    ...session.taking,
    ...(session.last && { last: session.last }),
    ...(session.problem !== undefined && { problem: session.problem }),
    expiresAt: new Date(clock.wall() + session.touchedMs + sessionMs - clock.now()).toISOString(),
  };
}

function tell({ options, changes }: Running, session: Session): EnrolmentStatus {
  const status = statusOf(session, options);
  changes.tell(session.id, status);
  return status;
}

function refusalOf({ code }: Fault): EnrolmentRefusal {
  if (code === 'consent-missing') return code;
  return code === 'bad-argument' ? 'bad-name' : 'failed';
}

function yes<T>(value: T): EnrolmentAnswer<T> {
  return { ok: true, value };
}

function no(reason: EnrolmentRefusal, detail: string): EnrolmentAnswer<never> {
  return { ok: false, reason, detail };
}

function gone(past: EnrolmentStatus | undefined): EnrolmentAnswer<never> {
  if (past?.state === 'expired') return no('expired', 'The session was given up, since nothing happened in it; start another.');
  return no('no-such-session', past ? `The session was ${past.state}.` : 'There is no such session of this key; start one.');
}
