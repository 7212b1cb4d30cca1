/**
 * Passkeys at work (WebAuthn): what an authenticator answered goes in; a new passkey, or whose it is, comes out. The
 * rules are SimpleWebAuthn's; here it is held to this door's name, to one challenge, and to a person who was verified.
 */
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';
import type { Clock } from '../base/time.ts';
import type { Accounts } from './accounts/accounts.ts';
import { type NewPasskey, type Passkey, transports } from './accounts/passkeys.ts';
import { passkeyChallenges } from './challenges.ts';
import { addressNetwork } from './hosts.ts';
import { TurnedAway } from './refusal.ts';
import type { Site } from './site.ts';

export interface NewOwner {
  readonly name: string;
  /** Random bytes that mean the account to the authenticator. */
  readonly handle: Uint8Array;
  /** Their passkeys: an authenticator that holds one makes no second. */
  readonly passkeys: readonly Passkey[];
}

export interface PasskeyCheck {
  /** `purpose`: what the answer is good for. @throws TurnedAway where browsers offer no passkeys. */
  registration(site: Site, purpose: string, owner: NewOwner): Promise<PublicKeyCredentialCreationOptionsJSON>;
  /** @throws TurnedAway `wrong-passkey`. */
  registered(
    site: Site,
    purpose: string,
    response: RegistrationResponseJSON,
    label: string,
  ): Promise<{ readonly passkey: NewPasskey; readonly handle: Uint8Array }>;
  signIn(site: Site): Promise<PublicKeyCredentialRequestOptionsJSON>;
  /** Whose passkey it is. @throws TurnedAway `wrong-passkey`. */
  signedIn(site: Site, response: AuthenticationResponseJSON): Promise<string>;
}

interface Parts {
  readonly accounts: Accounts;
  readonly clock: Pick<Clock, 'now'>;
  readonly title: string;
}

const timeoutMs = 300_000;
const signInPurpose = 'sign-in';
/** COSE: ES256, EdDSA, RS256. */
const algorithms = [-7, -8, -257];

/** Loaded when it is needed: most browsers have a session. */
const webAuthn = () => import('@simplewebauthn/server');

export function passkeyCheck({ accounts, clock, title }: Parts): PasskeyCheck {
  const challenges = passkeyChallenges<Uint8Array>(clock);
  const issue = (site: Site, purpose: string, handle: Uint8Array) =>
    Buffer.from(challenges.issue(purpose, addressNetwork(site.address), handle), 'base64url');
  return {
    registration: async (site, purpose, { name, handle, passkeys }) => {
      refuseWithout(site);
      return (await webAuthn()).generateRegistrationOptions({
        ...{ rpName: title, rpID: site.hostName, userName: name, userID: new Uint8Array(handle), timeout: timeoutMs },
        challenge: new Uint8Array(issue(site, purpose, handle)),
        excludeCredentials: passkeys.map(({ id, transports: ways }) => ({ id, transports: [...ways] })),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        supportedAlgorithmIDs: algorithms,
      });
    },
    registered: (site, purpose, response, label) => registered(challenges.use, site, purpose, response, label),
    signIn: async (site) => {
      refuseWithout(site);
      const challenge = new Uint8Array(issue(site, signInPurpose, new Uint8Array()));
      return (await webAuthn()).generateAuthenticationOptions({
        ...{ rpID: site.hostName, challenge, timeout: timeoutMs, userVerification: 'required' },
      });
    },
    signedIn: (site, response) => signedIn(accounts, challenges.use, site, response),
  };
}

function refuseWithout({ noPasskeys, hostName }: Site): void {
  if (noPasskeys === 'address')
    throw new TurnedAway(
      409,
      'not-possible',
      `Passkeys belong to a name, and ${hostName} is an address: open the console by its name, or use a password`,
    );
  if (noPasskeys === 'not-encrypted')
    throw new TurnedAway(
      409,
      'not-possible',
      'Browsers offer passkeys only over an encrypted connection (console.tls), or on localhost: use a password',
    );
}

type UseChallenge = (challenge: string, purpose: string) => Uint8Array | undefined;

async function registered(
  use: UseChallenge,
  site: Site,
  purpose: string,
  response: RegistrationResponseJSON,
  label: string,
): Promise<{ readonly passkey: NewPasskey; readonly handle: Uint8Array }> {
  let handle: Uint8Array | undefined;
  const { verifyRegistrationResponse } = await webAuthn();
  const { verified, registrationInfo } = await checked(() =>
    verifyRegistrationResponse({
      ...{ response, expectedOrigin: site.origin, expectedRPID: site.hostName, requireUserVerification: true },
      supportedAlgorithmIDs: algorithms,
      expectedChallenge: (challenge) => {
        handle = use(challenge, purpose);
        return handle !== undefined;
      },
    }),
  );
  if (!verified || handle === undefined) throw wrongPasskey();
  const { id, publicKey, counter, transports: ways = [] } = registrationInfo.credential;
  const known = transports.filter((transport) => ways.includes(transport));
  return { passkey: { id, publicKey, counter, transports: known, label, host: site.hostName }, handle };
}

async function signedIn(accounts: Accounts, use: UseChallenge, site: Site, response: AuthenticationResponseJSON): Promise<string> {
  const passkey = accounts.passkeys.find(response.id);
  if (!passkey) throw wrongPasskey();
  const { id, publicKey, counter, transports: ways, name } = passkey;
  const { verifyAuthenticationResponse } = await webAuthn();
  const { verified, authenticationInfo } = await checked(() =>
    verifyAuthenticationResponse({
      ...{ response, expectedOrigin: site.origin, expectedRPID: site.hostName, requireUserVerification: true },
      credential: { id, publicKey: new Uint8Array(publicKey), counter, transports: [...ways] },
      expectedChallenge: (challenge) => use(challenge, signInPurpose) !== undefined,
    }),
  );
  const { userHandle } = response.response;
  const isTheirs = userHandle === undefined || userHandle === Buffer.from(accounts.handleOf(name)).toString('base64url');
  if (!verified || !isTheirs || !accounts.passkeys.used(id, authenticationInfo.newCounter)) throw wrongPasskey();
  return name;
}

/** What does not fit is thrown by SimpleWebAuthn as plain errors, which say to an attacker what to do better. */
async function checked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw wrongPasskey(error);
  }
}

function wrongPasskey(cause?: unknown): TurnedAway {
  const refused = new TurnedAway(401, 'wrong-passkey', 'This passkey was not accepted: try again, or use another one or a password');
  refused.cause = cause;
  return refused;
}
