/**
 * Plays a challenge on a lamp. In: the challenge, when it was issued, and a lamp. Out: the lamp on and off. Whatever
 * ends it, the lamp is off afterwards. A code is shown slot by slot; with every other challenge the lamp is on until
 * the time is over, so that the person sees that something is asked, and is seen.
 */
import type { Clock } from '../../base/time.ts';
import type { Challenge } from '../port.ts';

/** Times are those of `clock`. */
export type ShownChallenge = Pick<Challenge, 'kind' | 'times' | 'code' | 'slotMs' | 'issuedAtMs' | 'deadlineMs'>;

/** Goes on until the challenge or `signal` ends. `light` must not throw. */
export async function playLamp(shown: ShownChallenge, light: (on: boolean) => void, clock: Clock, signal: AbortSignal): Promise<void> {
  const until = (atMs: number) => clock.sleep(Math.max(0, atMs - clock.now()), signal);
  try {
    if (shown.kind === 'light') await playCode(shown, light, until);
    else {
      light(true);
      await until(shown.deadlineMs);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    light(false);
  }
}

async function playCode(
  { code = [], slotMs = 0, issuedAtMs }: ShownChallenge,
  light: (on: boolean) => void,
  until: (atMs: number) => Promise<void>,
): Promise<void> {
  let lit = false;
  for (const [slot, on] of code.entries()) {
    if (on === lit) continue;
    await until(issuedAtMs + slot * slotMs);
    light(on);
    lit = on;
  }
  await until(issuedAtMs + code.length * slotMs);
}
