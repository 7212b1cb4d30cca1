/** What the demo's people hear of the door: its events go in, what it said to the people of a visit comes out. */
import type { Event } from '../../events.ts';
import type { DoorSaid } from './plan.ts';

export interface Ear {
  readonly heard: (event: Event) => void;
  readonly said: (visit: number) => DoorSaid;
}

export function openEar(): Ear {
  let last: (DoorSaid & { readonly visit: number }) | undefined;
  return {
    heard: (event) => {
      if (event.kind === 'access.granted' && event.visit !== undefined)
        last = { ...(last?.visit === event.visit && last), visit: event.visit, letIn: true };
      if (event.kind !== 'access.challenged' || event.visit === undefined) return;
      const { challenge: id, what: kind, times, visit } = event;
      last = { challenge: { id, kind, ...(times !== undefined && { times }) }, visit, letIn: false };
    },
    said: (visit) => (last?.visit === visit ? last : { letIn: false }),
  };
}
