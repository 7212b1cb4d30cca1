/**
 * Schemas of data from outside: builders go in, a check comes out. The types, the form of the schemas and the checks
 * are typebox's. Its own builders are 370 modules and `typebox/compile` 680: half of what a command needs to start.
 */
import type { Static, TSchema, Type as Typebox } from 'typebox';
import { Compile as compileSchema } from 'typebox/schema';

export type { Static, TObject, TSchema } from 'typebox';

/** typebox marks its schemas by keys that JSON does not show. */
const marked = (schema: object, marks: object): object =>
  Object.defineProperties(
    schema,
    Object.fromEntries(
      Object.entries(marks).map(([name, value]) => [name, { value, configurable: true, writable: true, enumerable: false }]),
    ),
  );
const made = (kind: string, keywords: object, options: object = {}): object => marked({ ...keywords, ...options }, { '~kind': kind });
/** A copy with its marks and one more. */
const remarked = (schema: object, marks: object): object =>
  marked(Object.defineProperties({}, Object.getOwnPropertyDescriptors(schema)), marks);
const optional = (schema: object): object => remarked(schema, { '~optional': true });

function object(properties: Readonly<Record<string, object>>, options?: object): object {
  const required = Object.keys(properties).filter((name) => !('~optional' in (properties[name] ?? {})));
  return made('Object', { type: 'object', ...(required.length > 0 && { required }), properties }, options);
}

const builders = {
  Array: (items: object, options?: object) => made('Array', { type: 'array', items }, options),
  Boolean: (options?: object) => made('Boolean', { type: 'boolean' }, options),
  Enum: (values: readonly unknown[], options?: object) => made('Enum', { enum: values }, options),
  Integer: (options?: object) => made('Integer', { type: 'integer' }, options),
  Literal: (value: unknown, options?: object) => made('Literal', { type: typeof value, const: value }, options),
  Null: (options?: object) => made('Null', { type: 'null' }, options),
  Number: (options?: object) => made('Number', { type: 'number' }, options),
  Object: object,
  Optional: optional,
  Partial: ({ properties }: { readonly properties: Readonly<Record<string, object>> }, options?: object) =>
    Object.assign(object(Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, optional(field)]))), options),
  Record: ({ pattern = '^.*$' }: { readonly pattern?: string }, values: object, options?: object) =>
    made('Record', { type: 'object', patternProperties: { [pattern]: values } }, options),
  Refine: (schema: object, check: (value: unknown) => boolean) =>
    remarked(schema, { '~refine': [...refinements(schema), { check, error: () => 'Refine Error' }] }),
  String: (options?: object) => made('String', { type: 'string' }, options),
  Tuple: (items: readonly object[], options?: object) =>
    made('Tuple', { type: 'array', additionalItems: false, items, minItems: items.length }, options),
  Union: (anyOf: readonly object[], options?: object) => made('Union', { anyOf }, options),
  Unknown: (options?: object) => made('Unknown', {}, options),
  Unsafe: (schema: object) => remarked(schema, { '~unsafe': null }),
};

const refinements = (schema: { readonly '~refine'?: readonly object[] }): readonly object[] => schema['~refine'] ?? [];

/** With the types of typebox's own: test/base/schema.test.ts holds that both make the same schemas. */
export const Type = builders as unknown as Pick<typeof Typebox, keyof typeof builders>;

export const isObjectSchema = (schema: TSchema): schema is ReturnType<typeof Type.Object> =>
  '~kind' in schema && schema['~kind'] === 'Object';

interface SchemaCheck<T extends TSchema> {
  Check(value: unknown): value is Static<T>;
  /** @throws where the value does not fit. */
  Parse(value: unknown): Static<T>;
  Errors(value: unknown): readonly SchemaError[];
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** Compiled at the first check: most commands check few of the schemas that are loaded with them. */
export function Compile<const T extends TSchema>(schema: T): SchemaCheck<T> {
  let compiled: ReturnType<typeof compileSchema> | undefined;
  const validator = () => {
    compiled ??= compileSchema(schema);
    return compiled;
  };
  return {
    Check: (value): value is Static<T> => validator().Check(value),
    Parse: (value) => validator().Parse(value) as Static<T>,
    Errors: (value) => validator().Errors(value)[1],
  };
}
