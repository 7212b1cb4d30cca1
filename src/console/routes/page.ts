/**
 * The page: its modules, styles and libraries as they lie on the disk, and the page itself with the map of its imports.
 * Nothing is built, and nothing comes from elsewhere.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import type { ConsoleSettings } from '../port.ts';

const pages = fileURLToPath(new URL('../pages', import.meta.url));

/** Packages that browsers load, by the path under which they are served. */
const packages: Readonly<Record<string, string>> = {
  lit: 'lit',
  'lit-html': 'lit-html',
  'lit-element': 'lit-element/lit-element.js',
  'reactive-element': '@lit/reactive-element',
  uplot: 'uplot',
  webauthn: '@simplewebauthn/browser',
};

/** Bare names in the modules, and where they are. */
const imports = {
  lit: './lib/lit/index.js',
  'lit/': './lib/lit/',
  'lit-html': './lib/lit-html/lit-html.js',
  'lit-html/': './lib/lit-html/',
  'lit-element/': './lib/lit-element/',
  '@lit/reactive-element': './lib/reactive-element/reactive-element.js',
  uplot: './lib/uplot/uPlot.esm.js',
  '@simplewebauthn/browser': './lib/webauthn/index.js',
};
const importMap = JSON.stringify({ imports });
const importMapHash = createHash('sha256').update(importMap).digest('base64');

/** Content-Security-Policy Level 3: nothing from elsewhere, nothing inline but the map of imports. */
export const contentPolicy = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'", `'sha256-${importMapHash}'`],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'blob:', 'data:'],
    mediaSrc: ["'self'", 'blob:'],
    connectSrc: ["'self'"],
    manifestSrc: ["'self'"],
    baseUri: ["'self'"],
    formAction: ["'none'"],
    frameAncestors: ["'self'"],
  },
};

const headFile = join(pages, 'index.html');

export async function pageRoutes(app: FastifyInstance, { version }: ConsoleSettings): Promise<void> {
  const frame = readFileSync(headFile, 'utf8').replace('{{imports}}', importMap).replaceAll('{{version}}', version);
  app.get('/', { config: { role: 'anyone' }, schema: { hide: true } }, async ({ site }, reply) =>
    reply.header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(frame.replace('{{base}}', `${site.prefix}/`)),
  );
  const common = { decorateReply: false, index: false, dotfiles: 'ignore', schemaHide: true, config: { role: 'anyone' } } as const;
  await open(app, { ...common, root: pages, prefix: '/page/', allowedPath: (path: string) => /\.(js|css|svg|webmanifest)$/.test(path) });
  for (const [name, specifier] of Object.entries(packages))
    await open(app, { ...common, root: folderOf(specifier), prefix: `/lib/${name}/`, allowedPath: (path: string) => /\.(js|css)$/.test(path) });
}

/** Routes of @fastify/static in a scope of their own, where each says that anybody may have them. */
async function open(app: FastifyInstance, { config, ...options }: Parameters<typeof fastifyStatic>[1] & { config: { role: 'anyone' } }): Promise<void> {
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, ...config };
    });
    await scope.register(fastifyStatic, options);
  });
}

/** Where a package's build for browsers lies: lit has one for Node in a folder of it. */
function folderOf(specifier: string): string {
  return dirname(fileURLToPath(import.meta.resolve(specifier))).replace(/\/node$/, '');
}
