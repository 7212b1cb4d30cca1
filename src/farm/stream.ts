/**
 * Bytes of any length as encrypted chunks in Redis. Each chunk is a key with a time to live, beside the queue and never
 * in a job; a few chunks are in flight at a time, both ways. AES-256-GCM with a key drawn for each stream. The number
 * of a chunk is its nonce; the stream, the number and whether it is the last are authenticated, so changed, swapped,
 * repeated and missing chunks are noticed.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import type { FarmNames } from './names.ts';
import type { FarmRedis } from './redis.ts';
import type { StreamRef } from './statements.ts';

export interface Channel {
  readonly redis: FarmRedis;
  readonly names: FarmNames;
  readonly submission: string;
  /** A longer stream is neither sent nor received. */
  readonly maxBytes: number;
}

const chunkBytes = 512 * 1024;
/** Chunks in flight: they bound the memory of a transfer. */
const window = 4;
/** Chunks are registered for deletion this many at a time. */
const registerEvery = 64;
const tagBytes = 16;
const cipher = 'aes-256-gcm';

/**
 * Throws Faults of the connection, `bad-argument` for a stream longer than allowed, and what `source` throws; it then
 * leaves nothing in Redis.
 */
export async function sendStream(channel: Channel, source: AsyncIterable<Uint8Array>, lifeMs: number): Promise<StreamRef> {
  const { redis, names, submission, maxBytes } = channel;
  const { client, guard } = redis;
  const id = randomBytes(16).toString('hex');
  const key = randomBytes(32);
  const streams = names.streams(submission);
  const px = Math.max(1, Math.round(lifeMs));
  const sending: Promise<unknown>[] = [];
  let chunks = 0;
  let bytes = 0;
  const send = async (plain: Uint8Array, last: boolean) => {
    if (chunks % registerEvery === 0) {
      // Before the chunks are written: a cleanup finds all of them.
      await guard(client.hset(streams, id, chunks + registerEvery));
      await guard(client.pexpire(streams, px));
    }
    const sealed = encrypt(key, id, chunks, last, plain);
    const sent = guard(client.set(names.chunk(submission, id, chunks), sealed, 'PX', px));
    sent.catch(() => undefined);
    sending.push(sent);
    chunks++;
    if (sending.length >= window) await sending.shift();
  };
  try {
    let held: Uint8Array | undefined;
    for await (const plain of inChunks(source)) {
      bytes += plain.length;
      if (bytes > maxBytes) throw tooLong(bytes, maxBytes);
      if (held) await send(held, false);
      held = plain;
    }
    await send(held ?? new Uint8Array(), true);
    await Promise.all(sending);
    return { id, key: key.toString('base64url'), chunks, bytes };
  } catch (error) {
    await Promise.allSettled(sending);
    await dropStream(channel, { id, chunks: chunks + 1 }).catch(() => undefined);
    throw error;
  }
}

/**
 * Throws Fault `farm-damaged` for a missing or changed chunk, `bad-argument` for a stream longer than allowed, and
 * faults of the connection.
 */
export async function* receiveStream(channel: Channel, ref: StreamRef): AsyncGenerator<Uint8Array, void, undefined> {
  const { redis, names, submission, maxBytes } = channel;
  if (ref.bytes > maxBytes) throw tooLong(ref.bytes, maxBytes);
  if (ref.chunks !== Math.max(1, Math.ceil(ref.bytes / chunkBytes))) throw damaged('has a number of chunks that does not match its length');
  const key = Buffer.from(ref.key, 'base64url');
  const coming: Promise<Buffer | null>[] = [];
  let asked = 0;
  let bytes = 0;
  for (let index = 0; index < ref.chunks; index++) {
    for (; asked < ref.chunks && coming.length < window; asked++) {
      const answer = redis.guard(redis.client.getBuffer(names.chunk(submission, ref.id, asked)));
      answer.catch(() => undefined);
      coming.push(answer);
    }
    const sealed = await coming.shift();
    if (!sealed) throw damaged(`lacks chunk ${index + 1} of ${ref.chunks}: it expired, or Redis lost it`);
    const plain = decrypt(key, ref.id, index, index === ref.chunks - 1, sealed);
    if (!plain) throw damaged(`was changed in transit (chunk ${index + 1} of ${ref.chunks})`);
    bytes += plain.length;
    yield plain;
  }
  if (bytes !== ref.bytes) throw damaged(`has ${bytes} bytes, not ${ref.bytes}`);
}

/** Deletes a stream's chunks. */
export async function dropStream(
  { redis, names, submission }: Channel,
  { id, chunks }: { readonly id: string; readonly chunks: number },
): Promise<void> {
  await redis.guard(unlink(redis, names, submission, id, chunks));
  await redis.guard(redis.client.hdel(names.streams(submission), id));
}

/** Deletes everything of a submission from Redis, whoever sent it. */
export async function dropSubmission({ redis, names, submission }: Omit<Channel, 'maxBytes'>): Promise<void> {
  const known = await redis.guard(redis.client.hgetall(names.streams(submission)));
  for (const [id, chunks] of Object.entries(known)) await redis.guard(unlink(redis, names, submission, id, Number(chunks)));
  await redis.guard(redis.client.unlink(names.streams(submission), names.fence(submission), names.checkpoint(submission)));
}

async function unlink({ client }: FarmRedis, names: FarmNames, submission: string, id: string, chunks: number): Promise<void> {
  const at = 500;
  for (let from = 0; from < chunks; from += at) {
    const keys = Array.from({ length: Math.min(at, chunks - from) }, (_, i) => names.chunk(submission, id, from + i));
    await client.unlink(...keys);
  }
}

const damaged = (how: string) => new Fault('farm-damaged', `What came over the farm ${how}`);
const tooLong = (bytes: number, maxBytes: number) =>
  new Fault(
    'bad-argument',
    `${Math.ceil(bytes / 1e6)} MB are more than the farm may transfer at once (${Math.floor(maxBytes / 1e6)} MB): raise farm.maxBundleBytes on both sides, or train with fewer pictures`,
  );

/** The bytes of `source` in pieces of `chunkBytes`; the last may be shorter. */
async function* inChunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let chunk = Buffer.allocUnsafe(chunkBytes);
  let filled = 0;
  for await (const piece of source)
    for (let from = 0; from < piece.length; ) {
      const taken = Math.min(chunkBytes - filled, piece.length - from);
      chunk.set(piece.subarray(from, from + taken), filled);
      filled += taken;
      from += taken;
      if (filled < chunkBytes) continue;
      yield chunk;
      chunk = Buffer.allocUnsafe(chunkBytes);
      filled = 0;
    }
  if (filled > 0) yield chunk.subarray(0, filled);
}

function nonceOf(index: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(index, 8);
  return nonce;
}

const bindingOf = (id: string, index: number, last: boolean) => Buffer.from(`${id}|${index}|${last ? 'last' : 'more'}`);

function encrypt(key: Buffer, id: string, index: number, last: boolean, plain: Uint8Array): Buffer {
  const sealing = createCipheriv(cipher, key, nonceOf(index)).setAAD(bindingOf(id, index, last));
  return Buffer.concat([sealing.update(plain), sealing.final(), sealing.getAuthTag()]);
}

function decrypt(key: Buffer, id: string, index: number, last: boolean, sealed: Buffer): Buffer | undefined {
  if (sealed.length < tagBytes || sealed.length > chunkBytes + tagBytes) return undefined;
  const opening = createDecipheriv(cipher, key, nonceOf(index), { authTagLength: tagBytes })
    .setAAD(bindingOf(id, index, last))
    .setAuthTag(sealed.subarray(-tagBytes));
  try {
    return Buffer.concat([opening.update(sealed.subarray(0, -tagBytes)), opening.final()]);
  } catch {
    return undefined;
  }
}
