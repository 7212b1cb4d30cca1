/**
 * The HTTP server of the console, put together: settings, operations and the way to the house go in; a server that
 * takes over a listening socket comes out. Who asks is checked before everything else (authentication.ts).
 */
import { createServer as createHttp, type Server as HttpServer } from 'node:http';
import { createServer as createHttps, type Server as HttpsServer } from 'node:https';
import type { Server as NetServer, Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import fastifyCompress from '@fastify/compress';
import fastifyHelmet from '@fastify/helmet';
import fastifyRateLimit from '@fastify/rate-limit';
import fastify, { type FastifyInstance } from 'fastify';
import { systemClock } from '../base/time.ts';
import { openAccounts } from './accounts/accounts.ts';
import type { AskedHouse } from './asking.ts';
import { authenticate } from './authentication.ts';
import type { Broadcast } from './broadcast.ts';
import { canonicalAddress } from './hosts.ts';
import { compileLate } from './late-schemas.ts';
import type { Certificate, ConsoleSettings, FromConsole, Operation } from './port.ts';
import { leadsOut } from './probing.ts';
import type { RecordEvent, RefusedRequests } from './record.ts';
import { answerError, answerNotFound } from './refusal.ts';
import { accountRoutes } from './routes/account-routes.ts';
import { cameraRoutes } from './routes/camera.ts';
import { describeApi, documentRoutes } from './routes/document.ts';
import { uploadRoutes } from './routes/enrol-upload.ts';
import { keptPictureRoutes } from './routes/kept-pictures.ts';
import { liveRoutes } from './routes/live.ts';
import { operationRoutes } from './routes/operations.ts';
import { contentPolicy, pageRoutes } from './routes/page.ts';
import { personExportRoute } from './routes/person-export.ts';
import { pictureRoutes } from './routes/pictures.ts';
import { timelineCsvRoute } from './routes/timeline-csv.ts';

export interface ServerParts {
  readonly settings: ConsoleSettings;
  readonly operations: readonly Operation[];
  readonly house: AskedHouse;
  readonly broadcast: Broadcast;
  readonly say: (message: FromConsole) => void;
  /** What differs from the usual limits. */
  readonly limits?: Partial<typeof usualLimits>;
}

export interface ConsoleServer extends AsyncDisposable {
  /** Takes over the listening socket. */
  listen(socket: NetServer): Promise<void>;
  /** Takes over a connection. */
  take(socket: Socket): void;
  /** For connections from now on; those that are open keep theirs. */
  useCertificate(certificate: Certificate): void;
  /** Of the last request, on the process's own clock. Milliseconds. */
  readonly lastAskedMs: number;
  /** Of the API, OpenAPI 3.1. */
  readonly document: object;
}

const usualLimits = {
  /** Longest time for the headers. Milliseconds. */
  headersMs: 10_000,
  /** And for a whole request: uploads come over a slow radio. */
  requestMs: 60_000,
  /** Requests of an address; routes have their own besides. */
  perMinute: 600,
  /** For each refusal an address that asks for more waits this long: a flood that waits costs little. Milliseconds. */
  refusalMs: 200,
};
/** An address that no route has. */
const nowhere = '/nowhere';
/** Connections at a time; each browser has six at most. */
const mostConnections = 200;

export async function openConsoleServer(parts: ServerParts): Promise<ConsoleServer> {
  const { settings } = parts;
  const limits = { ...usualLimits, ...parts.limits };
  const { headersMs, requestMs } = limits;
  const tls =
    settings.tls === 'on' && settings.certificate ? { cert: settings.certificate.certificate, key: settings.certificate.key } : undefined;
  let lastAskedMs = performance.now();
  const app = fastify({
    bodyLimit: 262_144,
    trustProxy: false,
    // What cannot be decoded gets an answer like others: its host is checked, and it is journalled.
    rewriteUrl: ({ url = '/' }) => (leadsOut(url) ? nowhere : url),
    serverFactory: (handler) => {
      const options = {
        headersTimeout: headersMs,
        requestTimeout: requestMs,
        keepAliveTimeout: 30_000,
        maxHeaderSize: 16_384,
        connectionsCheckingInterval: headersMs / 2,
      };
      const server: HttpServer = tls ? createHttps({ ...options, ...tls }, handler) : createHttp(options, handler);
      server.maxConnections = mostConnections;
      if (settings.tls === 'proxied') server.on('connection', (socket) => refuseStranger(settings, socket));
      return server;
    },
  });
  app.addHook('onRequest', async () => {
    lastAskedMs = performance.now();
  });
  await compileLate(app, { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: false, strict: false } });
  await plugins(app, settings, limits);
  await routes(app, parts);
  await app.ready();
  return {
    listen: (socket) => new Promise((resolve) => app.server.listen(socket, resolve)),
    take: (socket) => {
      app.server.emit('connection', socket);
      socket.resume();
    },
    useCertificate: ({ certificate: cert, key }) => {
      if (tls) (app.server as HttpServer as HttpsServer).setSecureContext({ cert, key });
    },
    [Symbol.asyncDispose]: () => app.close(),
    get document() {
      return app.swagger();
    },
    get lastAskedMs() {
      return lastAskedMs;
    },
  };
}

/** Without TLS, only the proxy is answered. */
function refuseStranger({ ingress }: ConsoleSettings, socket: Socket): void {
  const from = canonicalAddress(socket.remoteAddress ?? '');
  if (!ingress.some((address) => canonicalAddress(address) === from)) socket.destroy();
}

async function plugins(
  app: FastifyInstance,
  settings: ConsoleSettings,
  { perMinute, refusalMs }: Pick<typeof usualLimits, 'perMinute' | 'refusalMs'>,
): Promise<void> {
  app.setErrorHandler(answerError);
  app.addHook('onSend', async ({ refusal }) => {
    if (refusal === 'slow-down') await systemClock.sleep(refusalMs);
  });
  // The hook of a route comes after those of the server: who asks is known by then, also behind a proxy.
  await app.register(fastifyRateLimit, { max: perMinute, timeWindow: 60_000, keyGenerator: ({ site }) => site.address });
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, answerNotFound);
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: contentPolicy,
    crossOriginEmbedderPolicy: false,
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: false, // a certificate of its own, renewed or lost, must not lock the owner out
    xFrameOptions: settings.ingress.length === 0 ? { action: 'deny' } : false,
  });
  await app.register(fastifyCompress, { encodings: ['br', 'gzip'], threshold: 512 });
  await describeApi(app, settings.version);
}

async function routes(app: FastifyInstance, parts: ServerParts): Promise<void> {
  const { settings, say } = parts;
  const hourMs = 3_600_000;
  const life = { idleMs: settings.idleHours * hourMs, longestMs: settings.sessionHours * hourMs };
  const accounts = openAccounts({ file: join(settings.folder, 'console.sqlite'), clock: systemClock, life });
  app.addHook('onClose', async () => accounts[Symbol.dispose]());
  const rules = { machineName: hostname(), hosts: settings.hosts, ingress: settings.ingress, isTls: settings.tls === 'on' };
  const record: RecordEvent = (event) => say({ kind: 'record', event });
  const authentication = await authenticate(app, { accounts, clock: systemClock, rules, record });
  // Before Fastify's own listener, which destroys the socket.
  app.server.prependListener('clientError', (error, socket) => noteBroken(authentication.refused, error, socket as Socket));
  await pageRoutes(app, settings);
  await documentRoutes(app);
  await app.register(
    async (api) => {
      operationRoutes(api, parts);
      await api.register(async (scope) => cameraRoutes(scope, parts));
      pictureRoutes(api, parts);
      personExportRoute(api, parts);
      await api.register(async (uploads) => uploadRoutes(uploads, parts));
      liveRoutes(api, { ...parts, authentication });
      keptPictureRoutes(api, parts);
      timelineCsvRoute(api, { ...parts, record });
      await accountRoutes(api, { accounts, authentication, clock: systemClock, record, title: settings.door });
    },
    { prefix: '/api/v1' },
  );
}

/** What never becomes a request. A browser that speaks TLS to a console without it, or goes away, is no attack. */
function noteBroken(refused: RefusedRequests, error: Error, { bytesRead, remoteAddress }: Socket): void {
  const { code = '', rawPacket } = error as { readonly code?: string; readonly rawPacket?: Uint8Array };
  const isTls = rawPacket?.[0] === 0x16 && rawPacket[1] === 3;
  if (bytesRead === 0 || isTls || remoteAddress === undefined) return;
  const why =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? 'too-slow'
      : code === 'HPE_HEADER_OVERFLOW'
        ? 'oversized'
        : code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE'
          ? 'malformed'
          : undefined;
  if (why) refused.add({ why, address: canonicalAddress(remoteAddress) });
}
