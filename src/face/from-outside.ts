/**
 * Pictures that the door's own camera did not take. An encoded picture of unknown origin goes in; a plain JPEG, made
 * again in a process of its own, comes out. Nothing else of what came from outside is read or kept at the door.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Fault } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import { launched } from '../base/low-priority.ts';
import { Compile, Type } from '../base/schema.ts';
import { serialQueue } from '../base/serial.ts';
import { requireFromOutside } from './header.ts';
import type { OutsidePictures } from './port.ts';

export interface OutsideOptions {
  /** A picture that takes longer is refused, milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  /** The program of the process; a test brings another. */
  readonly program?: string;
  /** The process that starts it ends after this time without a picture, milliseconds. Default 60,000. */
  readonly idleMs?: number;
  /** Ends a process under way; no other is started. */
  readonly signal?: AbortSignal;
}

/** What outside-starter.ts says of a picture. `said`: what its process wrote on standard error. */
export type Decoded =
  | { readonly picture: Uint8Array }
  | { readonly picture: undefined; readonly said: Uint8Array; readonly wasKilled: boolean };

interface State extends Required<OutsideOptions> {
  starter: ChildProcess | undefined;
  idle: NodeJS.Timeout | undefined;
}

const refused = Compile(Type.Object({ code: Type.String(), message: Type.String({ maxLength: 2000 }) }));
const starterFile = fileURLToPath(new URL('./outside-starter.ts', import.meta.url));

/** The way in for pictures from outside: one at a time, each in a process of lowest priority that ends with it. */
export function picturesFromOutside({
  timeoutMs = 30_000,
  program = fileURLToPath(new URL('./outside-process.ts', import.meta.url)),
  idleMs = 60_000,
  signal = new AbortController().signal,
}: OutsideOptions = {}): OutsidePictures {
  const inTurn = serialQueue();
  const state: State = { timeoutMs, program, idleMs, signal, starter: undefined, idle: undefined };
  signal.addEventListener('abort', () => end(state), { once: true });
  return {
    clean: async (encoded) => {
      requireFromOutside(encoded);
      return await inTurn(async () => cleanedBy(state, await decodedApart(state, encoded)));
    },
  };
}

/** Throws the Fault that says why there is none. */
function cleanedBy({ timeoutMs }: State, decoded: Decoded): Uint8Array {
  if (decoded.picture) return decoded.picture;
  const said = parseJson(decoded.said);
  if (refused.Check(said)) {
    const { code, message } = said;
    if (code === 'bad-picture' || code === 'picture-damaged') throw new Fault(code, message);
    throw new Fault('reader-failed', `Pictures from outside cannot be decoded on this machine: ${message}`);
  }
  const why = decoded.wasKilled ? `it took longer than ${timeoutMs / 1000} s` : 'it needs more memory or time than is allowed';
  throw new Fault('bad-picture', `The picture cannot be read: ${why}. Convert it to a JPEG of 2000 pixels`);
}

async function decodedApart(state: State, encoded: Uint8Array): Promise<Decoded> {
  const stopping = () => new Fault('bad-picture', 'The picture was not read: the door is stopping');
  if (state.signal.aborted) throw stopping();
  clearTimeout(state.idle);
  state.starter ??= start(state);
  const { starter } = state;
  hold(starter, true);
  const { promise, resolve, reject } = Promise.withResolvers<Decoded>();
  const gone = () =>
    reject(state.signal.aborted ? stopping() : new Fault('reader-failed', 'The process that starts the decoders of pictures ended early'));
  starter.once('message', resolve).once('exit', gone).once('error', gone);
  starter.send(encoded, (error) => error && gone());
  try {
    return await promise;
  } finally {
    starter.off('message', resolve).off('exit', gone).off('error', gone);
    hold(starter, false);
    state.idle = setTimeout(() => end(state), state.idleMs).unref();
  }
}

function start(state: State): ChildProcess {
  const [execPath = process.execPath, ...before] = launched('low');
  const starter = fork(starterFile, [state.program, String(state.timeoutMs)], {
    execPath,
    execArgv: [...before, '--disable-warning=ExperimentalWarning', '--max-old-space-size=64', '--max-semi-space-size=1'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    cwd: '/',
    // Nothing of the daemon's environment: it may hold passwords, and the socket of systemd.
    env: { MALLOC_ARENA_MAX: '1', UV_THREADPOOL_SIZE: '1' },
  });
  const gone = () => {
    if (state.starter === starter) state.starter = undefined;
  };
  starter.on('exit', gone);
  starter.on('error', gone);
  return starter;
}

/** It keeps this process only while a picture is under way. */
function hold(starter: ChildProcess, on: boolean): void {
  if (on) {
    starter.ref();
    starter.channel?.ref();
  } else {
    starter.unref();
    starter.channel?.unref();
  }
}

/** It ends with its channel, and takes the process under way with it. */
function end(state: State): void {
  const { starter } = state;
  state.starter = undefined;
  if (starter?.connected) starter.disconnect();
}
