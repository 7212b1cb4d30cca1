/** The builders of the house against typebox's own, and the check against the one that typebox compiles. */
import fc from 'fast-check';
import { Type as Typebox } from 'typebox';
import { Compile as typeboxCompile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { Compile, isObjectSchema, Type } from '../../src/base/schema.ts';

const isBytes = (value: unknown) => value instanceof Uint8Array;
const isFull = (value: unknown) => isBytes(value) && value.length > 0;
const closed = { additionalProperties: false } as const;

/** Every builder, alone, with options and within others. `T`: the house's or typebox's. */
const schemas = (T: typeof Type) => ({
  string: T.String(),
  'string with options': T.String({ minLength: 1, maxLength: 3, pattern: '^[a-c]*$', description: 'letters' }),
  integer: T.Integer({ minimum: -2, maximum: 3 }),
  number: T.Number({ exclusiveMinimum: 0 }),
  boolean: T.Boolean({ description: 'yes or no' }),
  null: T.Null(),
  unknown: T.Unknown({ description: 'anything' }),
  enum: T.Enum(['a', 'b', 'c'], { description: 'one of' }),
  'literal word': T.Literal('a', { description: 'a word' }),
  'literal number': T.Literal(3),
  'literal boolean': T.Literal(true),
  array: T.Array(T.Integer(), { minItems: 1, maxItems: 2 }),
  tuple: T.Tuple([T.Number(), T.String()]),
  union: T.Union([T.String(), T.Null()], { description: 'or none' }),
  record: T.Record(T.String(), T.Number(), { description: 'figures' }),
  'record of named keys': T.Record(T.String({ pattern: '^[ab]$' }), T.Number(), closed),
  optional: T.Optional(T.String({ minLength: 1 })),
  'empty object': T.Object({}),
  'object without required fields': T.Object({ a: T.Optional(T.String()) }, closed),
  object: T.Object({ a: T.String(), b: T.Optional(T.Integer()), c: T.Object({ a: T.Optional(T.Null()) }, closed) }),
  partial: T.Partial(T.Object({ a: T.String(), b: T.Optional(T.Integer()) })),
  'closed partial': T.Partial(T.Object({ a: T.String() }), { ...closed, description: 'some' }),
  unsafe: T.Unsafe<Date>({ type: 'string', maxLength: 2 }),
  'unsafe of a type': T.Unsafe<Uint8Array>(T.Unknown()),
  refined: T.Refine(T.Unsafe<Uint8Array>({}), isBytes),
  'refined twice': T.Refine(T.Refine(T.Unsafe<Uint8Array>({}), isBytes), isFull),
  'refined within': T.Object({ a: T.Refine(T.Unsafe<Uint8Array>({}), isFull) }),
});
const ours = schemas(Type);
const theirs = schemas(Typebox as unknown as typeof Type);
const names = Object.keys(ours) as (keyof typeof ours)[];

/** A schema with the keys that JSON does not show; of a refinement's own functions only that they are there. */
function laidOpen(schema: unknown): unknown {
  if (typeof schema === 'function') return schema === isBytes || schema === isFull ? schema : 'function';
  if (Array.isArray(schema)) return schema.map(laidOpen);
  if (typeof schema !== 'object' || schema === null) return schema;
  const keys = Object.entries(Object.getOwnPropertyDescriptors(schema));
  return Object.fromEntries(keys.map(([name, { value, ...rest }]) => [name, { ...rest, value: laidOpen(value) }]));
}

const word = fc.constantFrom('a', 'b', 'c', '', 'abcd', 'x\ny');
const leaf = fc.oneof(
  word,
  fc.integer({ min: -4, max: 5 }),
  fc.constantFrom(0.5, Number.NaN, -0),
  fc.boolean(),
  fc.constantFrom(null, undefined, new Uint8Array(0), new Uint8Array(2), new Date(0), 3n),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('any'), { maxLength: 3 }), fc.dictionary(word, tie('any'), { maxKeys: 3 })),
})).any;

describe.each(names)('%s', (name) => {
  it('is the schema that typebox makes', () => {
    expect(laidOpen(ours[name])).toEqual(laidOpen(theirs[name]));
    expect(JSON.stringify(ours[name])).toBe(JSON.stringify(theirs[name]));
  });

  it('lets through and refuses what typebox does, with the same words', () => {
    const mine = Compile(ours[name]);
    const its = typeboxCompile(theirs[name]);
    fc.assert(
      fc.property(value, (given) => {
        expect(mine.Check(given)).toBe(its.Check(given));
        expect(mine.Errors(given)).toEqual(its.Errors(given));
      }),
      { numRuns: 200 },
    );
  });
});

it('what is refined is refused, and Parse gives back what fits and throws on what does not', () => {
  expect(Compile(ours['refined twice']).Check(new Uint8Array(1))).toBe(true);
  expect(Compile(ours['refined twice']).Check(new Uint8Array(0))).toBe(false);
  expect(Compile(ours.integer).Parse(3)).toBe(3);
  expect(() => Compile(ours.integer).Parse(4)).toThrow();
});

it('an object is known as one', () => {
  expect(names.filter((name) => isObjectSchema(ours[name]))).toEqual([
    'empty object',
    'object without required fields',
    'object',
    'partial',
    'closed partial',
    'refined within',
  ]);
});
