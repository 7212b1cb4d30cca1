/**
 * The console of a house: its program, what it may ask, and what it is told. wire.ts opens it; it owns the program and
 * ends with the house. A console that cannot be served is logged, and the door goes on.
 */
import type { Controller } from '../../access/controller.ts';
import type { Entrance } from '../../access/entrance.ts';
import type { Observation } from '../../access/port.ts';
import { consoleSettings, consoleTls, firstLink } from '../../adapters/console.ts';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { systemClock } from '../../base/time.ts';
import { publicStatusOf } from '../../command/enrol.ts';
import type { CommandPorts } from '../../command/spec.ts';
import type { FromConsole, ToConsole } from '../../console/port.ts';
import { type ConsoleProgram, openConsoleProgram } from '../../console/program.ts';
import type { ConsoleTls } from '../../console/tls.ts';
import type { EnrolmentSessions } from '../../identity/port.ts';
import { type UnknownFaces, unknownFaces } from '../faces/album.ts';
import type { Loops } from '../loops.ts';
import type { Shredder } from '../removal/shredder.ts';
import type { Rooms } from '../rooms.ts';
import { strictnessScores } from '../strictness/scores.ts';
import { keepCertificate, madeBeside } from './certificate.ts';
import { type LiveFeed, liveFeed } from './live.ts';
import { described, operationsDesk } from './operation.ts';
import { operations } from './operations.ts';
import { isConsoleEvent } from './said-event.ts';
import { systemBeside } from './system-beside.ts';

export interface HouseConsoleParts {
  readonly entrance: Entrance;
  readonly loops: Loops;
  readonly ports: CommandPorts;
  readonly enrolment: Pick<EnrolmentSessions, 'changes'>;
  readonly shredder: Pick<Shredder, 'proofs'>;
}

export interface HouseConsole extends AsyncDisposable {
  readonly feed: LiveFeed;
  /**
   * For people to open; while nobody has an account, with the one-time link of the first admin. Undefined where the
   * address cannot be listened on yet: somebody else may answer there.
   */
  readonly link: string | undefined;
}

/** Undefined where there is none. */
export async function openHouseConsole(rooms: Rooms, parts: HouseConsoleParts): Promise<HouseConsole | undefined> {
  const { entrance, loops, ports, shredder, enrolment } = parts;
  const { config } = rooms;
  if (!config.console.enabled) return undefined;
  const log = rooms.log.child({ room: 'console' });
  let program: ConsoleProgram | undefined;
  const live = liveFeed({ rooms, entrance, loops, program: () => program });
  const faces = unknownFaces(rooms, systemClock);
  const strictness = strictnessScores(rooms);
  const feed = { ...live, decided: (moment: Observation) => decided(moment, live, faces) };
  const beside = systemBeside(config, rooms.listeners, systemClock);
  const consolePorts = { ...ports, rooms, entrance, shredder, beside, unknownFaces: faces, strictness };
  const desk = operationsDesk({ operations, ports: consolePorts, clock: systemClock, log });
  const onSaid = (said: FromConsole) => {
    if (said.kind === 'ask')
      void desk.take(said.name, said.args, said.caller).then((answered) => program?.tell({ kind: 'answer', id: said.id, answered }));
    else if (said.kind === 'watching') watched(said, rooms, feed);
    else if (said.kind === 'took') feed.took();
    else if (said.kind === 'frame') rooms.ownCamera?.push(said.picture);
    else if (said.kind === 'record') record(entrance.controller, said.event);
  };
  let tls: ConsoleTls | undefined;
  try {
    const found = consoleSettings(config);
    tls = await consoleTls(found);
    const settings = { ...found, ...(tls && { certificate: pairOf(tls) }) };
    program = await openConsoleProgram({
      ...{ settings, log, onSaid },
      start: { kind: 'start', settings, operations: operations.map(described) },
      onGone: () => feed.watched({ listeners: 0, viewers: 0 }),
    });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    log.error({ code: error.code, err: messageOf(error) }, 'there is no console');
    return undefined;
  }
  const link = program.listens ? firstLink(config, log) : undefined;
  const fingerprint = tls?.fingerprint;
  if (link !== undefined) log.info({ link, ...(fingerprint !== undefined && { fingerprint }) }, 'the console is open');
  const over = new AbortController();
  const kept = tls && keepTls(rooms, { tls, program, log, record: entrance.controller.record, signal: over.signal });
  tellTraining(rooms, (message) => program?.tell(message));
  const told = tellEnrolments(enrolment, (message) => program?.tell(message), over.signal);
  return {
    ...{ feed, link },
    [Symbol.asyncDispose]: async () => {
      over.abort();
      beside[Symbol.dispose]();
      await Promise.all([told, kept]);
      await faces[Symbol.asyncDispose]();
      await strictness[Symbol.asyncDispose]();
      await program?.[Symbol.asyncDispose]();
    },
  };
}

/** Whoever comes may open the timeline: the thread that reads the journal starts now, and not then. */
function watched(said: Extract<FromConsole, { kind: 'watching' }>, { entries, log }: Rooms, feed: LiveFeed): void {
  feed.watched(said);
  if (said.listeners > 0)
    entries.page({ limit: 1 }).catch((error) => log.warn({ room: 'console', err: messageOf(error) }, 'the journal cannot be read'));
}

function decided(moment: Observation, live: LiveFeed, faces: UnknownFaces): void {
  if (moment.reading.faces.length > 0) faces.saw();
  live.decided(moment);
}

const pairOf = ({ certificate, key }: ConsoleTls) => ({ certificate, key });

interface KeptTls extends Pick<Controller, 'record'> {
  readonly tls: ConsoleTls;
  readonly program: Pick<ConsoleProgram, 'useCertificate'>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Its fingerprint is journalled, so that the owner can compare it on a way of their own. */
function keepTls({ config }: Pick<Rooms, 'config'>, { tls, program, log, record: journal, signal }: KeptTls): Promise<void> {
  const isGiven = config.console.certificateFile !== '';
  const tell = ({ fingerprint, expiresAt }: ConsoleTls) => {
    log.info({ fingerprint, expiresAt }, 'the console has another certificate');
    journal({ kind: 'console.certificate-changed', fingerprint, expiresAt, given: isGiven });
  };
  if (tls.isNew) tell(tls);
  return keepCertificate({
    ...{ now: tls, isGiven, clock: systemClock, log, signal },
    find: async () => (isGiven ? await consoleTls(consoleSettings(config)) : await madeBeside(consoleSettings(config))),
    onNew: (found) => {
      program.useCertificate(pairOf(found));
      tell(found);
    },
  });
}

/** How a training goes, and its lines. */
function tellTraining({ learning }: Rooms, tell: (message: ToConsole) => void): void {
  learning?.subscribe({
    onStatus: (job) => tell({ kind: 'told', topic: 'training', data: { job } }),
    onLine: (job, line) => tell({ kind: 'told', topic: 'training', data: { id: job, line } }),
  });
}

/** How each enrolment goes, without names: whoever watches sees it. */
async function tellEnrolments(
  { changes }: Pick<EnrolmentSessions, 'changes'>,
  tell: (message: ToConsole) => void,
  signal: AbortSignal,
): Promise<void> {
  for await (const status of changes(signal)) tell({ kind: 'told', topic: 'enrolment', data: publicStatusOf(status) });
}

/** The console process says what happened there; only what it may say is journalled. */
function record({ record: journal }: Pick<Controller, 'record'>, event: object): void {
  if (isConsoleEvent(event)) journal(event);
}
