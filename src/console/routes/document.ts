/**
 * The document of the API (OpenAPI 3.1, from the schemas of the routes) and a page that shows it and tries it out.
 * Both need somebody who is signed in.
 */
import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import type { FastifyContextConfig, FastifyInstance } from 'fastify';

const pagePath = '/api/docs';

/** Before all routes, and before the hook that asks each who may call it: those of the page come from a package. */
export async function describeApi(app: FastifyInstance, version: string): Promise<void> {
  app.addHook('onRoute', (route) => {
    if (route.url.startsWith(`${pagePath}/`) || route.url === pagePath) route.config = { ...route.config, role: 'viewer' };
  });
  await app.register(fastifySwagger, {
    transform: ({ schema, url, route: { config, method } }) => ({
      url,
      schema: { ...{ operationId: nameOf(url, method), ...schema }, ...whoMay(config ?? {}) },
    }),
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'facelatch console',
        description:
          'All that the console can do. Sign in for a session cookie, or send a personal access token: `Authorization: Bearer flt_…`. Requests with a cookie that change something need the header `x-facelatch: 1` and come from a page of the console.',
        license: { name: 'MIT', identifier: 'MIT' },
        version,
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'A personal access token.' },
          session: {
            ...{ type: 'apiKey', in: 'cookie', name: '__Host-facelatch-8620' },
            description: 'With the port by which the browser sees the console; `facelatch-8620` where it has no TLS.',
          },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
  });
}

/** Of a route that is no operation of the house: `sessions.id.delete`. */
const nameOf = (url: string, method: string | readonly string[]): string =>
  `${url.replace(/^\/api\/v\d+\//, '').replaceAll(/[/:{}]+/g, '.')}.${[method].flat().join('-').toLowerCase()}`;

/** Who may call a route, for the document; `x-role`: for programs. */
const whoMay = ({ role, needsSession }: FastifyContextConfig) => ({
  'x-role': role,
  ...(role === 'anyone' && { security: [] }),
  ...(needsSession && { security: [{ session: [] }] }),
});

/**
 * Content-Security-Policy Level 3: nothing from elsewhere. The page draws small pictures that it carries itself; the
 * one style that it sets by itself is allowed by its hash.
 */
const pagePolicy = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': ["'self'", "'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='"],
  'img-src': ["'self'", 'data:'],
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'self'",
};

export async function documentRoutes(app: FastifyInstance): Promise<void> {
  app.get(
    '/api/v1/openapi.json',
    { config: { role: 'viewer' }, schema: { summary: 'This document.', operationId: 'openapi', tags: ['api'], hide: true } },
    async ({ site }, reply) => reply.header('cache-control', 'no-cache').send(documentFor(app, site.prefix)),
  );
  await app.register(fastifySwaggerUi, {
    routePrefix: pagePath,
    staticCSP: pagePolicy,
    transformSpecification: (_document, { site }) => documentFor(app, site.prefix),
    transformSpecificationClone: false,
    theme: { title: 'facelatch API' },
    uiConfig: {
      deepLinking: false,
      docExpansion: 'list',
      // As the console's own pages do.
      requestInterceptor: (request) => {
        Object.assign(request.headers, { 'x-facelatch': '1' });
        return request;
      },
    },
    uiHooks: {
      // The addresses in the page are relative to a folder.
      onRequest: (request, reply, next) => {
        if (request.raw.url?.split('?')[0] === pagePath) void reply.redirect(`${request.site.prefix}${pagePath}/`);
        else next();
      },
    },
  });
}

/** Below the path of another server, the routes are there too. */
function documentFor(app: FastifyInstance, prefix: string): Record<string, unknown> {
  const document = app.swagger() as unknown as Record<string, unknown>;
  return prefix === '' ? document : { ...document, servers: [{ url: prefix }] };
}
