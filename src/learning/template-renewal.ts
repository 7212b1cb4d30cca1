/**
 * Templates for pictures that were enrolled while another network guarded: they are made beside the running door, one
 * round at a time, while nobody is there.
 */
import { renewTemplates } from '../adapters/basics.ts';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Eyes } from './eyes.ts';

export interface TemplateRenewalParts {
  readonly eyes: Eyes;
  /** Resolves when nobody stands at the door. */
  readonly untilQuiet: () => Promise<void>;
  readonly signal: AbortSignal;
  readonly log: Log;
}

export interface TemplateRenewal {
  /** Begins a round where templates are missing that the last round did not fail to make. */
  look(): void;
  /** Resolves when no round is under way. */
  done(): Promise<void>;
}

export function templateRenewal({ eyes, untilQuiet, signal, log }: TemplateRenewalParts): TemplateRenewal {
  let renewing: Promise<void> | undefined;
  let stuckStale = 0;
  return {
    look: () => {
      const { stale } = eyes.gallery;
      if (stale === 0) stuckStale = 0;
      if (renewing || stale <= stuckStale) return;
      renewing = renewTemplates(eyes.current.gallery, eyes.current.reader, untilQuiet)
        .then(({ pictures: made, failed }) => {
          stuckStale = eyes.gallery.stale;
          log.info({ room: 'identity', pictures: made, failed: failed.length }, 'templates made for the network in use');
        })
        .catch((error) => {
          if (!signal.aborted) log.warn({ err: messageOf(error) }, 'templates cannot be made now');
        })
        .finally(() => {
          renewing = undefined;
        });
    },
    done: async () => await renewing,
  };
}
