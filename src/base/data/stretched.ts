/**
 * scrypt (RFC 7914) beside the calling thread, on one of libuv's: a secret and a salt go in, a key comes out. At the
 * cost given here each try takes 128 MiB and some 0.4 s of a core, so that guessing is dear also for whoever has the
 * file.
 */
import { scrypt } from 'node:crypto';
import { Type } from '../schema.ts';

/** As OWASP's Password Storage Cheat Sheet has it. */
export const stretchCost = { N: 2 ** 17, r: 8, p: 1 } as const;

/** The cost as it is stored: another one is not followed, for whoever writes the file could ask for any. */
export const storedCost = {
  kdf: Type.Literal('scrypt'),
  N: Type.Literal(stretchCost.N),
  r: Type.Literal(stretchCost.r),
  p: Type.Literal(stretchCost.p),
};

/** 32 bytes. */
export function stretched(secret: string | Uint8Array, salt: Uint8Array): Promise<Buffer> {
  return new Promise<Buffer>((resolve, reject) => {
    scrypt(secret, salt, 32, { ...stretchCost, maxmem: 192 * 1024 * 1024 }, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
