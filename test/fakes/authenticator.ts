/**
 * An authenticator with a browser around it: it makes passkeys and signs with them as a phone does (WebAuthn Level 3,
 * ES256, attestation `none`). `changed` is what an attacker would do differently.
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';

export interface CreationOptions {
  readonly challenge: string;
  readonly rp: { readonly id?: string };
  readonly user: { readonly id: string };
}

export interface RequestOptions {
  readonly challenge: string;
  readonly rpId?: string;
}

interface Changed {
  readonly challenge?: string;
  readonly rpId?: string;
  /** False: somebody touched it, and nobody was verified. */
  readonly isVerified?: boolean;
  readonly counter?: number;
  readonly userHandle?: string;
  readonly type?: string;
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const sha256 = (bytes: string | Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

export function fakeAuthenticator() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = randomBytes(32);
  let counter = 0;
  let userHandle = '';
  let ownRpId = '';
  const named = { id: base64url(id), rawId: base64url(id), type: 'public-key', clientExtensionResults: {} } as const;
  const head = (rpId: string, { isVerified = true, counter: given }: Changed, attested: number) => {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(given ?? ++counter);
    return Buffer.concat([sha256(rpId), Buffer.from([0x01 | (isVerified ? 0x04 : 0) | attested]), count]);
  };
  const clientData = (type: string, challenge: string, origin: string) =>
    Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  return {
    id: named.id,
    /** `navigator.credentials.create` on a page of `origin`. */
    create: ({ challenge, rp, user }: CreationOptions, origin: string, changed: Changed = {}): RegistrationResponseJSON => {
      [userHandle, ownRpId] = [user.id, changed.rpId ?? rp.id ?? new URL(origin).hostname];
      const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
      const cose = Buffer.concat([hex('a5010203262001215820'), Buffer.from(x, 'base64url'), hex('225820'), Buffer.from(y, 'base64url')]);
      const authData = Buffer.concat([head(ownRpId, changed, 0x40), Buffer.alloc(16), hex('0020'), id, cose]);
      // CBOR: { fmt: "none", attStmt: {}, authData }
      const attestation = Buffer.concat([
        hex('a363666d74646e6f6e656761747453746d74a0686175746844617461'),
        Buffer.from([0x58, authData.length]),
        authData,
      ]);
      return {
        ...named,
        response: {
          clientDataJSON: base64url(clientData(changed.type ?? 'webauthn.create', changed.challenge ?? challenge, origin)),
          attestationObject: base64url(attestation),
          transports: ['internal'],
        },
      };
    },
    /** `navigator.credentials.get` on a page of `origin`. */
    get: ({ challenge, rpId = ownRpId }: RequestOptions, origin: string, changed: Changed = {}): AuthenticationResponseJSON => {
      const client = clientData(changed.type ?? 'webauthn.get', changed.challenge ?? challenge, origin);
      const authData = head(changed.rpId ?? rpId, changed, 0);
      return {
        ...named,
        response: {
          clientDataJSON: base64url(client),
          authenticatorData: base64url(authData),
          signature: base64url(sign('sha256', Buffer.concat([authData, sha256(client)]), privateKey)),
          userHandle: changed.userHandle ?? userHandle,
        },
      };
    },
  };
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
