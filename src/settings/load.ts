/**
 * The configuration: files, environment and flags go in; all settings come out, typed and checked, each with the source
 * of its value; or a fault that lists all problems.
 */
import { readFileSync } from 'node:fs';
import convict from 'convict';
import { Fault, messageOf } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { unreadable } from '../base/path.ts';
import { withoutByteOrderMark } from '../base/secret.ts';
import { isLeaf } from './kinds.ts';
import { impossible, type Problem } from './rules.ts';
import { envName, leaves, type SettingValues, settingsSchema } from './schema.ts';

export type Config = SettingValues;

export interface SourceOf {
  readonly value: unknown;
  /** `default`, `file …`, `environment NAME` or `flag …`. */
  readonly source: string;
  readonly sensitive: boolean;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The path of every setting, with its value and where the value came from. */
  readonly sources: ReadonlyMap<string, SourceOf>;
}

export interface ConfigSources {
  /** JSON files; later ones override earlier ones. */
  readonly files?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Path → value from the command line (text is converted to the setting's type). */
  readonly flags?: ReadonlyMap<string, unknown>;
}

/**
 * Converts text from the environment or a flag to the setting's type. Text that does not fit stays text, so that the
 * check reports it.
 */
function coerce(raw: unknown, like: unknown): unknown {
  if (typeof raw !== 'string') return raw;
  if (typeof like === 'number' && raw.trim() !== '' && Number.isFinite(Number(raw))) return Number(raw);
  if (typeof like === 'boolean' && (raw === 'true' || raw === 'false')) return raw === 'true';
  if (typeof like === 'object' && like !== null && !Array.isArray(like)) return jsonOf(raw);
  if (Array.isArray(like)) return raw === '' ? [] : raw.split(',').map((s) => s.trim());
  return raw;
}

function jsonOf(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}

/**
 * The schema in convict's form: each setting is its own format, with its environment variable and its conversion from
 * text.
 */
function convictSchema(): convict.Schema<object> {
  const build = (node: object, path: string): object =>
    Object.fromEntries(
      Object.entries(node).map(([key, value]) => {
        const at = path ? `${path}.${key}` : key;
        if (!isLeaf(value)) return [key, build(value, at)];
        const validate = (v: unknown) => {
          if (!value.check(v)) throw new Error(`must be ${value.allowed}`);
        };
        convict.addFormat({ name: at, validate, coerce: (v: unknown) => coerce(v, value.default) });
        return [key, { doc: value.doc, format: at, default: value.default, env: envName(at), sensitive: value.sensitive === true }];
      }),
    );
  return build(settingsSchema, '') as convict.Schema<object>;
}

/** convict's object with dotted paths as text; its own types know only literal paths. */
interface Settings {
  set(path: string, value: unknown): void;
  get(path: string): unknown;
  has(path: string): boolean;
  getProperties(): unknown;
  validate(options: { allowed: 'strict' }): void;
}

/** What was read so far. */
interface Reading {
  readonly all: ReturnType<typeof leaves>;
  readonly settings: Settings;
  /** Source of each setting that was given. */
  readonly origin: Map<string, string>;
  readonly problems: Problem[];
}

/**
 * Reads files, environment and flags; later ones override earlier ones.
 * @throws Fault `bad-config` that lists all problems: the path, the value, what is allowed and where the value came
 * from.
 */
export function loadConfig({ files = [], env = {}, flags = new Map() }: ConfigSources): LoadedConfig {
  const relevant = Object.fromEntries(Object.entries(env).filter(([name, value]) => name.startsWith('FACELATCH_') && value !== undefined));
  const settings = convict(convictSchema(), { env: relevant, args: [] }) as unknown as Settings;
  const reading: Reading = { all: leaves(), settings, origin: new Map(), problems: [] };
  const { origin, problems } = reading;
  for (const file of files) takeFile(reading, file);
  takeEnvironment(reading, relevant);
  takeFlags(reading, flags);
  if (env.STATE_DIRECTORY && !origin.has('state.folder')) {
    settings.set('state.folder', env.STATE_DIRECTORY.split(':')[0] ?? '');
    origin.set('state.folder', 'environment STATE_DIRECTORY');
  }
  const sources = checked(reading);
  const config = settings.getProperties() as Config;
  if (problems.length === 0) problems.push(...impossible(config, (path) => origin.get(path) ?? 'default'));
  if (problems.length > 0) {
    const list = problems.map((p) => `  ${p.text}`).join('\n');
    throw new Fault(
      'bad-config',
      `The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${list}\ndocs/reference/settings.md describes every setting`,
    );
  }
  settings.validate({ allowed: 'strict' });
  return { config, sources };
}

function takeFile({ all, settings, origin, problems }: Reading, file: string): void {
  const json = readJson(file);
  const isGroup = (path: string) => [...all.keys()].some((known) => known.startsWith(`${path}.`));
  for (const path of pathsOf(json, '', all)) {
    if (all.has(path)) {
      // One by one: convict's load() would look for settings inside a setting whose value is an object.
      settings.set(path, valueAt(json, path));
      origin.set(path, `file ${file}`);
    } else if (isGroup(path))
      problems.push({ path, text: `${path}: is a group of settings, not one; it must be an object (from file ${file})` });
    else problems.push({ path, text: `${path}: no such setting (from file ${file})${nearest(path, [...all.keys()])}` });
  }
}

function takeEnvironment({ all, settings, origin, problems }: Reading, env: Readonly<Record<string, string | undefined>>): void {
  const envNames = new Map([...all.keys()].map((path) => [envName(path), path]));
  for (const [name, text] of Object.entries(env)) {
    const path = envNames.get(name);
    if (path) {
      settings.set(path, coerce(text, all.get(path)?.default));
      origin.set(path, `environment ${name}`);
    } else problems.push({ path: name, text: `${name}: no such setting (from the environment)${nearest(name, [...envNames.keys()])}` });
  }
}

function takeFlags({ all, settings, origin, problems }: Reading, flags: ReadonlyMap<string, unknown>): void {
  for (const [path, raw] of flags) {
    const known = all.get(path);
    if (!known) problems.push({ path, text: `${path}: no such setting (from flag --set)${nearest(path, [...all.keys()])}` });
    else settings.set(path, coerce(raw, known.default));
    origin.set(path, 'flag');
  }
}

/** Each setting's value with its source. Values that are not allowed become problems. */
function checked({ all, settings, origin, problems }: Reading): Map<string, SourceOf> {
  const sources = new Map<string, SourceOf>();
  for (const [path, { check, allowed, why, sensitive = false }] of all) {
    const value: unknown = settings.has(path) ? settings.get(path) : undefined;
    const source = origin.get(path) ?? 'default';
    sources.set(path, { value, source, sensitive });
    if (!settings.has(path) && problems.some((p) => path.startsWith(`${p.path}.`))) continue;
    if (!check(value))
      problems.push({
        path,
        text: `${path}: ${why?.(value) ?? `${sensitive ? 'the value given' : JSON.stringify(value)} is not allowed; it must be ${allowed}`} (from ${source})`,
      });
  }
  return sources;
}

function readJson(file: string): object {
  let raw: string;
  try {
    raw = readFileSync(file, 'utf8');
  } catch (error) {
    const closed = (error as { readonly code?: unknown }).code === 'EACCES';
    const remedy = '; it may hold passwords: run this as the user of the service (sudo -u facelatch facelatch …), or give another --config';
    throw new Fault('bad-config', `The configuration file ${unreadable(file, error)}${closed ? remedy : ''}`, error);
  }
  let json: unknown;
  try {
    json = JSON.parse(withoutByteOrderMark(raw));
  } catch (error) {
    throw new Fault('bad-config', `The configuration file ${file} is not JSON: ${messageOf(error)}`, error);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new Fault('bad-config', `The configuration file ${file} must hold one JSON object`);
  return json;
}

const valueAt = (json: object, path: string): unknown =>
  path.split('.').reduce<unknown>((node, name) => (node as Readonly<Record<string, unknown>>)[name], json);

/** The dotted paths of everything in a file, stopping at settings. */
function pathsOf(node: object, path: string, all: ReadonlyMap<string, unknown>): string[] {
  return Object.entries(node).flatMap(([key, value]) => {
    const at = path ? `${path}.${key}` : key;
    if (at === '$schema') return [];
    const inner = typeof value === 'object' && value !== null && !Array.isArray(value) && !all.has(at);
    return inner && Object.keys(value).length > 0 ? pathsOf(value, at, all) : [at];
  });
}

/** All defaults as one object, the content of config/default.json. */
export function defaults(): object {
  return loadConfig({}).config;
}
