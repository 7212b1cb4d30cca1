/** The document of the console's API: it is in docs/, it is OpenAPI 3.1, and the pages call nothing that it does not list. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { beforeAll, describe, expect, it } from 'vitest';
import { openApi } from '../../docs/generate/openapi.ts';
import { operations } from '../../src/house/console/operations.ts';

interface Described {
  readonly operationId: string;
  readonly summary: string;
  readonly 'x-role': string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }>>;
}

interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
}

const root = join(import.meta.dirname, '../..');
let document: ApiDocument;
let calls: { readonly path: string; readonly method: string; readonly described: Described }[];

beforeAll(async () => {
  document = (await openApi()) as ApiDocument;
  calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({ path, method, described })),
  );
});

it('is the one in docs/ (npm run reference makes it again)', () => {
  expect(JSON.parse(readFileSync(join(root, 'docs/openapi.json'), 'utf8'))).toEqual(document);
});

it('lists every operation of the house, with the role that it needs', () => {
  for (const { name, role, ownRoute } of operations) if (!ownRoute) expect(document.paths[`/api/v1/${name}`]?.post?.['x-role']).toBe(role);
});

it('names and describes each call once, and says who may make it', () => {
  const ids = calls.map(({ described }) => described.operationId);
  expect(ids.length).toBeGreaterThan(50);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { described } of calls) {
    expect(described.summary).toMatch(/^\p{Lu}.{4,}/u);
    expect(['anyone', 'viewer', 'operator', 'admin']).toContain(described['x-role']);
  }
});

describe('OpenAPI 3.1.0', () => {
  const text = { type: 'string', minLength: 1 };
  const content = {
    type: 'object',
    minProperties: 1,
    additionalProperties: { type: 'object', properties: { schema: true }, additionalProperties: false },
  };
  /** As much of the specification's own schema as this document uses; what is not named here is not allowed. */
  const form = {
    type: 'object',
    required: ['openapi', 'info', 'paths'],
    properties: {
      openapi: { const: '3.1.0' },
      info: {
        type: 'object',
        required: ['title', 'version'],
        properties: {
          title: text,
          version: text,
          description: text,
          license: { type: 'object', required: ['name'], properties: { name: text, identifier: text }, additionalProperties: false },
        },
        additionalProperties: false,
      },
      components: {
        type: 'object',
        properties: {
          schemas: { type: 'object' },
          securitySchemes: { type: 'object', additionalProperties: { type: 'object', required: ['type'] } },
        },
        additionalProperties: false,
      },
      security: { $ref: '#/$defs/security' },
      paths: {
        type: 'object',
        propertyNames: { pattern: '^/' },
        additionalProperties: {
          type: 'object',
          propertyNames: { enum: ['get', 'put', 'post', 'delete', 'head', 'patch'] },
          additionalProperties: { $ref: '#/$defs/operation' },
        },
      },
    },
    additionalProperties: false,
    $defs: {
      security: {
        type: 'array',
        items: { type: 'object', propertyNames: { enum: ['token', 'session'] }, additionalProperties: { type: 'array', items: text } },
      },
      operation: {
        type: 'object',
        required: ['operationId', 'responses'],
        properties: {
          operationId: text,
          summary: text,
          description: text,
          tags: { type: 'array', items: text },
          security: { $ref: '#/$defs/security' },
          parameters: {
            type: 'array',
            items: {
              type: 'object',
              required: ['name', 'in', 'schema'],
              properties: {
                name: text,
                in: { enum: ['path', 'query', 'header', 'cookie'] },
                required: { type: 'boolean' },
                description: text,
                schema: true,
              },
              if: { properties: { in: { const: 'path' } } },
              // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
              then: { required: ['required'], properties: { required: { const: true } } },
              additionalProperties: false,
            },
          },
          requestBody: {
            type: 'object',
            required: ['content'],
            properties: { required: { type: 'boolean' }, description: text, content },
            additionalProperties: false,
          },
          responses: {
            type: 'object',
            minProperties: 1,
            propertyNames: { pattern: '^([1-5][0-9]{2}|default)$' },
            additionalProperties: {
              type: 'object',
              required: ['description'],
              properties: { description: text, content, headers: { type: 'object' } },
              additionalProperties: false,
            },
          },
        },
        patternProperties: { '^x-': true },
        additionalProperties: false,
      },
    },
  };
  const checker = new Ajv2020({ strict: false, allErrors: true });
  formats.default(checker);

  it('has its form', () => {
    expect(checker.validate(form, document), checker.errorsText(checker.errors, { separator: '\n' }).slice(0, 2000)).toBe(true);
  });

  it('has schemas of JSON Schema 2020-12 everywhere', () => {
    const schemas = calls.flatMap(({ described }) => [
      ...(described.parameters ?? []).map(({ schema }) => schema),
      ...[described.requestBody, ...Object.values(described.responses)].flatMap((part) =>
        Object.values(part?.content ?? {}).map(({ schema }) => schema ?? {}),
      ),
    ]);
    expect(schemas.length).toBeGreaterThan(100);
    for (const schema of schemas) expect(checker.validateSchema(schema), checker.errorsText(checker.errors)).toBe(true);
  });

  it('declares each parameter of each path', () => {
    for (const { path, described } of calls) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(
        (described.parameters ?? [])
          .filter((each) => each.in === 'path')
          .map(({ name }) => name)
          .toSorted(),
      ).toEqual(inPath.toSorted());
    }
  });
});

describe('the pages', () => {
  const folder = join(root, 'src/console/pages');
  const modules = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
  const fits = (path: string) => {
    const [whole = ''] = path.replaceAll(/\$\{[^}]*\}/g, '*').split('?');
    const form = new RegExp(`^/api/v1/${whole.replaceAll(/[.+^()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]+')}$`);
    return Object.keys(document.paths).some((known) => form.test(known.replaceAll(/\{\w+\}/g, 'xxx')) || known === `/api/v1/${whole}`);
  };

  it('ask for no operation that is not listed', () => {
    const asked = modules.flatMap(({ name, text }) =>
      [...text.matchAll(/\bask\(\s*'([^']+)'/g)].map(([, operation = '']) => ({ name, operation })),
    );
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter(({ operation }) => !document.paths[`/api/v1/${operation}`]?.post)).toEqual([]);
  });

  it('call no address that is not listed', () => {
    const called = modules.flatMap(({ name, text }) => [
      ...[...text.matchAll(/\brequest\(\s*(['`])(.*?)\1/g)].map(([, , path = '']) => ({ name, path })),
      ...[...text.matchAll(/(['"`])api\/v1\/(.*?)\1/g)]
        .map(([, , path = '']) => ({ name, path }))
        .filter(({ path }) => !/^\$\{(path|name)\}$/.test(path)),
    ]);
    expect(called.length).toBeGreaterThan(1);
    expect(called.filter(({ path }) => !fits(path))).toEqual([]);
  });

  it('ask nothing in another way', () => {
    const other = modules.filter(({ text }) => /\bfetch\((?!['`]api\/v1\/)|XMLHttpRequest|sendBeacon/.test(text)).map(({ name }) => name);
    expect(other).toEqual([]);
  });
});
