/** What a command takes, from the command line, pure but for the files it names: `name=value` texts in, typed arguments that fit its schema out. */
import { readFileSync } from 'node:fs';
import { Compile } from 'typebox/compile';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Command } from '../../command/spec.ts';

interface Property {
  readonly type?: string;
  readonly contentEncoding?: string;
}

/** @throws Fault `bad-argument`. */
export function argsOf(command: Command, pairs: readonly string[], json: string | undefined): object {
  const properties = command.args.properties as Readonly<Record<string, Property>>;
  const args: Record<string, unknown> = { ...objectOf(json) };
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, at));
    const property = properties[name];
    if (at < 1 || !property) throw new Fault('bad-argument', `${command.name} takes ${usage(properties)}; "${pair}" is none of it`);
    args[name] = typedValue(pair.slice(at + 1), property);
  }
  const validator = Compile(command.args);
  if (validator.Check(args)) return args;
  const [first] = validator.Errors(args);
  throw new Fault(
    'bad-argument',
    `${command.name} takes ${usage(properties)}; ${first?.instancePath ?? ''} ${first?.message ?? ''}`.trim(),
  );
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

function usage(properties: Readonly<Record<string, Property>>): string {
  const names = Object.entries(properties).map(
    ([name, { type, contentEncoding }]) => `${name}=${contentEncoding ? '@FILE' : (type ?? '…').toUpperCase()}`,
  );
  return names.length === 0 ? 'nothing' : names.join(' ');
}

function typedValue(text: string, { type, contentEncoding }: Property): unknown {
  if (contentEncoding === 'base64' && text.startsWith('@')) return fileOf(text.slice(1)).toString('base64');
  if ((type === 'integer' || type === 'number') && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (type === 'array') return text === '' ? [] : text.split(',');
  return text;
}

function fileOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Fault('bad-argument', `${file} cannot be read: ${messageOf(error)}`, error);
  }
}
