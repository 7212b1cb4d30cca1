/**
 * What the console tells the journal about who signs in. Failed tries go in one by one; a flood comes out as one event
 * a minute, with how many they were.
 */
import type { Clock } from '../base/time.ts';
import type { Event, SignInWay } from '../events.ts';

export type ConsoleEvent = Extract<Event, { readonly kind: `console.${string}` }>;

/** Hands an event to the journal of the door. */
export type RecordEvent = (event: ConsoleEvent) => void;

export interface FailedSignIns {
  /** `name`: only of an account that there is. */
  add(failed: { readonly name?: string | undefined; readonly with: SignInWay; readonly address: string }): void;
  /** Tells what is due; `all`: also what is not yet. */
  flush(all?: boolean): void;
}

const toldEveryMs = 60_000;
/** Different accounts and addresses told apart at a time; those beyond are told together. */
const mostApart = 32;

interface Flood {
  readonly name: string | undefined;
  readonly way: SignInWay;
  readonly address: string | undefined;
  readonly toldAtMs: number;
  untold: number;
}

export function failedSignIns({ record, clock }: { readonly record: RecordEvent; readonly clock: Pick<Clock, 'now'> }): FailedSignIns {
  const floods = new Map<string, Flood>();
  const tell = ({ name, way, address, untold }: Flood) =>
    record({
      ...{ kind: 'console.sign-in-failed', with: way, times: untold },
      ...(name === undefined ? {} : { name }),
      ...(address === undefined ? {} : { address }),
    });
  const flush = (all = false) => {
    for (const [key, flood] of floods) {
      if (!all && clock.now() - flood.toldAtMs < toldEveryMs) continue;
      floods.delete(key);
      if (flood.untold === 0) continue;
      tell(flood);
      floods.set(key, { ...flood, toldAtMs: clock.now(), untold: 0 });
    }
  };
  return {
    flush,
    add: ({ name, with: way, address }) => {
      flush();
      const isApart = floods.has(`${way} ${address} ${name}`) || floods.size < mostApart;
      const flood: Omit<Flood, 'toldAtMs' | 'untold'> = isApart ? { name, way, address } : { name: undefined, way, address: undefined };
      const key = `${flood.way} ${flood.address} ${flood.name}`;
      const running = floods.get(key);
      if (running) running.untold++;
      else {
        tell({ ...flood, toldAtMs: 0, untold: 1 });
        floods.set(key, { ...flood, toldAtMs: clock.now(), untold: 0 });
      }
    },
  };
}
