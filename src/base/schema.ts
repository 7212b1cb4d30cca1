/**
 * Schemas of data from outside: typebox's builders, and its check of plain JSON Schema, which loads half as fast as
 * `typebox/compile`. Each schema is compiled at its first check: most commands check few of those that are loaded.
 */
import Typebox, { type Static, type TSchema } from 'typebox';
import { Compile as compileSchema, type Validator } from 'typebox/schema';

export type { Static, TObject, TSchema } from 'typebox';

export const Type = Typebox;

export const isObjectSchema = Typebox.IsObject;

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

export function Compile<const T extends TSchema>(schema: T): SchemaCheck<T> {
  let compiled: Validator<TSchema> | undefined;
  const validator = () => {
    compiled ??= compileSchema<TSchema>(schema);
    return compiled;
  };
  return {
    Check: (value): value is Static<T> => validator().Check(value),
    Parse: (value) => validator().Parse(value) as Static<T>,
    Errors: (value) => validator().Errors(value)[1],
  };
}
