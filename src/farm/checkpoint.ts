/**
 * Sends a recipe's checkpoint to Redis, where another trainer can take over. Opened for each turn at a job; runs until
 * `stop`. Whenever the files in the folder have changed and are not being written, they are sent, encrypted for all
 * trainers of the order, and replace the previous ones.
 */
import { constants } from 'node:fs';
import { copyFile, mkdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault, messageOf } from '../base/errors.ts';
import { filesIn, packFolder, unpackFolder } from './archive.ts';
import { type Fence, setCheckpoint } from './fence.ts';
import { type Known, type Party, seal, unseal } from './seal.ts';
import { checkpointForm, type StreamRef } from './statements.ts';
import { type Channel, dropStream, receiveStream, sendStream } from './stream.ts';

export interface CheckpointOptions {
  readonly channel: Channel;
  readonly fence: Fence;
  /** The recipe's folder, and a folder for the copy that is sent. */
  readonly folder: string;
  readonly copy: string;
  readonly everyMs: number;
  readonly by: Party;
  readonly to: readonly Known[];
  /** How long it may stay in Redis, milliseconds. */
  readonly lifeMs: () => number;
  readonly onSent: (bytes: number) => void;
  readonly onTrouble: (why: string) => void;
}

export interface CheckpointKeeper {
  /** Ends sending; with `last`, what has changed is sent first. */
  stop(last: boolean): Promise<void>;
}

export function keepCheckpoints(options: CheckpointOptions): CheckpointKeeper {
  const stopping = new AbortController();
  const state: Sent = { seen: '', stream: undefined };
  const loop = async () => {
    while (!stopping.signal.aborted) {
      await delay(options.everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (!stopping.signal.aborted) await sendChanged(options, state);
    }
  };
  const looping = loop();
  return {
    stop: async (last) => {
      stopping.abort();
      await looping;
      if (last) await sendChanged(options, state);
    },
  };
}

interface Sent {
  /** The state of the files (`stateOf`) that were sent last. */
  seen: string;
  stream: StreamRef | undefined;
}

/** A failure is reported and never ends the training. */
async function sendChanged(options: CheckpointOptions, state: Sent): Promise<void> {
  const { channel, fence, by, to, lifeMs } = options;
  try {
    const taken = await copyUnchanging(options.folder, options.copy);
    if (taken === undefined || taken === state.seen) return;
    const stream = await sendStream(channel, packFolder(options.copy), lifeMs());
    const claims = { submission: channel.submission, token: fence.token, iat: channel.redis.wall() / 1000, data: stream };
    const sealed = await seal(claims, 'facelatch-farm-checkpoint+jwt', by, to);
    const old = (await setCheckpoint(channel, fence, sealed, lifeMs())) ? state.stream : stream;
    if (old !== stream) {
      state.seen = taken;
      state.stream = stream;
      options.onSent(stream.bytes);
    }
    if (old) await dropStream(channel, old);
  } catch (error) {
    options.onTrouble(messageOf(error));
  } finally {
    await rm(options.copy, { recursive: true, force: true });
  }
}

/** Copies the folder as it was at one moment; gives its state, or undefined if it is empty or keeps changing. */
async function copyUnchanging(folder: string, copy: string): Promise<string | undefined> {
  const tries = 3;
  for (let i = 0; i < tries; i++) {
    try {
      const before = await stateOf(folder);
      if (before === '') return undefined;
      await rm(copy, { recursive: true, force: true });
      for (const name of await filesIn(folder)) {
        await mkdir(dirname(join(copy, name)), { recursive: true, mode: 0o700 });
        await copyFile(join(folder, name), join(copy, name), constants.COPYFILE_FICLONE);
      }
      if ((await stateOf(folder)) === before) return before;
    } catch (error) {
      // A file was renamed while it was copied.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return undefined;
}

async function stateOf(folder: string): Promise<string> {
  const lines = await Promise.all(
    (await filesIn(folder)).map(async (name) => {
      const { ino, size, mtimeNs } = await stat(join(folder, name), { bigint: true });
      return `${name} ${ino} ${size} ${mtimeNs}`;
    }),
  );
  return lines.join('\n');
}

/**
 * Writes the newest checkpoint of the submission into `folder`; gives the token of the turn that made it, or why there
 * is none to continue from.
 */
export async function restoreCheckpoint(
  channel: Channel,
  folder: string,
  reader: Party,
  trusted: readonly Known[],
): Promise<{ readonly token: number; readonly bytes: number } | { readonly none: string | undefined }> {
  const { redis, names, submission } = channel;
  const text = await redis.guard(redis.client.get(names.checkpoint(submission)));
  if (text === null) return { none: undefined };
  const read = await unseal(text, 'facelatch-farm-checkpoint+jwt', reader, trusted, checkpointForm);
  if ('refused' in read) return { none: `the checkpoint ${read.refused}` };
  if (read.claims.submission !== submission) return { none: 'the checkpoint is of another submission' };
  try {
    await unpackFolder(receiveStream(channel, read.claims.data), folder);
    return { token: read.claims.token, bytes: read.claims.data.bytes };
  } catch (error) {
    if (!(error instanceof Fault) || (error.code !== 'farm-damaged' && error.code !== 'bad-argument')) throw error;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { mode: 0o700 });
    return { none: error.message };
  }
}
