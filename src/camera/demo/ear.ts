/** What the demo's people hear of the door: its events go in, what it asks of the people of a visit comes out. */
import type { Event } from '../../events.ts';
import type { DemoChallenge } from './plan.ts';

export interface Ear {
  readonly heard: (event: Event) => void;
  readonly asked: (visit: number) => DemoChallenge | undefined;
}

export function openEar(): Ear {
  let last: (DemoChallenge & { readonly visit: number }) | undefined;
  return {
    heard: (event) => {
      if (event.kind !== 'access.challenged' || event.visit === undefined) return;
      const { challenge, what, times, visit } = event;
      last = { id: challenge, kind: what, visit, ...(times !== undefined && { times }) };
    },
    asked: (visit) => (last?.visit === visit ? last : undefined),
  };
}
