/** The kinds of settings: a help text, a default and bounds go in; a setting that can check values comes out. */
import type { GroupRules } from '../access/port.ts';
import { isHttpCall, isMqttMessage } from '../base/network/device-command.ts';
import { isDate, isTimeZone, parseSchedule } from '../base/schedule.ts';
import type { Polygon, Zones } from '../face/port.ts';
import { type LivenessPolicy, livenessPolicies } from '../liveness/port.ts';

/** One setting. `check` tells whether a value is allowed; `allowed` says the same in words. */
export interface Leaf<T> {
  readonly doc: string;
  readonly default: T;
  readonly allowed: string;
  readonly check: (value: unknown) => boolean;
  /** What is wrong with a value, where `allowed` does not say enough. */
  readonly why?: (value: unknown) => string | undefined;
  readonly sensitive?: boolean;
}

export const isLeaf = (value: unknown): value is Leaf<unknown> => typeof value === 'object' && value !== null && 'check' in value;

/** The values that a schema stands for. */
export type ConfigOf<S> = { readonly [K in keyof S]: S[K] extends Leaf<infer T> ? T : ConfigOf<S[K]> };

const leaf = <T>(doc: string, fallback: T, allowed: string, check: (value: unknown) => boolean): Leaf<T> => ({
  doc,
  default: fallback,
  allowed,
  check,
});
/** A setting is written on one line: control characters come from a broken file, and a terminal would obey them. */
const isPlain = (text: string): boolean => !/\p{Cc}/u.test(text);
export const string = (doc: string, fallback: string, pattern = /^/, allowed = 'text without control characters') =>
  leaf(doc, fallback, allowed, (v) => typeof v === 'string' && isPlain(v) && pattern.test(v));
export const secret = (doc: string) => ({ ...leaf(doc, '', 'text', (v) => typeof v === 'string' && !v.includes('\0')), sensitive: true });
/** The beginning of MQTT topics (MQTT 5.0, section 4.7): one or more levels, none empty. */
export const topicPrefix = (doc: string, fallback: string) =>
  string(
    doc,
    fallback,
    /^(?![$\s])[^+#/]{1,64}(?:\/[^+#/]{1,64}){0,7}$/,
    'one to eight levels separated by "/", none empty and none longer than 64, without + and #, and without $ or a space at the start',
  );
export const choice = <const T extends string>(doc: string, fallback: NoInfer<T>, choices: readonly T[]) =>
  leaf<T>(doc, fallback, choices.join(' | '), (v) => choices.some((c) => c === v));
/** Several of a closed list. */
export const choices = <const T extends string>(doc: string, fallback: readonly NoInfer<T>[], all: readonly T[]) =>
  leaf<readonly T[]>(
    doc,
    fallback,
    `a list of ${all.join(' | ')}, none twice`,
    (v) => Array.isArray(v) && v.every((one) => all.some((c) => c === one)) && new Set(v).size === v.length,
  );
/** A quarter turn; a number in a file, a text on the command line. */
export const quarterTurn = (doc: string) =>
  leaf<string | number>(doc, 'auto', 'auto | 0 | 90 | 180 | 270', (v) =>
    ['auto', '0', '90', '180', '270'].some((turn) => turn === v || Number(turn) === v),
  );
export const flag = (doc: string, fallback: boolean) => leaf(doc, fallback, 'true | false', (v) => typeof v === 'boolean');
export const deviceCommand = (doc: string) =>
  leaf(
    doc,
    '',
    '`GET http://…`, `POST http://… BODY`, or `TOPIC PAYLOAD`',
    (v) => typeof v === 'string' && (v === '' || isHttpCall(v) || isMqttMessage(v)),
  );
export const number = (doc: string, fallback: number, min: number, max: number) =>
  leaf(doc, fallback, `a number from ${min} to ${max}`, (v) => typeof v === 'number' && v >= min && v <= max);
export const whole = (doc: string, fallback: number, min: number, max: number) =>
  leaf(doc, fallback, `a whole number from ${min} to ${max}`, (v) => Number.isInteger(v) && (v as number) >= min && (v as number) <= max);
export const names = (doc: string, fallback: readonly string[]) =>
  leaf<readonly string[]>(
    doc,
    fallback,
    'a list of texts without control characters',
    (v) => Array.isArray(v) && v.every((s) => typeof s === 'string' && isPlain(s)),
  );
export const timeZone = (doc: string, fallback: string) =>
  leaf(doc, fallback, 'an IANA name such as Europe/Berlin', (v) => typeof v === 'string' && isTimeZone(v));
export const dates = (doc: string) =>
  leaf<readonly string[]>(
    doc,
    [],
    'a list of dates such as 2026-12-25',
    (v) => Array.isArray(v) && v.every((s) => typeof s === 'string' && isDate(s)),
  );

const isObject = (v: unknown): v is object => typeof v === 'object' && v !== null && !Array.isArray(v);
const isShare = (v: unknown): boolean => typeof v === 'number' && v >= 0 && v <= 1;
const isPolygon = (v: unknown): v is Polygon =>
  Array.isArray(v) && v.length >= 3 && v.length <= 64 && v.every((p) => Array.isArray(p) && p.length === 2 && p.every(isShare));
/** Shoelace formula: a share of the picture. */
const areaOf = (polygon: Polygon): number =>
  Math.abs(polygon.reduce((sum, [x, y], i) => sum + x * (polygon.at(i - 1)?.[1] ?? 0) - y * (polygon.at(i - 1)?.[0] ?? 0), 0)) / 2;
const isZones = (v: unknown): boolean =>
  isObject(v) &&
  Object.entries(v).every(
    ([name, list]) =>
      (name === 'include' || name === 'ignore') &&
      Array.isArray(list) &&
      list.length <= 16 &&
      list.every((each) => isPolygon(each) && areaOf(each) > 0.0005),
  );
export const zones = (doc: string) =>
  leaf<Zones>(
    doc,
    { include: [], ignore: [] },
    'an object such as {"ignore": [[[0, 0], [0.3, 0], [0.3, 1], [0, 1]]]}: polygons of three to 64 corners [x, y], each 0 to 1, that enclose an area',
    isZones,
  );
const isPolicy = (v: unknown): boolean => livenessPolicies.some((policy) => policy === v);
const groupFields: Readonly<Record<string, (value: unknown) => boolean>> = {
  schedule: (value) => typeof value === 'string',
  pin: (value) => typeof value === 'boolean',
  secondPerson: (value) => typeof value === 'boolean',
  liveness: isPolicy,
};
const isGroup = (v: unknown): boolean =>
  isObject(v) && Object.entries(v).every(([name, value]) => Object.hasOwn(groupFields, name) && groupFields[name]?.(value) === true);
/** Policies of liveness by the name of a schedule. */
export const policies = (doc: string) =>
  leaf<Readonly<Record<string, LivenessPolicy>>>(
    doc,
    {},
    `an object such as {"night": "challenge"}, with ${livenessPolicies.join(' | ')}`,
    (v) => isObject(v) && Object.values(v).every(isPolicy),
  );
export const schedules = (doc: string) => ({
  ...leaf<Readonly<Record<string, readonly string[]>>>(
    doc,
    {},
    'an object of lists of rows such as {"office": ["Mon-Fri 08:00-18:00"]}',
    (v) => isSchedules(v) && scheduleTrouble(v) === undefined,
  ),
  why: (v: unknown) => (isSchedules(v) ? scheduleTrouble(v) : undefined),
});
const isSchedules = (v: unknown): v is Readonly<Record<string, readonly string[]>> =>
  isObject(v) && Object.values(v).every((rows) => Array.isArray(rows) && rows.every((r) => typeof r === 'string'));
function scheduleTrouble(named: Readonly<Record<string, readonly string[]>>): string | undefined {
  for (const [name, rows] of Object.entries(named)) {
    const parsed = parseSchedule(rows);
    if (typeof parsed === 'string') return `in "${name}", ${parsed}`;
  }
  return undefined;
}
export const groups = (doc: string) =>
  leaf<Readonly<Record<string, GroupRules>>>(
    doc,
    {},
    'an object such as {"cleaners": {"schedule": "office", "pin": true}}',
    (v) => isObject(v) && Object.values(v).every(isGroup),
  );
