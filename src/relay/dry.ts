/**
 * A relay without hardware: it reports and remembers every edge. For the demo, and for trying a camera before the
 * wiring is done.
 */
import type { Clock } from '../base/time.ts';
import type { Relay } from './port.ts';
import { type LineLimits, lineTimer } from './timer.ts';

export interface Edge {
  readonly level: 'safe' | 'active';
  /** Monotonic milliseconds of the clock. */
  readonly atMs: number;
}

export interface DryRelay extends Relay {
  /** The latest edges, oldest first, at most 1,000. */
  readonly edges: readonly Edge[];
}

export interface DryRelayOptions extends LineLimits {
  readonly clock: Clock;
  readonly onEdge?: (edge: Edge) => void;
}

const mostEdges = 1000;

/** The dry relay, at its safe level. */
export function dryRelay({ clock, maxMs, maxHoldMs, onEdge }: DryRelayOptions): DryRelay {
  const edges: Edge[] = [];
  const timer = lineTimer({
    ...{ clock, maxMs, maxHoldMs },
    drive: (level) => {
      const edge = { level, atMs: clock.now() };
      edges.push(edge);
      if (edges.length > mostEdges) edges.shift();
      onEdge?.(edge);
    },
  });
  return {
    label: 'dry relay (no hardware)',
    held: true,
    edges,
    get level() {
      return timer.level;
    },
    pulse: async (durationMs) => void timer.pulse(durationMs),
    hold: async (leaseMs) => void timer.hold(leaseMs),
    safe: async () => void timer.safe(),
    [Symbol.asyncDispose]: async () => void timer.safe(),
  };
}
