/**
 * A recipe's checkpoint on its way to whoever would take over: whenever the files in its folder have changed and stand still, they are sent,
 * encrypted for all trainers of the order, and then take the place of the ones before. A trainer that is killed loses what came after.
 */
import { constants } from 'node:fs';
import { copyFile, mkdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault, messageOf } from '../base/errors.ts';
import { filesIn, packFolder, unpackFolder } from './archive.ts';
import { type Fence, setCheckpoint } from './fence.ts';
import { type Known, type Party, seal, unseal } from './seal.ts';
import { checkpoint, type StreamRef } from './statements.ts';
import { type Channel, dropStream, receiveStream, sendStream } from './stream.ts';

export interface CheckpointOptions {
  readonly channel: Channel;
  readonly fence: Fence;
  /** The recipe's folder, and one beside it for the copy that is sent. */
  readonly folder: string;
  readonly copy: string;
  readonly everyMs: number;
  readonly by: Party;
  readonly to: readonly Known[];
  /** How long it may still lie in Redis, milliseconds. */
  readonly lifeMs: () => number;
  readonly onSent: (bytes: number) => void;
  readonly onTrouble: (why: string) => void;
}

export interface CheckpointKeeper {
  /** Sends no more; with `last` what has changed since goes out first. */
  stop(last: boolean): Promise<void>;
}

export function keepCheckpoints(options: CheckpointOptions): CheckpointKeeper {
  const over = new AbortController();
  const state: Sent = { seen: '', stream: undefined };
  const loop = async () => {
    while (!over.signal.aborted) {
      await delay(options.everyMs, undefined, { signal: over.signal }).catch(() => undefined);
      if (!over.signal.aborted) await sendChanged(options, state);
    }
  };
  const looping = loop();
  return {
    stop: async (last) => {
      over.abort();
      await looping;
      if (last) await sendChanged(options, state);
    },
  };
}

interface Sent {
  /** The files that were sent last. */
  seen: string;
  stream: StreamRef | undefined;
}

/** Trouble with a checkpoint is told and never ends the work itself. */
async function sendChanged(options: CheckpointOptions, state: Sent): Promise<void> {
  const { channel, fence, by, to, lifeMs } = options;
  try {
    const taken = await copyStill(options.folder, options.copy);
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

/** Copies the folder as it stood at one moment; gives a line that names its state, undefined where it is empty or does not stand still. */
async function copyStill(folder: string, copy: string): Promise<string | undefined> {
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
      // A file that was renamed away meanwhile.
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

/** Lays the newest checkpoint of the submission into `folder`; gives the token of the turn that made it, or why there is none to go on from. */
export async function restoreCheckpoint(
  channel: Channel,
  folder: string,
  reader: Party,
  trusted: readonly Known[],
): Promise<{ readonly token: number; readonly bytes: number } | { readonly none: string | undefined }> {
  const { redis, names, submission } = channel;
  const text = await redis.guard(redis.client.get(names.checkpoint(submission)));
  if (text === null) return { none: undefined };
  const read = await unseal(text, 'facelatch-farm-checkpoint+jwt', reader, trusted, checkpoint);
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
