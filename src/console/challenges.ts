/**
 * Challenges of passkeys: a purpose goes in, random bytes come out; each counts once, for its purpose, for five
 * minutes. Kept in memory only.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/time.ts';

export interface Challenges<Note> {
  /** `network`: whose it is, so that a flood from one drops nobody else's. */
  issue(purpose: string, network: string, note: Note): string;
  /** Once: undefined where it was used, is over, or was issued for another purpose. */
  use(challenge: string, purpose: string): Note | undefined;
}

const lifeMs = 300_000;
const mostOfNetwork = 20;
const most = 2000;

export function passkeyChallenges<Note>(clock: Pick<Clock, 'now'>): Challenges<Note> {
  const open = new Map<string, { readonly purpose: string; readonly network: string; readonly note: Note; readonly endMs: number }>();
  /** A Map keeps its order: the first ones are the oldest. */
  const makeRoom = (network: string) => {
    for (const [challenge, { endMs }] of open) if (endMs <= clock.now()) open.delete(challenge);
    const own = [...open].filter(([, held]) => held.network === network);
    for (const [challenge] of own.slice(0, Math.max(0, own.length - mostOfNetwork + 1))) open.delete(challenge);
    for (const challenge of [...open.keys()].slice(0, Math.max(0, open.size - most + 1))) open.delete(challenge);
  };
  return {
    issue: (purpose, network, note) => {
      makeRoom(network);
      const challenge = randomBytes(32).toString('base64url');
      open.set(challenge, { purpose, network, note, endMs: clock.now() + lifeMs });
      return challenge;
    },
    use: (challenge, purpose) => {
      const found = open.get(challenge);
      open.delete(challenge);
      return found && found.purpose === purpose && found.endMs > clock.now() ? found.note : undefined;
    },
  };
}
