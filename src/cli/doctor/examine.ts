/** Tries everything that a door needs, one by one: a configuration in; how each part is, with a remedy, out. */

import { existsSync } from 'node:fs';
import { doorKeysFile, modelFolder, stateFolder } from '../../adapters/basics.ts';
import { cameraOf } from '../../adapters/camera.ts';
import { doorKeysOf } from '../../adapters/command.ts';
import { journalOf } from '../../adapters/journal.ts';
import { brokerProbe, embeddedBroker, exposedBroker } from '../../adapters/mqtt.ts';
import { checkSysfsLine, inputsOf, relayLine } from '../../adapters/relay.ts';
import { openRelayDevice } from '../../adapters/relay-line.ts';
import { listOperators } from '../../adapters/vouched/operators.ts';
import { Fault, messageOf } from '../../base/errors.ts';
import { systemClock } from '../../base/time.ts';
import { copiedWords } from '../../command/keys.ts';
import type { FaceReader } from '../../face/port.ts';
import { conclusiveFrames, type MountingFound, mountingIn, mountingOf, rotateFor } from '../../house/mounting-watch.ts';
import { introduced } from '../../learning/networks.ts';
import { lacksOf } from '../../learning/own/own-networks.ts';
import { doorReaderOf } from '../../learning/parts.ts';
import type { Config } from '../../settings/load.ts';
import { foldersBeside } from '../../vault/beside.ts';
import { entriesText, signedWords } from '../journal/journal.ts';
import { lackingWords } from '../remote/key.ts';
import { besideWords, counted } from '../words.ts';
import { checkBackup } from './backup.ts';
import type { Check, Found } from './check.ts';
import { farmChecks } from './farm.ts';
import { checkLiveness } from './liveness.ts';
import { checkClock, checkOptional, checkStateFolder } from './machine.ts';
import { checkPeople } from './people.ts';
import { checkVault } from './vault.ts';

const firstFrameMs = 8000;

/** `withCamera`: false beside a running daemon, which has it. */
export async function* examine(config: Config, withCamera: boolean, stop: AbortSignal): AsyncGenerator<Check> {
  const attempt = async (name: string, work: () => Promise<Found> | Found): Promise<Check> => {
    try {
      return { name, ...(await work()) };
    } catch (error) {
      stop.throwIfAborted(); // stopped: not a problem of this part
      return { name, health: 'problem', found: messageOf(error) };
    }
  };
  await using opened = new AsyncDisposableStack();
  let reader: FaceReader | undefined;
  yield await attempt('networks', async () => {
    const started = performance.now();
    reader = opened.use(await doorReaderOf(config));
    const { name, version } = reader.embedder;
    const lacks = lacksOf(reader.embedder);
    const { detector, embedder } = config.face;
    const base = introduced(modelFolder(embedder));
    // A network trained here goes by the name of what it was trained from, and another version.
    const guard = base.startsWith(`${name} ${version} `) ? base : `${name} ${version}, trained from ${base}`;
    return {
      health: lacks.length > 0 ? 'note' : 'ok',
      found: [
        `${guard} and ${introduced(modelFolder(detector))}, whole, loaded in ${Math.round(performance.now() - started)} ms`,
        ...lacks,
      ].join('; '),
    };
  });
  yield await attempt('liveness', () => checkLiveness(config, reader?.embedder));
  yield await attempt('state', () => checkStateFolder(config));
  yield await attempt('vault', () => checkVault(config));
  if (reader) {
    const { embedder } = reader;
    yield await attempt('people', () => checkPeople(config, embedder));
  }
  yield await attempt('journal', () => {
    using journal = journalOf(config);
    const verdict = journal.verifyCheckpoints();
    if (!verdict.ok)
      return {
        health: 'problem',
        found: `row ${verdict.seq} (${verdict.problem}): ${verdict.detail} Look at "facelatch journal verify", and at a copy elsewhere`,
      };
    return {
      health: 'ok',
      found: `${entriesText(verdict)}${signedWords(verdict)}; "facelatch journal verify" recomputes its chain`,
    };
  });
  yield await attempt('backup', () => checkBackup(config));
  // Where there is none, "state" has said why.
  const state = usableState(config);
  for (const beside of state === undefined ? [] : foldersBeside(state))
    yield { name: 'restore', health: 'note', found: besideWords(beside) };
  if (withCamera && reader) {
    const open = reader;
    yield await attempt('camera', () => checkCamera(config, open, stop));
  }
  yield await attempt('relay', () => checkRelay(config));
  if (config.inputs.kind !== 'none') yield await attempt('inputs', () => checkInputs(config));
  yield await attempt('broker', () => checkBroker(config));
  for (const { name, work } of farmChecks(config, stop)) yield await attempt(name, work);
  if (state !== undefined && existsSync(doorKeysFile(config))) yield await attempt('keys', () => checkKeys(config));
  yield await attempt('clock', () => checkClock(config));
  for (const check of checkOptional(config)) yield check;
}

function usableState(config: Config): string | undefined {
  try {
    return stateFolder(config);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

export async function checkKeys(config: Config): Promise<Found> {
  const { id, copied } = await doorKeysOf(config);
  const { refused, lacking } = await listOperators(config);
  const names = refused.map(({ name }) => name).join(', ');
  if (names !== '')
    return {
      health: 'problem',
      found: `these entries of the list of operators do not count, because this door did not write them or has taken them away: ${names}. Find out how they came there, then: facelatch key remove NAME. If all of them are right: facelatch key seal`,
    };
  if (lacking > 0) return { health: 'problem', found: lackingWords(lacking) };
  if (copied === undefined)
    return { health: 'note', found: `${id}; this machine has no id (/etc/machine-id), so a copy of this door cannot be told` };
  return copied
    ? { health: 'problem', found: copiedWords, lacks: ['no command opens this door'] }
    : { health: 'ok', found: `${id}, made on this machine` };
}

async function checkRelay(config: Config): Promise<Found> {
  const { kind, chip, line, wiring } = config.relay;
  using device = await openRelayDevice(config);
  if (device) {
    const startedMs = performance.now();
    const level = await device.ready();
    const found = `${device.label}: ${level === undefined ? 'not asked (relay.device.ask is empty)' : `answers within ${Math.round(performance.now() - startedMs)} ms, ${level === 'active' ? 'on' : 'off'}`}; try it with: facelatch relay pulse`;
    return { health: level === 'safe' ? 'ok' : 'note', found };
  }
  if (kind === 'dry') return { health: 'note', found: 'dry: it prints what it would do (relay.kind)', lacks: ['no lock is moved'] };
  if (kind === 'onoff') {
    checkSysfsLine(config);
    return { health: 'ok', found: `${line} of ${chip} on the old interface, ${wiring}; try it with: facelatch relay pulse` };
  }
  const { used, consumer } = relayLine(config);
  if (!used) return { health: 'ok', found: `${line} of ${chip}, ${wiring}, free; try it with: facelatch relay pulse` };
  if (consumer === 'facelatch') return { health: 'ok', found: `${line} of ${chip}, ${wiring}, held by a running facelatch` };
  return {
    health: 'problem',
    found: `${line} of ${chip} is taken by ${consumer || 'the kernel'}: end that program, or set relay.line to another`,
  };
}

async function checkInputs(config: Config): Promise<Found> {
  try {
    await using inputs = inputsOf(config, systemClock);
    if (!inputs) return { health: 'note', found: 'no input is wired (inputs.contact, inputs.exit, inputs.tamper)' };
    const seen: string[] = [];
    for await (const { input, active } of inputs.changes(AbortSignal.timeout(30))) seen.push(`${input} ${active ? 'active' : 'at rest'}`);
    return { health: 'ok', found: `${inputs.label}: ${seen.join(', ')}` };
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'relay-busy' && error.message.includes('"facelatch"'))) throw error;
    return { health: 'ok', found: 'held by a running facelatch' };
  }
}

async function checkCamera(config: Config, reader: FaceReader, stop: AbortSignal): Promise<Found> {
  const camera = cameraOf(config, systemClock);
  const until = AbortSignal.any([stop, AbortSignal.timeout(firstFrameMs)]);
  const found: MountingFound[] = [];
  let first: string | undefined;
  for await (const frame of camera.frames(until)) {
    const reading = await reader.read(frame.picture, { embed: 'none', purpose: 'stored' });
    const { width, height, faces, timings } = reading;
    // Of the first frame; this time includes the three other orientations.
    first ??= `${camera.label}: ${width}×${height}, ${counted(faces.length, 'face')}, decoded in ${timings.decode.toFixed(0)} ms and searched four ways in ${timings.detect.toFixed(0)} ms`;
    const one = mountingIn(reading);
    if (one) found.push(one);
    // Without a face in the first frame there is nothing to wait for.
    if (found.length === 0 || found.length === conclusiveFrames) break;
  }
  if (first === undefined)
    throw new Fault(
      'camera-frozen',
      `${camera.label} gave no picture within ${firstFrameMs / 1000} s: does another program use it (a running facelatch: --no-camera)?`,
    );
  const mounting = mountingOf(found);
  if (mounting?.kind === 'turned')
    return {
      health: 'problem',
      found: `${first}; it is mounted on its side or upside down: set camera.rotate to "${rotateFor(config.camera, mounting.byDeg)}"`,
    };
  return {
    health: 'ok',
    found: mounting ? `${first}; mounted upright` : `${first}; whether it is mounted upright shows with somebody before it`,
  };
}

async function checkBroker(config: Config): Promise<Found> {
  if (!config.mqtt.enabled) return { health: 'note', found: 'MQTT is off (mqtt.enabled)' };
  if (config.mqtt.embedded) return checkEmbedded(config);
  const probe = await brokerProbe(config);
  if (!probe.ok) throw probe.fault;
  if (probe.delivers === false) {
    const own = `${config.mqtt.prefix}/${config.door.id}/cmd/#`;
    throw new Fault(
      'broker-refused',
      `The broker ${probe.url} takes messages and delivers none on ${own}: allow the user of mqtt.user to read and write there, or set mqtt.commands to false`,
    );
  }
  const found = `${probe.url}: connected in ${probe.connectMs.toFixed(0)} ms, a message acknowledged in ${probe.publishMs.toFixed(0)} ms`;
  const exposed = exposedBroker(config);
  return exposed === undefined ? { health: 'ok', found } : { health: 'note', found: `${found}. ${exposed}` };
}

/** A port in use is not a problem if this door's own daemon uses it. */
async function checkEmbedded(config: Config): Promise<Found> {
  const port = config.mqtt.embeddedPort;
  try {
    await using _broker = await embeddedBroker(config);
    return { health: 'ok', found: `embedded, starts with the daemon on port ${port}` };
  } catch {
    const found = `embedded; port ${port} is in use: by this door's daemon when it runs, else set mqtt.embeddedPort to a free port`;
    return { health: 'note', found };
  }
}
