/**
 * A training run's state on disk. It is written beside the old one, synced and renamed over it, so a kill, a power cut
 * or a full disk leaves the last good one. One file: a line of JSON, then float32 numbers. It streams half a gigabyte
 * and keeps the file before, which `writeWhole` does not.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Fault, isDiskFull, messageOf } from '../../base/errors.ts';
import { syncFolder } from '../../base/whole-file.ts';
import type { EngineState, Network, Weights } from '../port.ts';
import { networkParameters, sizeOf } from './network.ts';

/**
 * What is kept besides weights and means: losses so far, the recipe, all that the run needs to continue. Plain JSON.
 */
export type Notes = Readonly<Record<string, unknown>>;

export interface Checkpoint {
  readonly network: Network;
  readonly state: EngineState;
  readonly notes: Notes;
}

interface Header {
  readonly format: string;
  readonly network: Network;
  readonly step: number;
  readonly notes: Notes;
  /** Lower-case hex SHA-256 of all bytes after this line. */
  readonly sha256: string;
}

const format = 'facelatch-checkpoint-1';
const weightsFormat = 'facelatch-weights-1';
const newline = 0x0a;

/** What a run reports when it cannot write a file of its folder: Fault `disk-full` or `bad-argument`. */
export function cannotWrite(path: string, error: unknown): Fault {
  if (isDiskFull(error))
    return new Fault(
      'disk-full',
      `The disk filled while ${path} was written: free space there and resume; the last checkpoint is whole.`,
      error,
    );
  return new Fault('bad-argument', `${path} cannot be written (${messageOf(error)}): choose another folder with --out.`, error);
}

/**
 * Writes `path`. The previous file stays as `path` + `.last`; with `keepLast` false, only until the new one is whole.
 * Throws Fault `disk-full` where the disk fills (the old checkpoint stays as it was) and `bad-argument` where the
 * folder cannot be written.
 */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint, keepLast = true): Promise<void> {
  const { network, notes, state } = checkpoint;
  await write(path, { format, network, step: state.step, notes }, numbersOf(checkpoint));
  if (!keepLast) await rm(`${path}.last`, { force: true });
}

/** Weights alone, without what training on would need. */
export interface KeptWeights {
  readonly network: Network;
  /** Steps they were trained for. */
  readonly step: number;
  readonly weights: Weights;
  readonly notes: Notes;
}

/**
 * Writes weights as float16 (11 bits of each number; a sixth of a checkpoint), whole or not at all. Throws as
 * `writeCheckpoint`.
 */
export async function writeWeights(path: string, { network, step, weights, notes }: KeptWeights): Promise<void> {
  const halves = [...parametersIn(network, weights)].map((numbers) => new Float16Array(numbers));
  await write(path, { format: weightsFormat, network, step, notes }, halves);
  await rm(`${path}.last`, { force: true });
}

/** Reads what `writeWeights` wrote. Throws Faults `not-found`, `model-damaged`. */
export async function readWeights(path: string): Promise<KeptWeights> {
  const { header, content } = await whole(path, weightsFormat);
  const { network, step, notes } = header;
  const halves = new Float16Array(content.length / 2);
  bytesOf(halves).set(content);
  let at = 0;
  const weights = new Map(
    networkParameters(network).map(({ name, dims }) => {
      const size = sizeOf(dims);
      at += size;
      return [name, new Float32Array(halves.subarray(at - size, at))];
    }),
  );
  return { network, step, notes, weights };
}

async function write(path: string, about: Omit<Header, 'sha256'>, numbers: Iterable<Float32Array | Float16Array>): Promise<void> {
  const arrays = [...numbers];
  const sha256 = createHash('sha256');
  for (const array of arrays) {
    sha256.update(bytesOf(array));
    await nextTurn(); // hashing half a gigabyte takes a second: messages are handled in between
  }
  const header: Header = { ...about, sha256: sha256.digest('hex') };
  const temporary = `${path}.writing`;
  try {
    const file = await open(temporary, 'w');
    try {
      await writeAll(file, Buffer.from(`${JSON.stringify(header)}\n`));
      for (const array of arrays) await writeAll(file, bytesOf(array));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(path, `${path}.last`).catch(ignoreMissing);
    await rename(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw cannotWrite(path, error);
  }
}

/** Takes the newest checkpoint back: the one before is in its place again, or none where there was none. */
export async function discardCheckpoint(path: string): Promise<void> {
  await rm(path, { force: true });
  await rename(`${path}.last`, path).catch(ignoreMissing);
  syncFolder(dirname(path));
}

/** A write may take fewer bytes than it was given: on a disk that fills, or beyond two gigabytes. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, Math.min(bytes.length - at, 2 ** 28))).bytesWritten;
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/**
 * Reads `path`, or `path` + `.last` where that is damaged or gone (a kill between the two renames). Throws Fault
 * `not-found`, `model-damaged` where neither is whole, `model-unfit` where it holds another network than `expected`.
 */
export async function readCheckpoint(path: string, expected?: Network): Promise<Checkpoint> {
  const found = await readWhole(path).catch(async (error: unknown) => {
    try {
      return await readWhole(`${path}.last`);
    } catch {
      throw error;
    }
  });
  if (expected && shape(found.network) !== shape(expected))
    throw new Fault(
      'model-unfit',
      `The checkpoint ${path} holds another network (${shape(found.network)}) than the one asked for (${shape(expected)}): train it under its own ` +
        'settings, or give another --out.',
    );
  return found;
}

async function readWhole(path: string): Promise<Checkpoint> {
  const { header, content } = await whole(path, format);
  return { network: header.network, notes: header.notes, state: stateFrom(header, content) };
}

async function whole(path: string, wanted: string): Promise<{ readonly header: Header; readonly content: Buffer }> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new Fault('not-found', `There is no checkpoint ${path}: start training without --resume.`, error);
  }
  const damaged = (why: string, cause?: unknown) =>
    new Fault('model-damaged', `The checkpoint ${path} is damaged (${why}): resume from another, or start again.`, cause);
  const end = bytes.indexOf(newline);
  let header: Header;
  try {
    header = JSON.parse(bytes.toString('utf8', 0, Math.max(0, end)));
  } catch (error) {
    throw damaged('its first line is not JSON', error);
  }
  if (header.format !== wanted) throw damaged(`its format is ${header.format}, not ${wanted}`);
  const content = bytes.subarray(end + 1);
  if (createHash('sha256').update(content).digest('hex') !== header.sha256) throw damaged('its SHA-256 differs');
  return { header, content };
}

function stateFrom({ network, step }: Header, content: Buffer): EngineState {
  let at = 0;
  const take = (): Weights =>
    new Map(
      networkParameters(network).map(({ name, dims }) => {
        const numbers = new Float32Array(sizeOf(dims));
        bytesOf(numbers).set(content.subarray(at, at + numbers.byteLength));
        at += numbers.byteLength;
        return [name, numbers];
      }),
    );
  return { step, weights: take(), first: take(), second: take() };
}

function* numbersOf({ network, state }: Checkpoint): Generator<Float32Array> {
  for (const part of [state.weights, state.first, state.second]) yield* parametersIn(network, part);
}

function* parametersIn(network: Network, part: Weights): Generator<Float32Array> {
  for (const { name, dims } of networkParameters(network)) {
    const numbers = part.get(name) ?? new Float32Array(sizeOf(dims));
    if (numbers.length !== sizeOf(dims)) throw new Error(`${name} has ${numbers.length} numbers, not ${sizeOf(dims)}`);
    yield numbers;
  }
}

const bytesOf = (array: Float32Array | Float16Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** All that decides whether weights fit a network. Its name does not. */
export function shape({ side, convolutions, normalised, units, distance }: Network): string {
  const layers = convolutions.map(({ filters, size, pool }) => `${filters}@${size}${pool ? `/${pool.size}:${pool.stride}` : ''}`);
  return `${side} ${layers.join(' ')} ${normalised ? 'normalised ' : ''}${units} ${distance}`;
}
