/** A relay without hardware: it says what it would do and remembers every edge; for the demo, and for trying a camera before the wiring is done. */
import type { Clock } from '../time.ts';
import type { Relay } from './port.ts';

export interface Edge {
  readonly level: 'safe' | 'active';
  /** Monotonic milliseconds of the clock. */
  readonly atMs: number;
}

export interface DryRelay extends Relay {
  /** The latest edges, oldest first, at most 1,000. */
  readonly edges: readonly Edge[];
}

export interface DryRelayOptions {
  readonly clock: Clock;
  /** No pulse is ever longer, milliseconds. */
  readonly maxMs: number;
  readonly onEdge?: (edge: Edge) => void;
}

const mostEdges = 1000;

/** The dry relay, at its safe level. */
export function dryRelay({ clock, maxMs, onEdge }: DryRelayOptions): DryRelay {
  const edges: Edge[] = [];
  let level: Edge['level'] = 'safe';
  let activeSinceMs = 0;
  let endMs = 0;
  let ending: AbortController | undefined;

  const drive = (to: Edge['level']) => {
    if (level === to) return;
    level = to;
    const edge = { level, atMs: clock.now() };
    edges.push(edge);
    if (edges.length > mostEdges) edges.shift();
    onEdge?.(edge);
  };
  const release = () => {
    ending?.abort();
    ending = undefined;
    drive('safe');
  };
  return {
    label: 'dry relay (no hardware)',
    held: true,
    edges,
    get level() {
      return level;
    },
    pulse: async (durationMs) => {
      const now = clock.now();
      if (level === 'safe') {
        activeSinceMs = now;
        endMs = 0;
      }
      endMs = Math.min(activeSinceMs + maxMs, Math.max(endMs, now + durationMs));
      ending?.abort();
      const mine = new AbortController();
      ending = mine;
      drive('active');
      // An aborted sleep belongs to a pulse that was lengthened or ended: nothing is left for it to do.
      clock.sleep(endMs - now, mine.signal).then(release, () => undefined);
    },
    safe: async () => release(),
    [Symbol.asyncDispose]: async () => release(),
  };
}
