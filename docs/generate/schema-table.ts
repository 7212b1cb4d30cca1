/** A JSON Schema of an object (TypeBox) as a Markdown table: one row for each field. */
import { cell } from './generated.ts';

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly format?: string;
}

/** The rows, or a sentence where there are no fields. */
export function schemaTable(schema: object, none: string): string {
  const { properties = {}, required = [] } = schema as Schema;
  const rows = Object.entries(properties).map(
    ([name, field]) =>
      `| \`${name}\` | ${cell(typeText(field))}${required.includes(name) ? '' : ', optional'} | ${cell(field.description ?? '')} |`,
  );
  return rows.length === 0 ? none : ['| field | type | what it is |', '| --- | --- | --- |', ...rows].join('\n');
}

function typeText(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.length > 8 ? 'one of a list' : schema.enum.map((value) => JSON.stringify(value)).join(' \\| ');
  if (schema.anyOf) return schema.anyOf.map(typeText).join(' or ');
  if (schema.type === 'array') return `list of ${typeText(schema.items ?? {})}`;
  if (schema.properties) return `{ ${Object.keys(schema.properties).join(', ')} }`;
  return schema.format ?? schema.type ?? 'any';
}
