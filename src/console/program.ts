/**
 * The daemon's side of the console: it holds the listening socket, starts the process when the first browser connects
 * and hands the socket over. The process can read the program and its own folder, and write into that folder only; it
 * runs behind the door in priority. Whatever becomes of it, the door goes on, and the next browser starts it again.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { realpathSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { makeFolder } from '../base/make-folder.ts';
import type { Certificate, ConsoleSettings, FromConsole, ToConsole } from './port.ts';

export interface ConsoleOptions {
  readonly settings: ConsoleSettings;
  /** What the process is told first. */
  readonly start: Extract<ToConsole, { kind: 'start' }>;
  readonly log: Log;
  /** What the process says, but for what concerns the process itself. */
  readonly onSaid: (said: FromConsole) => void;
  /** The process is gone; whoever watched is gone with it. */
  readonly onGone: () => void;
  /** Until it is tried again to listen, and until a process that failed at its start may start again. Milliseconds. */
  readonly retryMs?: number;
}

export interface ConsoleProgram extends AsyncDisposable {
  /** False where there is no process, or it does not take more now. */
  tell(message: ToConsole): boolean;
  /** In place of the one of the settings, for connections from now on. */
  useCertificate(certificate: Certificate): void;
  /** Of the process, while there is one. */
  readonly pid: number | undefined;
  /** False while the address cannot be listened on, which is tried again. */
  readonly listens: boolean;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Behind the door, and the first to go where memory runs out. */
const niceness = 10;
const heapMb = 192;
/** Connections that may wait while the process starts. */
const mostPending = 64;
/** Until the socket is taken back after the process died. Milliseconds. */
const againMs = 500;
const usualRetryMs = 30_000;
/** A process that ended sooner than this failed. */
const steadyMs = 10_000;
const endMs = 3000;

interface State extends Required<Omit<ConsoleOptions, 'start'>> {
  start: ConsoleOptions['start'];
  server: Server | undefined;
  child: ChildProcess | undefined;
  startedAtMs: number;
  isReady: boolean;
  ended: boolean;
  pending: Socket[];
  retry: NodeJS.Timeout | undefined;
}

/** Where the address cannot be listened on, that is logged, and tried again. */
export async function openConsoleProgram(options: ConsoleOptions): Promise<ConsoleProgram> {
  makeFolder(options.settings.folder, 0o700);
  const state: State = {
    retryMs: usualRetryMs,
    ...options,
    ...{ server: undefined, child: undefined, startedAtMs: 0, isReady: false, ended: false, pending: [], retry: undefined },
  };
  try {
    await listen(state);
  } catch (error) {
    // Perhaps the one before has not ended yet.
    state.log.error({ err: messageOf(error), retryInMs: state.retryMs }, 'the console cannot listen');
    listenAgain(state, state.retryMs);
  }
  return {
    tell: (message) => state.isReady && state.child?.connected === true && state.child.send(message),
    useCertificate: (certificate) => {
      const { settings } = state.start;
      state.start = { ...state.start, settings: { ...settings, certificate } };
      if (state.child?.connected) state.child.send({ kind: 'certificate', certificate } satisfies ToConsole);
    },
    get listens() {
      return state.server !== undefined || state.isReady;
    },
    get pid() {
      return state.child?.pid;
    },
    [Symbol.asyncDispose]: () => end(state),
  };
}

async function listen(state: State): Promise<void> {
  const { address, port } = state.settings;
  const server = createServer({ pauseOnConnect: true }, (socket) => arrive(state, socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenFault(error, state.settings)));
    server.listen({ host: address, port }, resolve);
  });
  server.on('error', () => undefined);
  state.server = server;
}

function listenFault(error: NodeJS.ErrnoException, { address, port }: ConsoleSettings): Fault {
  const why = error.code === 'EADDRINUSE' ? `port ${port} is taken: set console.port to another one` : messageOf(error);
  return new Fault('bad-config', `The console cannot listen on ${address} (console.address), port ${port} (console.port): ${why}`, error);
}

/** Somebody connects: the process starts, and takes them when it is ready. */
function arrive(state: State, socket: Socket): void {
  socket.on('error', () => undefined);
  if (state.pending.length >= mostPending || state.ended || state.retry) return void socket.destroy();
  state.pending.push(socket);
  socket.once('close', () => (state.pending = state.pending.filter((other) => other !== socket)));
  if (!state.child) begin(state);
}

function begin(state: State): void {
  const child = fork(join(import.meta.dirname, 'main.ts'), [], {
    serialization: 'advanced',
    cwd: '/',
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', NODE_ENV: 'production', TZ: process.env.TZ ?? '' },
    execArgv: permissions(state.settings),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  state.child = child;
  state.startedAtMs = performance.now();
  keepBehind(child);
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (!/ExperimentalWarning|--trace-warnings/.test(text)) state.log.warn({ err: text.trim().slice(0, 2000) }, 'console');
  });
  child.on('message', (said: FromConsole, handle) => heard(state, child, said, handle as Server | undefined));
  child.once('error', (error) => state.log.error({ err: messageOf(error) }, 'the console process cannot be started'));
  child.once('exit', (code, signal) => gone(state, child, code, signal));
}

/** Node's permission model (nodejs.org/api/permissions): a mistake of the process reaches no other file of the door. */
function permissions({ folder }: ConsoleSettings): string[] {
  const base = realpathSync(root);
  const readable = ['src', 'node_modules'].flatMap((name) => [join(base, name), realpathSync(join(base, name))].map((path) => `${path}/*`));
  const files = [...new Set([...readable, join(base, 'package.json'), `${folder}/*`])];
  return [
    ...['--permission', '--disable-warning=ExperimentalWarning', '--disable-warning=SecurityWarning', `--max-old-space-size=${heapMb}`],
    ...files.map((path) => `--allow-fs-read=${path}`),
    `--allow-fs-write=${folder}/*`,
  ];
}

function keepBehind({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, niceness);
    writeFileSync(`/proc/${pid}/oom_score_adj`, '500');
  } catch {
    // It may be gone already.
  }
}

function heard(state: State, child: ChildProcess, said: FromConsole, handle: Server | undefined): void {
  if (said.kind === 'ready') handOver(state, child);
  else if (said.kind === 'listening') takeOver(state, child);
  else if (said.kind === 'failed') state.log.error({ err: said.message }, 'the console cannot serve');
  else if (said.kind === 'idle') takeBack(state, child, handle);
  else state.onSaid(said);
}

function handOver(state: State, child: ChildProcess): void {
  child.send(state.start satisfies ToConsole);
  if (state.server) child.send({ kind: 'listen' } satisfies ToConsole, state.server);
}

/** The process listens: what has connected before goes to it, and the daemon's own copy of the socket is closed. */
function takeOver(state: State, child: ChildProcess): void {
  state.isReady = true;
  state.server?.close();
  state.server = undefined;
  for (const socket of state.pending.splice(0)) child.send({ kind: 'connection' } satisfies ToConsole, socket);
}

function takeBack(state: State, child: ChildProcess, handle: Server | undefined): void {
  if (!handle || state.ended) return;
  const server = createServer({ pauseOnConnect: true }, (socket) => arrive(state, socket));
  server.on('error', () => undefined);
  server.listen(handle);
  state.server = server;
  state.child = undefined;
  state.isReady = false;
  state.onGone();
  child.disconnect();
}

function gone(state: State, child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
  if (state.child !== child) return;
  state.child = undefined;
  state.isReady = false;
  for (const socket of state.pending.splice(0)) socket.destroy();
  state.onGone();
  if (state.ended) return;
  const soon = performance.now() - state.startedAtMs < steadyMs;
  state.log.error({ code, signal }, 'the console process has ended; it starts again when a browser connects');
  state.server?.close();
  state.server = undefined;
  listenAgain(state, soon ? state.retryMs : againMs);
}

function listenAgain(state: State, waitMs: number): void {
  state.retry = setTimeout(async () => {
    state.retry = undefined;
    if (state.ended) return;
    await listen(state).catch((error) => {
      state.log.error({ err: messageOf(error) }, 'the console cannot listen');
      listenAgain(state, state.retryMs);
    });
  }, waitMs).unref();
}

async function end(state: State): Promise<void> {
  state.ended = true;
  clearTimeout(state.retry);
  state.server?.close();
  for (const socket of state.pending.splice(0)) socket.destroy();
  const { child } = state;
  if (!child || child.exitCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.disconnect(); // it ends with its channel
  const hung = setTimeout(() => child.kill('SIGKILL'), endMs);
  await exited;
  clearTimeout(hung);
}
