/**
 * Who asks: hooks before every route of the console. A request goes in; it goes on with `request.caller` and
 * `request.site`, or ends with a refusal, before its body is read. server.ts registers it before any route. Each route
 * says in its `config` who may call it.
 */
import fastifyCookie from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { Clock } from '../base/time.ts';
import { mayAs, type Role } from '../command/port.ts';
import { type ConsoleRefusal, consoleRefusals } from '../events.ts';
import type { Accounts } from './accounts/accounts.ts';
import { tokenPrefix } from './accounts/tokens.ts';
import { deviceLifeMs } from './accounts/tries.ts';
import { canonicalAddress } from './hosts.ts';
import { isUsualOfBrowsers, leadsOut } from './probing.ts';
import { type FailedSignIns, failedSignIns, type RecordEvent, type RefusedRequests, refusedRequests } from './record.ts';
import { TurnedAway } from './refusal.ts';
import { type Site, type SiteRules, siteOf } from './site.ts';

/** Whoever was authenticated. */
export interface ConsoleCaller {
  readonly name: string;
  readonly role: Role;
  readonly by: 'session' | 'token';
  /** Of the session or token. */
  readonly id: string;
  /** Since the sign-in; of a session. */
  readonly ageMs?: number;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route. */
    role?: Role | 'anyone';
    /** Nobody with an access token may: what a stolen token must not change. */
    needsSession?: boolean;
  }
  interface FastifyRequest {
    caller: ConsoleCaller | undefined;
    /** The code of the refusal that was answered. */
    refusal: string | undefined;
    site: Site;
  }
}

export interface AuthenticationOptions {
  readonly accounts: Accounts;
  readonly clock: Pick<Clock, 'now'>;
  readonly rules: SiteRules;
  readonly record: RecordEvent;
}

export interface Authentication {
  readonly failed: FailedSignIns;
  readonly refused: RefusedRequests;
  /** Whether the caller may still do this: what runs for long (a live view) asks again every few seconds. */
  isStillCaller(request: FastifyRequest): boolean;
  /** Begins a session, a new one for each sign-in, and ends the one that the browser had. The browser is known then. */
  signIn(request: FastifyRequest, reply: FastifyReply, name: string): void;
  /** What the browser got when it was signed in before. */
  deviceOf(request: FastifyRequest): string | undefined;
  /** Ends the session of this browser. */
  signOut(request: FastifyRequest, reply: FastifyReply): void;
}

/** Whoever calls a route that not anyone may call. */
export function callerIn({ caller }: FastifyRequest): ConsoleCaller {
  if (caller) return caller;
  throw new TurnedAway(401, 'signed-out', 'Sign in first: nobody is signed in here, or the session is over');
}

const flushEveryMs = 60_000;

interface State extends AuthenticationOptions {
  readonly failed: FailedSignIns;
  readonly refused: RefusedRequests;
}

export async function authenticate(app: FastifyInstance, options: AuthenticationOptions): Promise<Authentication> {
  await app.register(fastifyCookie);
  const failed = failedSignIns(options);
  const refused = refusedRequests(options);
  const state: State = { ...options, failed, refused };
  app.decorateRequest('caller', undefined);
  app.decorateRequest('site');
  app.decorateRequest('refusal', undefined);
  app.addHook('onRoute', refuseOpenRoute);
  app.addHook('onRequest', async (request) => admit(state, request));
  app.addHook('onResponse', async (request) => noteRefusal(state, request));
  const flush = (all = false) => {
    failed.flush(all);
    refused.flush(all);
  };
  const flushing = setInterval(flush, flushEveryMs).unref();
  app.addHook('onClose', async () => {
    clearInterval(flushing);
    flush(true);
  });
  return {
    ...{ failed, refused },
    isStillCaller: (request) => {
      const now = callerOf(state, request);
      return now !== undefined && now.id === request.caller?.id && may(request, now);
    },
    signIn: (request, reply, name) => {
      endSession(state, request);
      const { secret, session } = options.accounts.sessions.open(name, { browser: browserOf(request), address: request.site.address });
      const maxAge = Math.round((Date.parse(session.expiresAt) - Date.parse(session.createdAt)) / 1000);
      void reply.setCookie(cookieName(request.site), secret, { ...cookieForm(request.site), maxAge });
      const { tries } = options.accounts;
      if (tries.isKnown({ name, device: deviceOf(request) })) return;
      void reply.setCookie(deviceName(request.site), tries.newDevice(name), { ...cookieForm(request.site), maxAge: deviceLifeMs / 1000 });
    },
    deviceOf,
    signOut: (request, reply) => {
      endSession(state, request);
      void reply.clearCookie(cookieName(request.site), cookieForm(request.site));
    },
  };
}

/** What none of the console's pages sends. */
function noteRefusal({ refused }: State, request: FastifyRequest): void {
  const { caller, site, socket } = request;
  const why = refusalToTell(request);
  if (why) refused.add({ why, name: caller?.name, address: site?.address ?? canonicalAddress(socket.remoteAddress ?? '') });
}

/** What an operation does not find, and a session that is over, are no attack: their page asks once more. */
function refusalToTell({ refusal, headers, cookies, is404, method, originalUrl }: FastifyRequest): ConsoleRefusal | undefined {
  if (leadsOut(originalUrl)) return 'not-found';
  if (refusal === 'not-found')
    return (is404 || !originalUrl.startsWith('/api/')) && !isUsualOfBrowsers({ method, url: originalUrl }) ? refusal : undefined;
  if (refusal === 'signed-out' && (headers.authorization !== undefined || Object.keys(cookies ?? {}).length > 0)) return undefined;
  return consoleRefusals.find((each) => each === refusal);
}

/** A mistake in the program: nothing starts. */
function refuseOpenRoute({ config, method, url }: RouteOptions): void {
  if (config?.role === undefined) throw new Error(`the route ${method} ${url} does not say who may call it (config.role)`);
}

function admit(state: State, request: FastifyRequest): void {
  request.site = siteOf(state.rules, {
    headers: request.headers,
    localAddress: request.socket.localAddress ?? '',
    remoteAddress: request.socket.remoteAddress ?? '',
  });
  request.caller = callerOf(state, request);
  if (!request.caller && bearerOf(request) !== undefined) {
    state.failed.add({ with: 'token', address: request.site.address });
    throw new TurnedAway(
      401,
      'signed-out',
      'This access token does not count: it was revoked, its time is over, or it is not of this door',
    );
  }
  if (request.is404) return;
  if (request.caller?.by !== 'token') refuseForeignPage(request);
  const { role = 'admin' } = request.routeOptions.config;
  if (role === 'anyone' || (request.caller && may(request, request.caller))) return;
  throw refusalFor(request, role);
}

const may = ({ routeOptions: { config } }: FastifyRequest, caller: ConsoleCaller): boolean =>
  (config.role === 'anyone' || mayAs(caller.role, config.role ?? 'admin')) && !(config.needsSession && caller.by === 'token');

function refusalFor({ caller, routeOptions }: FastifyRequest, role: Role): TurnedAway {
  if (!caller) return new TurnedAway(401, 'signed-out', 'Sign in first: nobody is signed in here, or the session is over');
  if (!mayAs(caller.role, role))
    return new TurnedAway(403, 'role', `This needs the role ${role}, and ${caller.name} has ${caller.role} here`);
  return new TurnedAway(
    403,
    'needs-session',
    `An access token cannot do this: sign in to the console (${routeOptions.method} ${routeOptions.url})`,
  );
}

function callerOf({ accounts }: Pick<State, 'accounts'>, request: FastifyRequest): ConsoleCaller | undefined {
  const secret = bearerOf(request);
  if (secret === undefined) return bySession(accounts, request);
  const token = secret.startsWith(tokenPrefix) ? accounts.tokens.find(secret) : undefined;
  return token && { name: token.name, role: token.role, by: 'token', id: token.id };
}

const bearerOf = ({ headers }: FastifyRequest): string | undefined => /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];

function bySession(accounts: Accounts, request: FastifyRequest): ConsoleCaller | undefined {
  const secret = sessionSecret(request);
  const found = secret === undefined ? undefined : accounts.sessions.find(secret);
  return found && { name: found.account.name, role: found.account.role, by: 'session', id: found.session.id, ageMs: found.ageMs };
}

/**
 * None where the browser sends two of that name: one is not ours, and which one cannot be told. Other servers of this
 * host (on other ports) can set cookies for it.
 */
function sessionSecret(request: FastifyRequest): string | undefined {
  const name = cookieName(request.site);
  const sent = (request.headers.cookie ?? '').split(';').filter((cookie) => cookie.trimStart().startsWith(`${name}=`));
  return sent.length === 1 ? request.cookies[name] : undefined;
}

function endSession({ accounts }: State, request: FastifyRequest): void {
  const secret = sessionSecret(request);
  const found = secret === undefined ? undefined : accounts.sessions.find(secret);
  if (found) accounts.sessions.revoke(found.session.id);
}

/**
 * With the port by which the browser sees this console: cookies do not know ports, and another door of the same host
 * has its own. `__Host-`: browsers take it only over TLS, for the whole host and from no other one.
 */
const cookieName = ({ isTls, prefix, origin }: Site): string =>
  `${isTls && prefix === '' ? '__Host-' : ''}facelatch-${/:(\d+)$/.exec(origin)?.[1] ?? (isTls ? 443 : 80)}`;
const deviceName = (site: Site): string => `${cookieName(site)}-device`;
const deviceOf = ({ cookies, site }: FastifyRequest): string | undefined => cookies[deviceName(site)];
const cookieForm = ({ isTls, prefix }: Site) => ({ path: prefix || '/', httpOnly: true, sameSite: 'strict', secure: isTls }) as const;

/**
 * Requests that change something come from the console's own pages, whether somebody is signed in or not: nobody is
 * signed in as somebody else by a foreign page. Other programs use access tokens.
 */
function refuseForeignPage({ method, headers, site, caller, routeOptions }: FastifyRequest): void {
  const fetchSite = headers['sec-fetch-site'];
  const isRead = (method === 'GET' || method === 'HEAD') && headers.upgrade === undefined;
  if (isRead) {
    if (fetchSite === 'cross-site' && caller && routeOptions.config.role !== 'anyone') throw foreignPage();
    return;
  }
  if (headers.origin !== site.origin || (fetchSite !== undefined && fetchSite !== 'same-origin')) throw foreignPage();
  // A browser sends this header to no other server without having asked it first. WebSockets cannot send it.
  if (headers.upgrade === undefined && headers['x-facelatch'] !== '1') throw foreignPage();
}

const foreignPage = () =>
  new TurnedAway(
    403,
    'foreign-page',
    'This request does not come from a page of this console: open the console itself, or use an access token (header Authorization)',
  );

/** What a browser calls itself, as a list of sessions shows it. */
const browserOf = ({ headers }: FastifyRequest): string => (headers['user-agent'] ?? '').replaceAll(/[^\x20-\x7e]/g, '').slice(0, 200);
