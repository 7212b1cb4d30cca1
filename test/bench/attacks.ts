/**
 * Residents at a door that is flooded with commands: with the real networks, a real broker and a long journal, the attackers in processes of their
 * own. What counts is whether residents get in as often and as fast as in the quiet blocks, and how much memory the daemon takes.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { doorKeysOf } from '../../src/adapters/command.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Row } from '../../src/cli/door/figures.ts';
import { type DoorCard, newKey, type PrivateKey, publicKeyOf } from '../../src/command/keys.ts';
import { operatorsIn } from '../../src/command/operators.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { fillJournal } from '../fakes/journal.ts';
import { openMosquitto } from '../fakes/mosquitto.ts';
import { residentRows, visitDoor } from './residents.ts';

export interface Flood {
  readonly url: string;
  readonly door: string;
  readonly perS: number;
  /** How long it can last; what it sends is signed before. */
  readonly seconds: number;
  readonly commands: readonly { readonly name: string; readonly args: object }[];
  /** Absent: without a signature. */
  readonly signed?: { readonly operator: PrivateKey; readonly door: DoorCard };
}

const rows = 1_000_000;
/** So many are old: more than are looked through at once, so that whoever asks for old ones has all the newer ones looked through. */
const oldRows = 5000;
const seconds = 120;

export async function benchAttacks(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  await using broker = await openMosquitto();
  try {
    const settings = {
      'state.folder': join(folder, 'state'),
      'mqtt.enabled': true,
      'mqtt.url': broker.url,
      'mqtt.clockCheck': false,
      'mqtt.maxCommandLifeS': 3600,
    };
    const signed = await openSite(settings);
    const flood = { url: broker.url, door: 'front-door', seconds };
    const asks = (name: string, args: object = {}) => ({ name, args });
    const unsigned = [asks('model.list'), asks('journal.query', { limit: 200 }), asks('door.open')];
    const reads = [asks('people.list'), asks('model.list'), asks('config.get'), asks('train.status')];
    const queries = [asks('journal.query', { until: '2021-01-01T00:00:00Z', limit: 200 }), asks('journal.query', { limit: 200 })];
    // Pictures from outside without end: remote-pictures.ts. A broker that means harm: hostile-broker.ts.
    return [
      ...(await attacked('50 unsigned commands/s', settings, { ...flood, perS: 50, commands: unsigned })),
      ...(await attacked("a viewer's 300 signed reads/s", settings, { ...flood, perS: 300, commands: reads, signed })),
      ...(await attacked(`${rows} rows queried without pause`, settings, { ...flood, perS: 100, commands: queries, signed })),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function attacked(what: string, settings: Readonly<Record<string, unknown>>, flood: Flood): Promise<Row[]> {
  const attacker = fork(new URL('./attacker.ts', import.meta.url), [JSON.stringify(flood)]);
  const gone = once(attacker, 'exit');
  await once(attacker, 'message');
  const visited = await visitDoor(settings, (busy) => attacker.send(busy ? 'go' : 'stop'));
  const said = once(attacker, 'message');
  attacker.send('end');
  const [{ sent, replies }] = await said;
  await gone;
  return [...residentRows(`under ${what}`, visited), { what: `… sent (${replies} answered)`, value: sent / visited.seconds, unit: '/s' }];
}

/** A state folder with a long journal that is published already, and the key of a viewer. */
async function openSite(settings: Readonly<Record<string, unknown>>): Promise<NonNullable<Flood['signed']>> {
  const { config } = loadConfig({ flags: new Map<string, unknown>(Object.entries(settings)) });
  const state = config.state.folder;
  mkdirSync(state, { mode: 0o700 });
  const operator = await newKey('Ed25519');
  const viewer = { name: 'a-viewer', role: 'viewer', key: publicKeyOf(operator, 'Ed25519'), addedAt: new Date().toISOString() } as const;
  await operatorsIn(join(state, 'operators.json')).add(viewer);
  const file = join(state, 'journal.sqlite');
  console.error(`bench: attacks: a journal of ${rows} rows is filled …`);
  const now = new Date().toISOString();
  fillJournal(file, rows, (n) => (n <= oldRows ? '2020-06-01T12:00:00.000Z' : now));
  using journal = openJournal({ file, clock: systemClock });
  journal.cursor('mqtt').set(journal.head);
  return { operator, door: (await doorKeysOf(config)).card };
}
