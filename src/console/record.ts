/**
 * What the console tells the journal about who does not get in. Failed sign-ins and refused requests go in one by one;
 * a flood comes out as one event a minute, with how many they were.
 */
import type { Clock } from '../base/time.ts';
import type { ConsoleRefusal, Event, SignInWay } from '../events.ts';

export type ConsoleEvent = Extract<Event, { readonly kind: `console.${string}` }>;

/** Hands an event to the journal of the door. */
export type RecordEvent = (event: ConsoleEvent) => void;

/** Events of one kind that may come in floods. */
export interface Floods<One> {
  add(one: One): void;
  /** Tells what is due; `all`: also what is not yet. */
  flush(all?: boolean): void;
}

/** `name`: only of an account that there is. */
export type FailedSignIns = Floods<{ readonly name?: string | undefined; readonly with: SignInWay; readonly address: string }>;
export type RefusedRequests = Floods<{ readonly name?: string | undefined; readonly why: ConsoleRefusal; readonly address: string }>;

interface RecordParts {
  readonly record: RecordEvent;
  readonly clock: Pick<Clock, 'now'>;
}

export function failedSignIns({ record, clock }: RecordParts): FailedSignIns {
  const floods = floodsOf<SignInWay>(clock, ({ what, ...rest }) => record({ kind: 'console.sign-in-failed', with: what, ...rest }));
  return { flush: floods.flush, add: ({ with: what, ...rest }) => floods.add({ what, ...rest }) };
}

export function refusedRequests({ record, clock }: RecordParts): RefusedRequests {
  const floods = floodsOf<ConsoleRefusal>(clock, ({ what, ...rest }) => record({ kind: 'console.refused', why: what, ...rest }));
  return { flush: floods.flush, add: ({ why: what, ...rest }) => floods.add({ what, ...rest }) };
}

const toldEveryMs = 60_000;
/** Different accounts and addresses told apart at a time; those beyond are told together. */
const mostApart = 32;

interface Flood<What> {
  readonly name?: string | undefined;
  readonly what: What;
  readonly address?: string | undefined;
}

interface Told<What> {
  readonly what: What;
  readonly times: number;
  readonly name?: string;
  readonly address?: string;
}

function floodsOf<What extends string>(clock: Pick<Clock, 'now'>, tell: (told: Told<What>) => void): Floods<Flood<What>> {
  const floods = new Map<string, { readonly flood: Flood<What>; readonly toldAtMs: number; untold: number }>();
  const say = ({ name, what, address }: Flood<What>, times: number) =>
    tell({ what, times, ...(name === undefined ? {} : { name }), ...(address === undefined ? {} : { address }) });
  const begin = (key: string, flood: Flood<What>, times: number) => {
    say(flood, times);
    floods.set(key, { flood, toldAtMs: clock.now(), untold: 0 });
  };
  const flush = (all = false) => {
    for (const [key, { flood, toldAtMs, untold }] of floods) {
      if (!all && clock.now() - toldAtMs < toldEveryMs) continue;
      floods.delete(key);
      if (untold > 0) begin(key, flood, untold);
    }
  };
  return {
    flush,
    add: (one) => {
      flush();
      const isApart = floods.has(keyOf(one)) || floods.size < mostApart;
      const flood: Flood<What> = isApart ? one : { what: one.what };
      const running = floods.get(keyOf(flood));
      if (running) running.untold++;
      else begin(keyOf(flood), flood, 1);
    },
  };
}

const keyOf = ({ name, what, address }: Flood<string>): string => `${what} ${address} ${name}`;
