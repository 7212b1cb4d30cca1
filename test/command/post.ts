/** A command desk with everything around it in memory, but for its own files in a folder, and an operator of each role who can sign. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ruler } from '../../src/access/person-rules.ts';
import { openLog } from '../../src/base/log.ts';
import type { Clock } from '../../src/base/time.ts';
import { commandDesk, type DeskOptions } from '../../src/command/desk.ts';
import { type DoorKeys, newKey, openDoorKeys, type PrivateKey, publicKeyOf } from '../../src/command/keys.ts';
import { openUsedCommands } from '../../src/command/limits/used.ts';
import { type Operators, operatorsIn } from '../../src/command/operators.ts';
import { partsOf } from '../../src/command/parts.ts';
import { type Role, roles } from '../../src/command/port.ts';
import { proofOf } from '../../src/command/proof.ts';
import { commands } from '../../src/command/registry.ts';
import type { ReplyBody } from '../../src/command/reply.ts';
import { openSender, type Sender } from '../../src/command/request.ts';
import type { CommandPorts } from '../../src/command/spec.ts';
import type { EmbedderInfo } from '../../src/face/port.ts';
import type { Gallery } from '../../src/identity/port.ts';
import { rosterOf } from '../../src/identity/roster.ts';
import { publicEntry } from '../../src/mqtt/codec.ts';
import { liveSettings } from '../../src/settings/live.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { fakeClock } from '../fakes/clock.ts';
import { type FakeDoor, fakeDoor } from '../fakes/door.ts';
import { randomOf, unitVector } from '../fakes/embeddings.ts';
import { memoryGallery } from '../fakes/gallery.ts';
import { type MemoryJournal, memoryJournal } from '../fakes/journal.ts';

const embedder: EmbedderInfo = {
  name: 'small',
  version: '1',
  sha256: 'a'.repeat(64),
  dimension: 8,
  head: { kind: 'cosine', scale: 10, bias: -5 },
};

export interface Post extends Disposable {
  readonly desk: ReturnType<typeof commandDesk>;
  readonly door: FakeDoor;
  readonly gallery: Gallery;
  readonly journal: MemoryJournal;
  readonly keys: DoorKeys;
  readonly operators: Operators;
  readonly operatorKeys: Readonly<Record<Role, PrivateKey>>;
  readonly senders: Readonly<Record<Role, Sender>>;
  readonly folder: string;
  /** Takes a message as it might come from the broker; what came back as JSON, whether or not it can be read. */
  say(name: string, payload: string | Uint8Array, retained?: boolean): Promise<ReplyBody | string | undefined>;
  /** Signs, hands over, and reads the reply. */
  send(role: Role, name: string, args?: object): Promise<ReplyBody>;
}

export interface PostOptions extends Partial<Omit<DeskOptions, 'clock' | 'keys' | 'prover' | 'used' | 'ports'>> {
  readonly ports?: Partial<CommandPorts>;
  readonly clock?: Clock;
  readonly doorName?: string;
  /** As if the door's keys had been made on another machine. */
  readonly copied?: boolean;
}

/** A desk at its post. Its clock stands still unless another is given. */
export async function openPost({
  clock = fakeClock(),
  doorName = 'front-door',
  copied = false,
  ports = {},
  ...options
}: PostOptions = {}): Promise<Post> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-command-'));
  const keys = { ...(await openDoorKeys(join(folder, 'door-keys.json'), doorName)), copied };
  const operatorsFile = join(folder, 'operators.json');
  const operators = operatorsIn(operatorsFile);
  const used = openUsedCommands(join(folder, 'commands.sqlite'));
  const operatorKeys = { viewer: await newKey('Ed25519'), operator: await newKey('Ed25519'), admin: await newKey('Ed25519') };
  for (const role of roles) {
    const key = publicKeyOf(operatorKeys[role], 'Ed25519');
    await operators.add({ name: `the-${role}`, role, key, addedAt: '2026-01-01T00:00:00.000Z' });
  }
  const senderOf = (role: Role) => openSender({ operator: operatorKeys[role], door: keys.card, clock, lifeS: 30 });
  const senders = { viewer: await senderOf('viewer'), operator: await senderOf('operator'), admin: await senderOf('admin') };
  const journal = memoryJournal({ clock });
  const policy = { policy: 'paper', targetFmr: 0.001, detection: 0.9, verification: 0.5 } as const;
  const gallery = memoryGallery({ embedder, clock, policy });
  const random = randomOf(7);
  for (const name of ['Ada', 'Grace'])
    gallery.enrol({ name, pictures: [{ picture: Buffer.from(name), template: unitVector(random, embedder.dimension), source: 'test' }] });
  const door = fakeDoor();
  const desk = commandDesk({
    commands,
    ports: {
      door,
      gallery,
      rule: ruler({ gallery, journal, names: { schedules: ['office'], groups: ['cleaners'] } }),
      roster: rosterOf({ gallery, journal }),
      entries: async (query) => journal.query(query).map((entry) => publicEntry(entry, doorName)),
      parts: partsOf({ clock, maxBytes: 1000, maxAtOnce: 2, patienceMs: 60_000 }),
      settings: liveSettings(loadConfig({}).config),
      ...ports,
    },
    keys,
    prover: { prove: proofOf({ decrypt: keys.decrypt, operatorsFile }) },
    used,
    clock,
    clockSynchronised: () => true,
    allowUnsigned: [],
    maxBytes: 100_000,
    errorsPerS: 1000,
    maxLifeS: 60,
    skewS: 10,
    log: openLog('silent'),
    ...options,
  });
  const post: Post = {
    desk,
    door,
    gallery,
    journal,
    keys,
    operators,
    operatorKeys,
    senders,
    folder,
    say: async (name, payload, retained = false) => {
      const reply = await desk.take({ name, payload: Buffer.from(payload), retained });
      if (!reply) return undefined;
      return reply.contentType === 'application/json' ? JSON.parse(reply.payload) : reply.payload;
    },
    send: async (role, name, args = {}) => {
      const request = await senders[role].request(name, args);
      const reply = await desk.take({ name, payload: Buffer.from(request.payload), retained: false });
      const read = await request.read(Buffer.from(reply?.payload ?? ''));
      if (!read.proved) throw new Error(`not proved: ${reply?.payload}`);
      return read.body;
    },
    [Symbol.dispose]: () => {
      used[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return post;
}
