/**
 * The configuration: files, environment and flags go in; every setting, typed and checked, with the source of its value comes out, or all
 * problems at once.
 */
import { readFileSync } from 'node:fs';
import convict from 'convict';
import { Fault, messageOf } from './errors.ts';
import { hasTimer, isCall, isLetter } from './relay/devices.ts';
import { type ConfigOf, envName, isLeaf, leaves, schema } from './settings.ts';

export type Config = ConfigOf<typeof schema>;

export interface SourceOf {
  readonly value: unknown;
  /** `default`, `file …`, `environment NAME` or `flag …`. */
  readonly source: string;
  readonly sensitive: boolean;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Every setting's path with its value and where it came from. */
  readonly sources: ReadonlyMap<string, SourceOf>;
}

export interface ConfigSources {
  /** A JSON file; later ones win. */
  readonly files?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `path` → value from the command line (text is read as the setting's type). */
  readonly flags?: ReadonlyMap<string, unknown>;
}

/** Text from the environment or a flag as the setting's type; text that does not fit stays text, so that the check names it. */
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

/** The schema as convict takes it: each setting is a format of its own, with the environment name and how text becomes its type. */
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
  return build(schema, '') as convict.Schema<object>;
}

/** convict's object by dotted paths in text; its own types know only literal ones. */
interface Settings {
  set(path: string, value: unknown): void;
  get(path: string): unknown;
  has(path: string): boolean;
  getProperties(): unknown;
  validate(options: { allowed: 'strict' }): void;
}

export interface Problem {
  readonly path: string;
  readonly text: string;
}

/**
 * Reads files, environment and flags in rising order of weight.
 * @throws Fault `bad-config` that lists every problem at once: the path, the value, what is allowed and where it came from.
 */
export function loadConfig({ files = [], env = {}, flags = new Map() }: ConfigSources): LoadedConfig {
  const all = leaves();
  const problems: Problem[] = [];
  const origin = new Map<string, string>();
  const relevant = Object.fromEntries(Object.entries(env).filter(([name, value]) => name.startsWith('FACELATCH_') && value !== undefined));
  const isGroup = (path: string) => [...all.keys()].some((known) => known.startsWith(`${path}.`));
  const settings = convict(convictSchema(), { env: relevant, args: [] }) as unknown as Settings;
  for (const file of files) {
    const json = readJson(file);
    for (const path of pathsOf(json, '', all)) {
      if (all.has(path)) {
        // One by one: load() would look for settings inside a setting that is an object.
        settings.set(path, valueAt(json, path));
        origin.set(path, `file ${file}`);
      } else if (isGroup(path))
        problems.push({ path, text: `${path}: is a group of settings, not one; it must be an object (from file ${file})` });
      else problems.push({ path, text: `${path}: no such setting (from file ${file})${nearest(path, [...all.keys()])}` });
    }
  }
  const envNames = new Map([...all.keys()].map((path) => [envName(path), path]));
  for (const [name, text] of Object.entries(relevant)) {
    const path = envNames.get(name);
    if (path) {
      settings.set(path, coerce(text, all.get(path)?.default));
      origin.set(path, `environment ${name}`);
    } else problems.push({ path: name, text: `${name}: no such setting (from the environment)${nearest(name, [...envNames.keys()])}` });
  }
  for (const [path, raw] of flags) {
    const known = all.get(path);
    if (!known) problems.push({ path, text: `${path}: no such setting (from flag --set)${nearest(path, [...all.keys()])}` });
    else settings.set(path, coerce(raw, known.default));
    origin.set(path, 'flag');
  }
  if (env.STATE_DIRECTORY && !origin.has('state.folder')) {
    settings.set('state.folder', env.STATE_DIRECTORY.split(':')[0] ?? '');
    origin.set('state.folder', 'environment STATE_DIRECTORY');
  }
  const sources = new Map<string, SourceOf>();
  for (const [path, { check, allowed, sensitive = false }] of all) {
    const value: unknown = settings.has(path) ? settings.get(path) : undefined;
    const source = origin.get(path) ?? 'default';
    sources.set(path, { value, source, sensitive });
    if (!settings.has(path) && problems.some((p) => path.startsWith(`${p.path}.`))) continue;
    if (!check(value))
      problems.push({
        path,
        text: `${path}: ${sensitive ? 'the value given' : JSON.stringify(value)} is not allowed; it must be ${allowed} (from ${source})`,
      });
  }
  const config = settings.getProperties() as Config;
  if (problems.length === 0) problems.push(...impossible(config, (path) => origin.get(path) ?? 'default'));
  if (problems.length > 0) {
    const list = problems.map((p) => `  ${p.text}`).join('\n');
    throw new Fault(
      'bad-config',
      `The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${list}\nconfig/README.md describes every setting`,
    );
  }
  settings.validate({ allowed: 'strict' });
  return { config, sources };
}

/** Settings that are each allowed and together make no sense. */
export function impossible(config: Config, from: (path: string) => string): Problem[] {
  const { access, camera, face, farm, inputs, metrics, mqtt, relay, retrain } = config;
  const rules: [boolean, string, string][] = [
    [
      access.votes > access.window,
      'access.votes',
      `${access.votes} votes can never be had among ${access.window} frames; access.window must be at least access.votes`,
    ],
    [camera.source === 'rtsp' && camera.url === '', 'camera.url', 'is empty; camera.source "rtsp" needs the address of the camera'],
    [
      camera.retryMinMs > camera.retryMaxMs,
      'camera.retryMinMs',
      `${camera.retryMinMs} is more than camera.retryMaxMs (${camera.retryMaxMs})`,
    ],
    ...Object.entries(access.groups).map(([name, { schedule }]): [boolean, string, string] => [
      schedule !== undefined && !(schedule in access.schedules),
      'access.groups',
      `the group "${name}" has the schedule "${schedule}", which is not in access.schedules (${Object.keys(access.schedules).join(', ') || 'none'})`,
    ]),
    ...access.admits.map((name): [boolean, string, string] => [
      !(name in access.groups),
      'access.admits',
      `"${name}" is no group of access.groups (${Object.keys(access.groups).join(', ') || 'none'})`,
    ]),
    ...(['chip', 'line'] as const).map((name): [boolean, string, string] => [
      (relay.kind === 'gpiod' || relay.kind === 'onoff') && relay[name] === '',
      `relay.${name}`,
      `is empty; relay.kind "${relay.kind}" needs the label of the chip and the name of the line (facelatch relay lines shows them)`,
    ]),
    [
      inputs.kind !== 'none' && inputs.chip === '' && relay.chip === '',
      'inputs.chip',
      'is empty, and so is relay.chip: give the label of the GPIO chip (facelatch relay lines shows them)',
    ],
    [
      inputs.activeLow.some((name) => !['contact', 'exit', 'tamper'].includes(name)),
      'inputs.activeLow',
      'takes contact, exit and tamper only',
    ],
    [
      metrics.enabled && !metrics.anyAddress && !/^(127(\.\d+){3}|::1|localhost)$/.test(metrics.host),
      'metrics.host',
      `${metrics.host} can be reached by other machines, which then see when people come and go; if that is meant, set metrics.anyAddress to true`,
    ],
    ...deviceRules(relay),
    ...credentialRules(config),
    [
      mqtt.homeAssistant.enabled && !mqtt.enabled,
      'mqtt.homeAssistant.enabled',
      'needs a broker: set mqtt.enabled to true and mqtt.url to the broker of Home Assistant',
    ],
    [
      retrain.where === 'farm' && (farm.url === '' || farm.trainers.length === 0),
      farm.url === '' ? 'farm.url' : 'farm.trainers',
      'is empty; retrain.where "farm" needs the address of Redis and the cards of the trainers (docs/farm.md)',
    ],
    [relay.pulseMs > relay.maxMs, 'relay.pulseMs', `${relay.pulseMs} is more than relay.maxMs (${relay.maxMs})`],
    [
      face.quality.minLuminance >= face.quality.maxLuminance,
      'face.quality.minLuminance',
      `${face.quality.minLuminance} is not below face.quality.maxLuminance (${face.quality.maxLuminance})`,
    ],
  ];
  return rules.filter(([broken]) => broken).map(([, path, why]) => ({ path, text: `${path}: ${why} (from ${from(path)})` }));
}

/** systemd gives credentials to a service's main process alone (github.com/systemd/systemd/issues/32583), not to what makes the relay safe after it. */
function credentialRules({ relay, mqtt }: Config): [boolean, string, string][] {
  const files = {
    http: { 'relay.device.passwordFile': relay.device.passwordFile },
    mqtt: { 'mqtt.passwordFile': mqtt.passwordFile, 'mqtt.keyFile': mqtt.keyFile },
  };
  if (relay.kind !== 'http' && relay.kind !== 'mqtt') return [];
  return Object.entries(files[relay.kind]).map(([path, file]): [boolean, string, string] => [
    file.startsWith('/run/credentials/'),
    path,
    `${file} is a systemd credential, which ExecStopPost, that makes the relay safe after a crash, is not given; use a file that only the service can read, such as /etc/facelatch/relay-password (chown facelatch, chmod 400)`,
  ]);
}

/** A value as a message may show it: there may be a password in an address. */
const shown = (text: string): string => (text === '' ? 'is empty' : text.includes('@') ? 'is none' : JSON.stringify(text));

/** What a relay on the network must have, and what makes no sense there. */
function deviceRules({ kind, device, trustBroker, wiring, activeLow }: Config['relay']): [boolean, string, string][] {
  if (kind !== 'http' && kind !== 'mqtt') return [];
  const { model, address, channel, release, ask, reports, released, locked, endsItself } = device;
  const own = model === 'own';
  const fits = kind === 'http' ? isCall : (text: string) => isLetter(text) && !isCall(text);
  const only = { 'shelly-gen1': 'http', zigbee2mqtt: 'mqtt' } as const;
  const other = model === 'shelly-gen1' || model === 'zigbee2mqtt' ? only[model] : kind;
  const form = kind === 'http' ? 'GET http://… or POST http://… BODY' : 'TOPIC PAYLOAD';
  return [
    [
      kind === 'mqtt' && !trustBroker,
      'relay.kind',
      'is "mqtt", which puts the lock behind the broker: whoever holds the broker, or may write to the topic of the relay, opens the door past facelatch; use "http" or a GPIO line, or, if that is meant, set relay.trustBroker to true',
    ],
    [other !== kind, 'relay.device.model', `"${model}" is reached with relay.kind "${other}"`],
    [
      !own && kind === 'http' && !/^https?:\/\/[^\s/@?#]+\/?$/.test(address),
      'relay.device.address',
      `${shown(address)}; relay.kind "http" needs the address of the device, such as http://192.168.1.20, without path; user and password go into relay.device.user and relay.device.passwordFile`,
    ],
    [
      !own && kind === 'mqtt' && !/^[^+#\s]+$/.test(address),
      'relay.device.address',
      `${shown(address)}; relay.kind "mqtt" needs the topic of the device, such as zigbee2mqtt/front-lock`,
    ],
    ...(['release', 'lock'] as const).map((name): [boolean, string, string] => [
      own && !fits(device[name]),
      `relay.device.${name}`,
      `${shown(device[name])}; relay.device.model "own" with relay.kind "${kind}" needs a command ${form}`,
    ]),
    [own && ask !== '' && !fits(ask), 'relay.device.ask', `${shown(ask)}; relay.kind "${kind}" needs a command ${form}`],
    [
      own && release !== '' && !hasTimer(release) && !endsItself,
      'relay.device.release',
      'tells the device not when to switch off by itself: were facelatch, its computer or the network gone by then, the door would stay open; put {s} or {ms} where the device takes a time, or set the device up so that it switches off after some seconds and set relay.device.endsItself to true',
    ],
    [
      own && kind === 'mqtt' && (ask === '' || reports === ''),
      `relay.device.${ask === '' ? 'ask' : 'reports'}`,
      'is empty; over MQTT only the report of the device itself, when it was asked, shows that it is there and has obeyed',
    ],
    [
      own && ask !== '' && (released === '' || locked === ''),
      `relay.device.${released === '' ? 'released' : 'locked'}`,
      'is empty; give what the answer to relay.device.ask holds when the relay is on, and when it is off',
    ],
    [
      own && channel !== 0,
      'relay.device.channel',
      'has no meaning with relay.device.model "own", whose commands name the relay themselves',
    ],
    [
      wiring === 'fail-safe',
      'relay.wiring',
      `is "fail-safe"; a relay on the network switches off by itself, which would open such a door: wire the magnet to the relay's normally closed contact and leave relay.wiring at "fail-secure"`,
    ],
    [activeLow, 'relay.activeLow', `has no meaning with relay.kind "${kind}"`],
  ];
}

function readJson(file: string): object {
  let raw: string;
  try {
    raw = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Fault('bad-config', `The configuration file ${file} cannot be read: ${messageOf(error)}`, error);
  }
  let json: unknown;
  try {
    json = JSON.parse(raw);
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

/** «; did you mean …?» for a name that is a slip of the pen away. */
export function nearest(name: string, known: readonly string[]): string {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++)
        next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
      row = next;
    }
    return row[b.length] ?? 0;
  };
  const best = known.map((k) => ({ k, d: distance(name.toLowerCase(), k.toLowerCase()) })).toSorted((a, b) => a.d - b.d)[0];
  return best && best.d <= Math.max(2, name.length / 4) ? `; did you mean ${best.k}?` : '';
}

/** All defaults as one JSON object: what config/default.json holds. */
export function defaults(): object {
  return loadConfig({}).config;
}
