/**
 * Serves the metrics to Prometheus: answers `GET /metrics` and nothing else. `adapters/host.ts` opens it;
 * it ends when it is disposed.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fault, messageOf } from '../base/errors.ts';
import type { Metrics } from './metrics.ts';

export interface MetricsServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
}

export interface MetricsServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly metrics: Pick<Metrics, 'scrape'>;
}

/** So that nobody keeps many connections open, or one for long. */
const mostConnections = 16;
const requestMs = 5000;

/** Listens. Throws Fault `bad-config` when it cannot listen on the port. */
export async function openMetricsServer({ host, port, metrics }: MetricsServerOptions): Promise<MetricsServer> {
  const server = createServer(
    { requestTimeout: requestMs, headersTimeout: requestMs, keepAliveTimeout: requestMs },
    (request, response) => {
      void answer(request, response, metrics);
    },
  );
  server.maxConnections = mostConnections;
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw new Fault(
      'bad-config',
      `The metrics cannot be served on ${host} port ${port} (${messageOf(error)}); set metrics.port to a free port, or metrics.enabled to false.`,
      error,
    );
  }
  const taken = (server.address() as AddressInfo).port;
  return {
    port: taken,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}/metrics`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, metrics: Pick<Metrics, 'scrape'>): Promise<void> {
  const plain = { 'content-type': 'text/plain; charset=utf-8' };
  const [path] = (request.url ?? '/').split('?');
  if (path !== '/metrics') return void response.writeHead(404, plain).end('The metrics are at /metrics.\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return void response.writeHead(405, { ...plain, allow: 'GET, HEAD' }).end('Only GET.\n');
  }
  const scraped = await metrics.scrape().catch((error) => {
    if (error instanceof Fault) return error;
    throw error;
  });
  if (scraped instanceof Fault) return void response.writeHead(503, plain).end(`${scraped.message}\n`);
  const { text, contentType } = scraped;
  response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(request.method === 'HEAD' ? undefined : text);
}
