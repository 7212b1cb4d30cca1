/** A place for whole doors that learn: a state folder, a real broker and an operator with a key; on it the running door, with its networks and a camera that tests show people to. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import sharp from 'sharp';
import { expect } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { newKey, publicKeyOf } from '../../src/command/keys.ts';
import { operatorsIn } from '../../src/command/operators.ts';
import type { Event } from '../../src/events.ts';
import { type House, type Overrides, wire } from '../../src/wire.ts';
import { demoPicture, facelatch, type Run, temporaryFolder } from '../cli/facelatch.ts';
import { fakeCamera } from './camera.ts';
import { doorConfig } from './config.ts';
import { type Mosquitto, openMosquitto } from './mosquitto.ts';

export interface LearningPlace extends AsyncDisposable {
  readonly folder: string;
  readonly state: string;
  readonly broker: Mosquitto;
  /** Hears everything of the door. */
  readonly client: MqttClient;
  /** Sends a command, signed by olga, an admin; what `facelatch send` printed. */
  send(command: string, ...args: string[]): Promise<Run>;
  /** `facelatch …` on the state folder. */
  facelatch(...args: string[]): Promise<Run>;
  /** A running door; where nobody is enrolled yet, ten demo people are, with two pictures each. */
  open(options?: LearningDoorOptions): Promise<LearningDoor>;
  /** Undone with the place, the last first. */
  defer(undo: () => Promise<void>): void;
}

export interface LearningDoorOptions {
  /** A module in place of the shipped recipes and comparison. */
  readonly workshop?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Which of the demo people are enrolled. */
  readonly people?: readonly number[];
  readonly overrides?: Overrides;
}

export interface LearningDoor {
  readonly house: House;
  stop(): Promise<void>;
  /** Enrols, or adds pictures; the person's id. */
  enrol(name: string, pictures: readonly { readonly picture: Uint8Array; readonly source: string }[]): Promise<string>;
  /** Somebody comes: frames of one picture, each with other bytes, until the door has decided. */
  visit(person: number): Promise<Event>;
  /** One frame of somebody. */
  show(person: number): Promise<void>;
  /** One frame of nobody. */
  showNobody(): Promise<void>;
}

const settingsOfDoor = (state: string, broker: string) => ({
  'state.folder': state,
  'relay.pulseMs': 50,
  'access.cooldownMs': 0,
  'access.absenceMs': 200,
  'access.denyAfterMs': 500,
  'access.maxFrameAgeMs': 20_000,
  'access.windowMs': 20_000,
  'access.lockOut.failures': 0,
  'access.lockOut.attempts': 0,
  'face.idleFps': 0,
  'mqtt.enabled': true,
  'mqtt.url': broker,
  'mqtt.clockCheck': false,
  'retrain.priority': 'normal',
});

export async function openLearningPlace(): Promise<LearningPlace> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder()).path;
  const broker = stack.use(await openMosquitto());
  const client = await connectAsync(broker.url, { protocolVersion: 5 });
  stack.defer(() => client.endAsync(true));
  await client.subscribeAsync('facelatch/front-door/#', { qos: 1 });
  const state = join(folder, 'state');
  const keyFile = join(folder, 'key.json');
  const key = await newKey('Ed25519');
  writeFileSync(keyFile, JSON.stringify(key), { mode: 0o600 });
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const olga = { name: 'olga', role: 'admin', key: publicKeyOf(key, 'Ed25519'), addedAt: '2026-01-01T00:00:00.000Z' } as const;
  await operatorsIn(join(state, 'operators.json')).add(olga);
  const resources = stack.move();
  return {
    ...{ folder, state, broker, client },
    send: (command, ...args) =>
      facelatch(['send', 'front-door', command, ...args, '--key', keyFile, '--broker', broker.url, '--state', state, '--json']),
    facelatch: (...args) => facelatch([...args, '--state', state]),
    open: async (options = {}) => {
      const door = await openDoor({ state, broker, client }, options);
      resources.defer(door.stop);
      return door;
    },
    defer: (undo) => resources.defer(undo),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function openDoor(
  { state, broker, client }: Pick<LearningPlace, 'state' | 'broker' | 'client'>,
  { workshop, settings, people = Array.from({ length: 10 }, (_, i) => i + 1), overrides }: LearningDoorOptions,
): Promise<LearningDoor> {
  const config = doorConfig({ ...settingsOfDoor(state, broker.url), ...settings });
  const listens = new Promise<void>((resolve) => client.on('message', (topic) => topic.endsWith('/cmd/self-test') && resolve()));
  const camera = fakeCamera();
  const events: Event[] = [];
  const house = await wire(config, openLog('silent'), {
    camera,
    ...(workshop !== undefined && { workshop }),
    onEvent: (event) => events.push(event),
    ...overrides,
  });
  const enrol: LearningDoor['enrol'] = async (name, pictures) => {
    const read = [];
    for (const { picture, source } of pictures) {
      const template = (await house.reader.read(picture)).faces[0]?.embedding;
      if (!template) throw new Error(`no face is found in ${source} of ${name}`);
      read.push({ picture, template, source });
    }
    return house.gallery.enrol({ name, pictures: read }).id;
  };
  if (house.gallery.list().length === 0)
    for (const person of people)
      await enrol(
        `p${person}`,
        await Promise.all(
          (['neutral', 'smiling'] as const).map(async (source) => ({ picture: await smallPicture(person, source), source })),
        ),
      );
  const end = new AbortController();
  const running = house.run(end.signal);
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    end.abort(new Error('the test is over'));
    await running;
    await house[Symbol.asyncDispose]();
  };
  const nobody = await sharp({ create: { width: 200, height: 200, channels: 3, background: '#a88' } })
    .jpeg()
    .toBuffer();
  let turn = 0;
  await listens;
  return {
    house,
    stop: () => (stopped ??= stop()),
    enrol,
    show: async (person) => camera.push(await frame(person, turn++)),
    showNobody: () => camera.push(nobody),
    visit: async (person) => {
      const before = events.length;
      const decided = () => events.slice(before).find(({ kind }) => kind === 'access.granted' || kind === 'access.denied');
      for (let i = 0; i < 40 && !decided(); i++, await delay(frameMs)) await camera.push(await frame(person, i));
      await camera.push(nobody);
      await expect.poll(decided, { timeout: 20_000, interval: 20 }).toBeDefined();
      // Gone for longer than access.absenceMs, seen by a camera that need not show that as fast as frames can be read.
      for (const from = performance.now(); performance.now() - from < 400; await delay(100)) await camera.push(nobody);
      await camera.push(nobody);
      return decided() as Event;
    },
  };
}

/** At least this long between two frames, as with any camera: what is not shown need not be read. */
const frameMs = 40;
/** Each picture is made once for all visits. */
const pictures = new Map<string, Promise<Buffer>>();

/** Of half the size: a third of the time that a picture takes goes into its pixels. */
function smallPicture(person: number, shot: 'neutral' | 'smiling', quality = 95): Promise<Buffer> {
  const name = `${person} ${shot} ${quality}`;
  const made = pictures.get(name) ?? sharp(demoPicture(person, shot)).resize(300).jpeg({ quality }).toBuffer();
  pictures.set(name, made);
  return made;
}

const frame = (person: number, turn: number) => smallPicture(person, 'smiling', 94 - (turn % 40));

export const journalled = ({ journal }: Pick<House, 'journal'>, kind: Event['kind']) =>
  journal.query({ kinds: [kind] }).map(({ event }) => event);

/** Waits for the `count`-th entry of the kind. Seldom asked: a training takes seconds, and each question reads the journal. */
export const until = (house: Pick<House, 'journal'>, kind: Event['kind'], count = 1) =>
  expect.poll(() => journalled(house, kind).length, { timeout: 180_000, interval: 100 }).toBeGreaterThanOrEqual(count);

/** Steps that a workshop in a test wrote down. */
export const stepsIn = (trace: string) => (existsSync(trace) ? readFileSync(trace, 'utf8').split('\n').slice(0, -1).map(Number) : []);
