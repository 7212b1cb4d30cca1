/**
 * The certificate of the console while the house runs: the one in use goes in; whenever there is another, that is told.
 * The door's own is made again in time; the owner's file is read again. open.ts opens it; it ends with its signal.
 */
import { Fault, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { sideThread } from '../../base/side-thread.ts';
import type { Clock } from '../../base/time.ts';
import type { ConsoleSettings } from '../../console/port.ts';
import { type ConsoleTls, isDue } from '../../console/tls.ts';

export interface CertificateParts {
  readonly now: ConsoleTls;
  /** The certificate that the console should have; rejects with a Fault where it cannot be read. */
  readonly find: () => Promise<ConsoleTls | undefined>;
  /** From files of the owner, who renews them. */
  readonly isGiven: boolean;
  readonly clock: Pick<Clock, 'wall' | 'sleep'>;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onNew: (tls: ConsoleTls) => void;
}

/** Also soon after a clock without a battery was set. Milliseconds. */
const everyMs = 600_000;

/** Resolves when `signal` is aborted. */
export async function keepCertificate({ now, find, isGiven, clock, log, signal, onNew }: CertificateParts): Promise<void> {
  for (let used = now; ; ) {
    await clock.sleep(everyMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    if (!isGiven && !isDue(used, clock.wall())) continue;
    try {
      const found = await find();
      if (!found || found.fingerprint === used.fingerprint) continue;
      used = found;
      onNew(found);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      // The owner's program may be writing the two files just now.
      log.warn({ code: error.code, err: messageOf(error) }, 'the certificate of the console cannot be renewed');
    }
  }
}

/** Makes a certificate beside the deciding thread, in a thread that ends with it. */
export async function madeBeside(settings: ConsoleSettings): Promise<ConsoleTls | undefined> {
  await using thread = sideThread<ConsoleSettings, ConsoleTls | undefined>({
    module: new URL('./certificate-worker.ts', import.meta.url),
    ...{ mostWaiting: 1, patienceMs: 60_000, heapMb: 128 },
  });
  return await thread.ask(settings);
}
