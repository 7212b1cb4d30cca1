/** A real mosquitto on a free loopback port, for tests: started, stopped, killed and frozen like any process. Needs `mosquitto` installed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Mosquitto extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** A folder of its own for files that the configuration names. */
  readonly folder: string;
  /** Starts it (again), on the same port; resolves when it accepts connections. */
  start(): Promise<void>;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay, nothing answers. */
  freeze(): void;
  thaw(): void;
}

export interface MosquittoOptions {
  /** Lines of its configuration beside the listener; `$FOLDER` stands for its folder. Default: anybody may do anything. */
  readonly config?: readonly string[];
  /** Files to lay into the folder first. */
  readonly files?: Readonly<Record<string, string>>;
  /** Default true. */
  readonly started?: boolean;
}

export async function openMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const { config = ['allow_anonymous true'], files = {}, started = true } = options;
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-mosquitto-'));
  const port = await freePort();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const lines = [`listener ${port} 127.0.0.1`, 'user root', 'persistence false', ...config];
  writeFileSync(join(folder, 'mosquitto.conf'), `${lines.join('\n').replaceAll('$FOLDER', folder)}\n`, { mode: 0o600 });
  let broker: ChildProcess | undefined;

  const kill = async () => {
    if (!broker || broker.exitCode !== null || broker.signalCode !== null) return;
    const gone = once(broker, 'exit');
    broker.kill('SIGKILL');
    await gone;
  };
  const start = async () => {
    broker = spawn(existsSync('/usr/sbin/mosquitto') ? '/usr/sbin/mosquitto' : 'mosquitto', ['-c', join(folder, 'mosquitto.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    broker.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    await accepting(port, () => {
      if (broker?.exitCode !== null) throw new Error(`mosquitto ended with ${broker?.exitCode}: ${said}`);
    });
  };
  if (started) await start();
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    folder,
    start,
    kill,
    freeze: () => broker?.kill('SIGSTOP'),
    thaw: () => broker?.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A loopback port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves when something accepts connections on the port. */
export async function accepting(port: number, alive: () => void = () => undefined): Promise<void> {
  for (;;) {
    alive();
    const socket = connect(port, '127.0.0.1');
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    await delay(5); // between two looks at the condition
  }
}
