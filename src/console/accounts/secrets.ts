/**
 * Secrets that let somebody in: sessions, tokens, invitations. Out comes a new secret, or the SHA-256 of one, which is
 * all that is stored: whoever reads the file can use none of them. They are random, so a plain hash is enough.
 */
import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits, base64url. */
export const newSecret = (prefix = ''): string => prefix + randomBytes(32).toString('base64url');

export const secretHash = (secret: string): Uint8Array => createHash('sha256').update(secret).digest();

/** Names a session, a token or an invitation in lists; opens nothing. */
export const newId = (): string => randomBytes(9).toString('base64url');
