/** A real redis-server on a free loopback port, for tests: started, stopped, killed and frozen like any process. Needs `redis-server` installed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from './mosquitto.ts';

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** The authority of its certificate, where it speaks TLS. */
  readonly ca: string | undefined;
  /** Starts it (again), on the same port and its old data; resolves when it answers. */
  start(): Promise<void>;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** A connection that may do anything; closed with the server. */
  client(): Redis;
}

export interface RedisServerOptions {
  /** Lines of its configuration beside the port. */
  readonly config?: readonly string[];
  readonly tls?: boolean;
  /** Keeps its data across `start`. Default true. */
  readonly keeps?: boolean;
  /** Password of the default user; without one anybody may do anything. */
  readonly password?: string;
}

export async function openRedis({ config = [], tls = false, keeps = true, password }: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-redis-'));
  const port = await freePort();
  const pems = tls ? certificate(folder) : undefined;
  const listening = pems
    ? ['port 0', `tls-port ${port}`, `tls-cert-file ${pems.cert}`, `tls-key-file ${pems.key}`, 'tls-auth-clients no']
    : [`port ${port}`];
  const lines = [
    ...listening,
    'bind 127.0.0.1',
    `dir ${folder}`,
    'save ""',
    keeps ? 'appendonly yes' : 'appendonly no',
    'appendfsync always',
    'maxmemory-policy noeviction',
    ...(password ? [`user default on >${password} ~* &* +@all`] : []),
    ...config,
  ];
  writeFileSync(join(folder, 'redis.conf'), `${lines.join('\n')}\n`, { mode: 0o600 });
  const ca = pems && readFileSync(pems.cert, 'utf8');
  const clients: Redis[] = [];
  const client = () => {
    const made = new Redis({
      host: '127.0.0.1',
      port,
      ...(password && { password }),
      ...(ca && { tls: { ca } }),
      maxRetriesPerRequest: null,
    });
    made.on('error', () => undefined);
    clients.push(made);
    return made;
  };
  let server: ChildProcess | undefined;
  const kill = async () => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  };
  const start = async () => {
    server = spawn('redis-server', [join(folder, 'redis.conf')], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [server.stdout, server.stderr])
      stream?.on('data', (chunk) => {
        said += chunk;
      });
    while (!said.includes('Ready to accept connections')) {
      if (server.exitCode !== null) throw new Error(`redis-server ended with ${server.exitCode}: ${said}`);
      await delay(5); // between two looks at the condition
    }
  };
  await start();
  return {
    port,
    url: `${tls ? 'rediss' : 'redis'}://127.0.0.1:${port}`,
    ca,
    start,
    kill,
    freeze: () => server?.kill('SIGSTOP'),
    thaw: () => server?.kill('SIGCONT'),
    client,
    [Symbol.asyncDispose]: async () => {
      for (const each of clients) each.disconnect();
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A certificate for 127.0.0.1 that is its own authority. */
function certificate(folder: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, 'redis.pem'), join(folder, 'redis.key')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-keyout', key, '-out', cert, '-subj', '/CN=facelatch test', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ],
    { stdio: 'ignore' },
  );
  return { cert, key };
}
