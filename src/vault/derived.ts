/**
 * Keys of other purposes from the key-encryption key (KEK): 32 bytes and a purpose in, 32 other bytes out. HKDF (RFC
 * 5869): who has one of them learns nothing of the KEK or of the others.
 */
import { hkdfSync } from 'node:crypto';

/** What a key is derived for. A closed list: the texts are part of the formats. */
export type KeyPurpose =
  /** The X25519 private key that opens backups. */
  | 'backup identity'
  /** Authenticates the manifest of a backup. */
  | 'backup manifest';

export const derivedKey = (kek: Uint8Array, purpose: KeyPurpose): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', kek, new Uint8Array(0), `facelatch ${purpose}`, 32));
