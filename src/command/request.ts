/**
 * The sender's side: an operator's key and a door's card go in; a signed and encrypted command comes out, and what a
 * reply to it proves.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { CryptoKey } from 'jose';
import { claimedKid, parseJson } from '../base/jws.ts';
import { Compile } from '../base/schema.ts';
import type { Clock } from '../base/time.ts';
import { audienceOf } from './gate.ts';
import { type DoorCard, importKey, newKey, type PrivateKey, publicKeyOf, thumbprint } from './keys.ts';
import { type ReplyBody, replyBody } from './reply.ts';
import { disclose, enclose, isEnclosed, isSigned, signClaims, verifiedClaims } from './seal.ts';

export interface SenderOptions {
  readonly operator: PrivateKey;
  readonly door: DoorCard;
  readonly clock: Pick<Clock, 'wall'>;
  /** How long a command lives, seconds. */
  readonly lifeS: number;
}

export interface SealedRequest {
  readonly id: string;
  readonly payload: string;
  /** Reads a reply. `proved`: the door signed it as the answer to this very request. */
  read(reply: Uint8Array): Promise<ReadReply>;
}

export type ReadReply = { readonly proved: boolean; readonly body: ReplyBody } | { readonly proved: false; readonly body: undefined };

export interface Sender {
  /** A new command, signed now. */
  request(command: string, args: object, replyTo?: string): Promise<SealedRequest>;
}

/** Computes only; sends nothing. @throws Fault `bad-argument` where a key is not one. */
export async function openSender({ operator, door, clock, lifeS }: SenderOptions): Promise<Sender> {
  const key = await importKey(operator);
  const kid = await thumbprint(operator);
  const doorKid = await thumbprint(door.sign);
  const verifyKey = await importKey(door.sign);
  const encryptKey = await importKey(door.encrypt);
  return {
    request: async (command, args, replyTo) => {
      const mine = await newKey('X25519');
      const nowS = clock.wall() / 1000;
      const id = randomUUID();
      const claims = {
        aud: audienceOf({ card: door, id: doorKid }),
        iat: nowS,
        exp: nowS + lifeS,
        jti: id,
        cmd: command,
        args,
        ...(replyTo === undefined ? {} : { replyTo }),
        replyKey: publicKeyOf(mine, 'X25519'),
      };
      const payload = await enclose(await signClaims(claims, 'facelatch-command+jwt', { kid, key }), encryptKey);
      const readKey = await importKey(mine);
      return { id, payload, read: (reply) => readReply(reply, digestOf(payload), { readKey, verifyKey, doorKid }) };
    },
  };
}

interface ReplyKeys {
  readonly readKey: CryptoKey;
  readonly verifyKey: CryptoKey;
  readonly doorKid: string;
}

const validator = Compile(replyBody);

const digestOf = (payload: string) => createHash('sha256').update(payload).digest('base64url');

async function readReply(reply: Uint8Array, digest: string, keys: ReplyKeys): Promise<ReadReply> {
  const text = Buffer.from(reply).toString('utf8').trim();
  const jws = isEnclosed(text) ? await disclose(text, keys.readKey) : text;
  if (jws === undefined) return { proved: false, body: undefined };
  const isJws = isSigned(jws) && (await claimedKid(jws, 'facelatch-reply+jwt')) === keys.doorKid;
  const body = isJws ? await verifiedClaims(jws, keys.verifyKey) : parseJson(Buffer.from(jws));
  if (!validator.Check(body)) return { proved: false, body: undefined };
  return { proved: isJws && body.digest === digest, body };
}
