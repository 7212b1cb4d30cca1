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
import { answerNotFound } from '../refusal.ts';

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
    reply
      .header('cache-control', 'no-cache')
      .type('text/html; charset=utf-8')
      .send(frame.replace('{{base}}', `${site.prefix}/`)),
  );
  await app.register(fastifyStatic, { root: pages, serve: false });
  fileRoute(app, '/page/', pages, /\.(js|css|svg|webmanifest)$/);
  for (const [name, specifier] of Object.entries(packages)) fileRoute(app, `/lib/${name}/`, folderOf(specifier), /\.(js|css)$/);
}

/** One page is some eighty of them, and several people may sit behind one address. They cost little. */
const fileLimit = { max: 6000, timeWindow: 60_000 };

/** Files of a folder, those of some endings only; @fastify/static keeps requests inside it. */
function fileRoute(app: FastifyInstance, prefix: string, root: string, allowed: RegExp): void {
  const options = { config: { role: 'anyone', rateLimit: fileLimit }, schema: { hide: true } } as const;
  app.get<{ Params: { '*': string } }>(`${prefix}*`, options, (request, reply) => {
    const file = request.params['*'];
    if (!allowed.test(file)) return answerNotFound(request, reply);
    return reply.header('cache-control', 'no-cache').sendFile(file, root);
  });
}

/** Where a package's build for browsers lies: lit has one for Node in a folder of it. */
function folderOf(specifier: string): string {
  return dirname(fileURLToPath(import.meta.resolve(specifier))).replace(/\/node$/, '');
}
