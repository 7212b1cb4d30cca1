/**
 * What the documents hand to other programs fits the door: the queries of the dashboard its metrics, the topics of
 * automations and subscriptions its topics.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { refusals } from '../src/command/port.ts';
import { denials } from '../src/events.ts';
import { doorMetrics } from '../src/host/metrics.ts';

const docs = join(import.meta.dirname, '../docs');
const textOf = (file: string) => readFileSync(join(docs, file), 'utf8');

it('every query of the dashboard and of the alarms asks for a metric that the door exports, with labels that it has', async () => {
  const { text } = await doorMetrics({ door: 'demo', version: '1', readings: () => quiet }).scrape();
  const exported = new Set([...text.matchAll(/^# TYPE (facelatch_\w+) (\w+)$/gm)].flatMap(([, name = '', type]) => withParts(name, type)));
  const labels = new Set([...text.matchAll(/[{,](\w+)="/g)].map(([, label]) => label));
  labels.add('kind');

  const dashboard = textOf('operate/grafana-dashboard.json');
  const queries = [
    ...[...dashboard.matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)].map(([, quoted = '']) => JSON.parse(quoted) as string),
    ...[...textOf('operate/metrics.md').matchAll(/expr: (.*)/g)].map(([, query = '']) => query),
  ];
  expect(queries.length).toBeGreaterThan(20);
  const named = queries.flatMap((query) => [...query.matchAll(/facelatch_\w+/g)].map(([name]) => name));
  expect(named.filter((name) => !exported.has(name))).toEqual([]);
  const asked = queries.flatMap((query) => [...query.matchAll(/[{,]\s*(\w+)\s*=~?"/g)].map(([, label]) => label));
  expect(asked.filter((label) => !labels.has(label) && label !== 'job')).toEqual([]);
});

it('the table of metrics names every metric that the door exports', async () => {
  const { text } = await doorMetrics({ door: 'demo', version: '1', readings: () => quiet }).scrape();
  const exported = [...text.matchAll(/^# TYPE facelatch_(\w+) /gm)].map(([, name]) => name);
  const page = textOf('operate/metrics.md');
  expect(exported.filter((name) => !new RegExp(`\`${name}[\`{]`).test(page))).toEqual([]);
});

it('every reason to deny and every refusal of a command is explained', () => {
  const missing = (codes: readonly string[], page: string) => codes.filter((code) => !textOf(page).includes(`\`${code}\``));
  expect(missing(denials, 'use/journal.md')).toEqual([]);
  expect(missing(refusals, 'operate/signed-commands.md')).toEqual([]);
});

it('every topic that the documents subscribe to or react on is one that the door publishes', () => {
  const { channels } = JSON.parse(textOf('asyncapi.json')) as { channels: Record<string, { address: string }> };
  const addresses = Object.values(channels).map(({ address }) => address.split('/'));
  const pages = readdirSync(docs, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'));
  const topics = pages.flatMap((file) =>
    [...textOf(file).matchAll(/(?:^\s*topic: |-t ')(facelatch\/[^'\s]+)/gm)].map(([, topic = '']) => `${file}: ${topic}`),
  );
  expect(topics.length).toBeGreaterThan(10);
  expect(
    topics.filter((named) => {
      const levels = named.split(': ')[1]?.split('/') ?? [];
      return !addresses.some((address) => fits(levels, address));
    }),
  ).toEqual([]);
});

/** Whether a subscription takes a topic of the AsyncAPI document, where `{…}` is any level. */
function fits(subscription: readonly string[], address: readonly string[]): boolean {
  const [first, ...rest] = subscription;
  const [level, ...more] = address;
  if (first === '#') return true;
  if (first === undefined || level === undefined) return first === level;
  return (first === '+' || level.startsWith('{') || first === level) && fits(rest, more);
}

function withParts(name: string, type: string | undefined): string[] {
  return type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}

const quiet = {
  frames: 0,
  unreadable: 0,
  damaged: 0,
  frameAgeMs: undefined,
  camera: 'running',
  broker: 'off',
  backlog: 0,
  people: 0,
  templates: 0,
  released: false,
  relayHeld: true,
  armed: true,
  masked: 0,
  thresholdLogit: 8,
} as const;
