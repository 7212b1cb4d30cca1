/**
 * Seals of rows: a secret and a purpose go in; a seal (HMAC-SHA-256, RFC 2104) for the fields of a row comes out.
 * Whoever can write a database file and does not have the secret cannot make a row that fits, or move a seal to
 * another row. An older row with its seal, put back in its own place, does fit.
 */
import { createHmac, createSecretKey, hkdfSync, timingSafeEqual } from 'node:crypto';

export type SealedFields = readonly (string | Uint8Array)[];

export interface RowSeal {
  of(fields: SealedFields): Uint8Array;
  fits(fields: SealedFields, seal: Uint8Array | null): boolean;
}

/** `purpose` keeps seals of different kinds of file apart (HKDF, RFC 5869). */
export function rowSeal(secret: Uint8Array, purpose: string): RowSeal {
  // As a key object: given the bytes, createHmac takes five times as long for each row.
  const key = createSecretKey(new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), purpose, 32)));
  const of = (fields: SealedFields): Uint8Array => {
    const hmac = createHmac('sha256', key);
    // Each field with its length: what one field ends with cannot be the beginning of the next.
    for (const field of fields) {
      const bytes = typeof field === 'string' ? Buffer.from(field) : field;
      hmac.update(`${bytes.length}:`).update(bytes);
    }
    return new Uint8Array(hmac.digest());
  };
  return {
    of,
    fits: (fields, seal) => {
      const right = of(fields);
      return seal !== null && seal.length === right.length && timingSafeEqual(seal, right);
    },
  };
}
