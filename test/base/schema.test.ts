/** The check of `typebox/schema`, compiled when it is first used, against the one of `typebox/compile`. */
import fc from 'fast-check';
import { Compile as typeboxCompile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { Compile, isObjectSchema, Type } from '../../src/base/schema.ts';

const isBytes = (value: unknown) => value instanceof Uint8Array;
const isFull = (value: unknown) => isBytes(value) && value.length > 0;
const closed = { additionalProperties: false } as const;

/** Every builder that the house uses, alone, with options and within others. */
const schemas = {
  string: Type.String(),
  'string with options': Type.String({ minLength: 1, maxLength: 3, pattern: '^[a-c]*$', description: 'letters' }),
  integer: Type.Integer({ minimum: -2, maximum: 3 }),
  number: Type.Number({ exclusiveMinimum: 0 }),
  boolean: Type.Boolean({ description: 'yes or no' }),
  null: Type.Null(),
  unknown: Type.Unknown({ description: 'anything' }),
  enum: Type.Enum(['a', 'b', 'c'], { description: 'one of' }),
  'literal word': Type.Literal('a', { description: 'a word' }),
  'literal number': Type.Literal(3),
  'literal boolean': Type.Literal(true),
  array: Type.Array(Type.Integer(), { minItems: 1, maxItems: 2 }),
  tuple: Type.Tuple([Type.Number(), Type.String()]),
  union: Type.Union([Type.String(), Type.Null()], { description: 'or none' }),
  record: Type.Record(Type.String(), Type.Number(), { description: 'figures' }),
  'record of named keys': Type.Record(Type.String({ pattern: '^[ab]$' }), Type.Number(), closed),
  optional: Type.Optional(Type.String({ minLength: 1 })),
  'empty object': Type.Object({}),
  'object without required fields': Type.Object({ a: Type.Optional(Type.String()) }, closed),
  object: Type.Object({ a: Type.String(), b: Type.Optional(Type.Integer()), c: Type.Object({ a: Type.Optional(Type.Null()) }, closed) }),
  partial: Type.Partial(Type.Object({ a: Type.String(), b: Type.Optional(Type.Integer()) })),
  'closed partial': Type.Partial(Type.Object({ a: Type.String() }), { ...closed, description: 'some' }),
  unsafe: Type.Unsafe<Date>({ type: 'string', maxLength: 2 }),
  'unsafe of a type': Type.Unsafe<Uint8Array>(Type.Unknown()),
  refined: Type.Refine(Type.Unsafe<Uint8Array>({}), isBytes),
  'refined twice': Type.Refine(Type.Refine(Type.Unsafe<Uint8Array>({}), isBytes), isFull),
  'refined within': Type.Object({ a: Type.Refine(Type.Unsafe<Uint8Array>({}), isFull) }),
};
const names = Object.keys(schemas) as (keyof typeof schemas)[];

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
  it('lets through and refuses what typebox compiles, with the same words', () => {
    const mine = Compile(schemas[name]);
    const its = typeboxCompile(schemas[name]);
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
  expect(Compile(schemas['refined twice']).Check(new Uint8Array(1))).toBe(true);
  expect(Compile(schemas['refined twice']).Check(new Uint8Array(0))).toBe(false);
  expect(Compile(schemas.integer).Parse(3)).toBe(3);
  expect(() => Compile(schemas.integer).Parse(4)).toThrow();
});

it('an object is known as one', () => {
  expect(names.filter((name) => isObjectSchema(schemas[name]))).toEqual([
    'empty object',
    'object without required fields',
    'object',
    'partial',
    'closed partial',
    'refined within',
  ]);
});
