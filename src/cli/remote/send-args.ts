/**
 * The arguments of a command: `name=value` texts in (and the files they name), typed arguments that fit its schema
 * out.
 */
import { readFileSync } from 'node:fs';
import { Fault, messageOf } from '../../base/errors.ts';
import { unreadable } from '../../base/path.ts';
import { Compile } from '../../base/schema.ts';
import type { Command } from '../../command/spec.ts';

interface Property {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly contentEncoding?: string;
  /** A secret: it is asked for, and never taken from the command line, which everybody on this machine can read. */
  readonly writeOnly?: boolean;
}

const propertiesOf = ({ args }: Command) => args.properties as Readonly<Record<string, Property>>;

/** The arguments that are secrets. */
export const secretsOf = (command: Command): readonly string[] =>
  Object.entries(propertiesOf(command)).flatMap(([name, { writeOnly }]) => (writeOnly ? [name] : []));

/** `secrets`: what was asked for. @throws Fault `bad-argument`. */
export function argsOf(
  command: Command,
  pairs: readonly string[],
  json: string | undefined,
  secrets: Readonly<Record<string, string>> = {},
): object {
  const properties = propertiesOf(command);
  const given = { ...objectOf(json), ...Object.fromEntries(pairs.map((pair) => [pair.split('=')[0], ''])) };
  const told = secretsOf(command).find((name) => name in given);
  if (told !== undefined)
    throw new Fault(
      'bad-argument',
      `${told} is not taken from the command line, where everybody on this machine can read it: it is asked for`,
    );
  const args: Record<string, unknown> = { ...objectOf(json), ...secrets };
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, at));
    const property = properties[name];
    if (at < 1 || !property) throw new Fault('bad-argument', `${usage(command)}, not "${pair}"`);
    args[name] = typedValue(pair.slice(at + 1), property);
  }
  const missing = (command.args.required ?? []).filter((name) => args[name] === undefined);
  if (missing.length > 0) throw new Fault('bad-argument', `${usage(command)}: ${missing.join(', ')} is missing`);
  const validator = Compile(command.args);
  if (validator.Check(args)) return args;
  const [first] = validator.Errors(args);
  const where = first?.instancePath.slice(1).replaceAll('/', '.') ?? '';
  throw new Fault('bad-argument', `${usage(command)}: ${[where, first?.message].filter(Boolean).join(' ')}`);
}

function objectOf(json: string | undefined): object {
  if (json === undefined) return {};
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw new Fault('bad-argument', `--args takes one JSON object: ${messageOf(error)}`, error);
  }
  throw new Fault('bad-argument', '--args takes one JSON object, such as {"durationMs":5000}');
}

const kinds: Readonly<Record<string, string>> = { string: 'TEXT', boolean: 'true|false', array: 'A,B,…', object: '{JSON}' };

/** `door.hold takes durationMs=INTEGER`; what may be left out stands in brackets. */
function usage({ name, args }: Command): string {
  const required: readonly string[] = args.required ?? [];
  const names = Object.entries(args.properties as Readonly<Record<string, Property>>).map(([key, property]) => {
    const { type = '', contentEncoding } = property;
    const value = contentEncoding ? '@FILE' : (property.enum?.join('|') ?? kinds[type] ?? (type.toUpperCase() || '…'));
    return required.includes(key) ? `${key}=${value}` : `[${key}=${value}]`;
  });
  return `${name} takes ${names.length === 0 ? 'nothing' : names.join(' ')}`;
}

function typedValue(text: string, { type, contentEncoding }: Property): unknown {
  if (contentEncoding === 'base64' && text.startsWith('@')) return fileOf(text.slice(1)).toString('base64');
  if ((type === 'integer' || type === 'number') && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (type === 'object' && text.startsWith('{')) return objectOf(text);
  if (type === 'array') return text === '' ? [] : text.split(',');
  return text;
}

function fileOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Fault('bad-argument', unreadable(file, error), error);
  }
}
