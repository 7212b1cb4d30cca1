/**
 * Residents at a door that is flooded: the same visits in quiet and under each attack, in the same run, with the real networks, a real broker and the
 * attackers in processes of their own. What counts is whether residents get in as often and as fast, and how much memory the daemon takes.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { operatorsFile } from '../../src/adapters/command.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Camera } from '../../src/camera/port.ts';
import { personFrame } from '../../src/cli/door/bench.ts';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import { type DoorCard, newKey, openDoorKeys, type PrivateKey, publicKeyOf } from '../../src/command/keys.ts';
import { operatorsIn } from '../../src/command/operators.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { dryRelay } from '../../src/relay/dry.ts';
import { type Config, loadConfig } from '../../src/settings/load.ts';
import { wire } from '../../src/wire.ts';
import { fillJournal } from '../fakes/journal.ts';
import { type Mosquitto, openMosquitto } from '../fakes/mosquitto.ts';
import { benchCamera, emptyFrame, pictureOf } from './scene.ts';

export interface Flood {
  readonly url: string;
  readonly door: string;
  readonly perS: number;
  readonly seconds: number;
  readonly commands: readonly { readonly name: string; readonly args: object }[];
  /** Absent: without a signature. */
  readonly signed?: { readonly operator: PrivateKey; readonly door: DoorCard };
}

interface Measured {
  readonly grants: number;
  readonly p95Ms: number;
  readonly mostMb: number;
  /** Of the flood. */
  readonly sent: number;
  readonly replies: number;
}

interface Site {
  readonly config: Config;
  readonly broker: Mosquitto;
  readonly viewer: PrivateKey;
  readonly card: DoorCard;
}

const visits = 15;
const fps = 15;
/** Frames of nobody and then of a face: an idle door looks four times a second, and the visits begin at each moment between two looks. */
const shown = Array.from({ length: visits }, (_, visit) => [
  ...Array.from({ length: 45 + ((7 * visit) % 15) }, () => 'nobody' as const),
  'first' as const,
  ...Array.from({ length: 14 }, () => 'face' as const),
]).flat();
const seconds = Math.ceil(shown.length / fps);
const rows = 1_000_000;
/** So many are old: more than are looked through at once, so that whoever asks for old ones has all the newer ones looked through. */
const oldRows = 5000;

export async function benchAttacks(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  await using broker = await openMosquitto();
  try {
    const site = await openSite(folder, broker);
    const signed = { operator: site.viewer, door: site.card };
    const flood = (parts: Pick<Flood, 'perS' | 'commands' | 'signed'>): Flood => ({
      ...parts,
      url: broker.url,
      door: 'front-door',
      seconds,
    });
    const asks = (name: string, args: object = {}) => ({ name, args });
    const quiet = await measure(site);
    const unsigned = flood({ perS: 50, commands: [asks('model.list'), asks('journal.query', { limit: 200 }), asks('door.open')] });
    const reads = flood({
      perS: 300,
      signed,
      commands: [asks('people.list'), asks('model.list'), asks('config.get'), asks('train.status')],
    });
    const old = { until: '2021-01-01T00:00:00Z', limit: 200 };
    const queries = flood({ perS: 100, signed, commands: [asks('journal.query', old), asks('journal.query', { limit: 200 })] });
    // A row for remote pictures without end belongs here; a hostile broker has a bench of its own (hostile-broker.ts).
    return [
      ...rowsOf('50 unsigned commands/s', await measure(site, unsigned), quiet),
      ...rowsOf("a viewer's 300 signed reads/s", await measure(site, reads), quiet),
      ...rowsOf(`a journal of ${rows} rows queried without pause`, await measure(site, queries), quiet),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function rowsOf(what: string, under: Measured, quiet: Measured): Row[] {
  console.error(`bench: ${what}: ${under.sent} sent, ${under.replies} answered`);
  return [
    { what: `grants under ${what}, of the quiet run's`, value: (100 * under.grants) / quiet.grants, unit: '%', target: 95, atLeast: true },
    {
      what: '  first frame captured → relay edge, p95',
      value: under.p95Ms,
      unit: 'ms',
      target: Math.round(1.5 * quiet.p95Ms),
      baseline: { what: 'quiet', value: quiet.p95Ms },
    },
    { what: '  memory, most', value: under.mostMb, unit: 'MB', target: 400, baseline: { what: 'quiet', value: quiet.mostMb } },
  ];
}

/** A state folder with a long journal that is published already, a viewer's key, and a configuration for it. */
async function openSite(folder: string, broker: Mosquitto): Promise<Site> {
  const state = join(folder, 'state');
  const flags = new Map<string, unknown>(
    Object.entries({
      'state.folder': state,
      'door.id': 'front-door',
      'camera.source': 'replay',
      'relay.pulseMs': 50,
      'access.cooldownMs': 0,
      'mqtt.enabled': true,
      'mqtt.url': broker.url,
      'mqtt.maxCommandLifeS': 3600,
    }),
  );
  const { config } = loadConfig({ flags });
  const viewer = await newKey('Ed25519');
  const operator = { name: 'a-viewer', role: 'viewer', key: publicKeyOf(viewer, 'Ed25519'), addedAt: new Date().toISOString() } as const;
  // Makes the state folder, too.
  await operatorsIn(operatorsFile(config)).add(operator);
  const file = join(state, 'journal.sqlite');
  console.error(`bench: attacks: filling a journal with ${rows} rows …`);
  const now = new Date().toISOString();
  fillJournal(file, rows, (n) => (n <= oldRows ? '2020-06-01T12:00:00.000Z' : now));
  using journal = openJournal({ file, clock: systemClock });
  journal.cursor('mqtt').set(journal.head);
  await using house = await wire(config, openLog('silent'), { camera: benchCamera(() => pictureOf('p01-neutral'), 1, 0) });
  const picture = pictureOf('p01-neutral');
  const template = (await house.reader.read(picture)).faces[0]?.embedding;
  if (!template) throw new Error('the bench person has no face');
  house.gallery.enrol({ name: 'p01', pictures: [{ picture, template, source: 'bench' }] });
  const { card } = await openDoorKeys(join(state, 'door-keys.json'), config.door.id);
  return { config, broker, viewer, card };
}

/** Runs the visits at a door of its own, under a flood if there is one. */
async function measure({ config }: Site, flood?: Flood): Promise<Measured> {
  const attacker = flood && fork(new URL('./attacker.ts', import.meta.url), [JSON.stringify(flood)], { execArgv: process.execArgv });
  if (attacker) await once(attacker, 'message');
  const [face, nobody] = [await personFrame('p01-smiling'), await emptyFrame()];
  const firstFrames: number[] = [];
  const base = benchCamera((seq) => (shown[seq] === 'nobody' ? nobody : face), fps, shown.length);
  const camera: Camera = {
    label: base.label,
    frames: async function* (signal) {
      attacker?.send('begin');
      for await (const frame of base.frames(signal)) {
        if (shown[frame.seq] === 'first') firstFrames.push(frame.capturedAtMs);
        yield frame;
      }
    },
  };
  const relay = dryRelay({ clock: systemClock, ...config.relay });
  let mostMb = 0;
  const watching = setInterval(() => {
    mostMb = Math.max(mostMb, process.memoryUsage.rss() / 1e6);
  }, 250);
  const said = attacker && once(attacker, 'message');
  try {
    await using house = await wire(config, openLog('silent'), { camera, relay, clock: systemClock, clockSynchronised: () => true });
    await house.run(new AbortController().signal);
    const [{ sent, replies }] = said ? await said : [{ sent: 0, replies: 0 }];
    const opened = relay.edges.filter((edge) => edge.level === 'active').map((edge) => edge.atMs);
    const grants = firstFrames.filter((from, n) => opened.some((at) => at > from && at < (firstFrames[n + 1] ?? Number.POSITIVE_INFINITY)));
    const waits = firstFrames.map((from) => (opened.find((at) => at > from) ?? Number.POSITIVE_INFINITY) - from);
    return { grants: grants.length, p95Ms: quantile(waits, 0.95), mostMb, sent, replies };
  } finally {
    clearInterval(watching);
    attacker?.kill();
  }
}
