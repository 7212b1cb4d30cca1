/**
 * The console process. The daemon starts it (program.ts), tells it how to serve and hands the listening socket over. It
 * ends with its channel to the daemon, and by itself when nobody has asked for anything for a while.
 */
import type { Server as NetServer, Socket } from 'node:net';
import { messageOf } from '../base/errors.ts';
import { askOver } from './asking.ts';
import { type Broadcast, openBroadcast } from './broadcast.ts';
import type { Certificate, FromConsole, ToConsole } from './port.ts';
import { type ConsoleServer, openConsoleServer } from './server.ts';

/** Without a request and without anybody who watches. Milliseconds. */
const idleMs = 600_000;

interface State {
  readonly house: ReturnType<typeof askOver>;
  readonly broadcast: Broadcast;
  server: ConsoleServer | undefined;
  starting: Promise<void>;
}

const say = (message: FromConsole, handle?: NetServer) => {
  if (process.connected) process.send?.(message, handle);
};

function heard(state: State, message: ToConsole, handle: unknown): void | Promise<void> {
  switch (message.kind) {
    case 'start':
      return start(state, message);
    case 'listen':
      return listen(state, handle as NetServer);
    case 'connection':
      return state.server?.take(handle as Socket);
    case 'answer':
      return state.house.answered(message);
    case 'certificate':
      return useCertificate(state, message.certificate);
    case 'moment':
      state.broadcast.moment(message.moment, message.picture);
      return say({ kind: 'took' });
    case 'told':
      return state.broadcast.tell(message);
  }
}

function start(state: State, { settings, operations }: Extract<ToConsole, { kind: 'start' }>): void {
  state.starting = openConsoleServer({ settings, operations, house: state.house, broadcast: state.broadcast, say }).then((server) => {
    state.server = server;
  });
}

async function useCertificate(state: State, certificate: Certificate): Promise<void> {
  await state.starting;
  state.server?.useCertificate(certificate);
}

async function listen(state: State, socket: NetServer): Promise<void> {
  await state.starting;
  await state.server?.listen(socket);
  say({ kind: 'listening' });
  const looking = setInterval(() => {
    if (state.broadcast.watchers > 0 || !state.server || performance.now() - state.server.lastAskedMs < idleMs) return;
    clearInterval(looking);
    // The daemon ends the channel once it has the socket back.
    say({ kind: 'idle' }, socket);
  }, 10_000).unref();
}

const state: State = {
  house: askOver({ send: say }),
  broadcast: openBroadcast((listeners, viewers) => say({ kind: 'watching', listeners, viewers })),
  server: undefined,
  starting: Promise.resolve(),
};
process.on('message', (message: ToConsole, handle) => {
  void (async () => {
    try {
      await heard(state, message, handle);
    } catch (error) {
      say({ kind: 'failed', message: messageOf(error) });
      process.exitCode = 1;
      process.disconnect();
    }
  })();
});
process.once('disconnect', () => process.exit());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined); // the daemon decides when it ends
say({ kind: 'ready' });
