/**
 * The metrics of a door for Prometheus, in a registry of their own. In: journal events, frames that were decided on,
 * and readings at each scrape. Out: the exposition text. It has no name or id of a person.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Sighting } from '../access/port.ts';
import { challengeKinds, denials, type Event, type LivenessNote } from '../events.ts';
import { qualityReasons } from '../face/port.ts';

/** What is read at each scrape. */
export interface Readings {
  readonly frames: number;
  readonly unreadable: number;
  readonly damaged: number;
  /** Age of the newest frame, milliseconds; undefined while there is none. */
  readonly frameAgeMs: number | undefined;
  readonly camera: 'opening' | 'running' | 'failed';
  readonly broker: 'off' | 'connected' | 'connecting' | 'down';
  /** Journal entries that the broker has not acknowledged. */
  readonly backlog: number;
  readonly people: number;
  readonly templates: number;
  /** Faces that are left out because they never move. */
  readonly masked: number;
  readonly released: boolean;
  readonly relayHeld: boolean;
  readonly armed: boolean;
  /** The likeness at which the door accepts, logits. */
  readonly thresholdLogit: number;
}

export interface MetricsOptions {
  readonly door: string;
  readonly version: string;
  readonly readings: () => Readings;
}

export interface Metrics {
  /** One event, journalled or not. */
  event(event: Event): void;
  /** One frame that was decided on, `ageMs` after it was captured. */
  looked(sighting: Sighting, ageMs: number): void;
  /** The exposition text and its content type. */
  scrape(): Promise<{ readonly text: string; readonly contentType: string }>;
}

const verdicts: readonly LivenessNote['verdict'][] = ['live', 'unsure', 'spoof', 'not-checked'];
const cameraStates = ['opening', 'running', 'failed'] as const;
const brokerStates = ['off', 'connecting', 'connected', 'down'] as const;
/** Logits. With the shipped embedder strangers are below 0 and thresholds between 4 and 10. */
const logitBuckets = [-20, -15, -10, -8, -6, -4, -2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20];
/** Seconds. */
const decisionBuckets = [0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5];
const relayBuckets = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 5];

/** The metrics of one door. */
export function doorMetrics({ door, version, readings }: MetricsOptions): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ door });
  const counted = counters(registry);
  const gauges = gaugesOf(registry, version);
  return {
    event: counted.event,
    looked: counted.looked,
    scrape: async () => {
      gauges(readings());
      return { text: await registry.metrics(), contentType: registry.contentType };
    },
  };
}

function counters(registry: Registry): Pick<Metrics, 'event' | 'looked'> {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, label: Label, values: readonly string[] = []) => {
    const made = new Counter({ name: `facelatch_${name}`, help, labelNames: [label], registers });
    // All labels exist from the start: a rate over a series that appears with its first count misses that count.
    for (const value of values) made.inc({ [label]: value } as Record<Label, string>, 0);
    return made;
  };
  const histogram = (name: string, help: string, buckets: number[], labelNames: string[] = []) =>
    new Histogram({ name: `facelatch_${name}`, help, buckets, labelNames, registers });

  const events = counter('events_total', 'Entries of the journal by kind of event; alarms are among them.', 'kind');
  const grants = new Counter({ name: 'facelatch_grants_total', help: 'Visits for which the door was opened by face.', registers });
  const denied = counter('denials_total', 'Denials by reason.', 'reason', denials);
  const liveness = counter(
    'liveness_total',
    'Decisions about a recognised face (grants, denials, challenges, PINs asked for) by what the checks of liveness said.',
    'verdict',
    verdicts,
  );
  const challenges = counter('challenges_total', 'Challenges by what was asked.', 'what', challengeKinds);
  const failures = counter(
    'failures_to_acquire_total',
    'Frames whose face was not good enough to be compared, by reason (ISO/IEC 19795: failure to acquire).',
    'reason',
    qualityReasons,
  );
  const likeness = histogram(
    'likeness_logits',
    'Likeness of the best match of each compared frame, by the side of the threshold it is on.',
    logitBuckets,
    ['side'],
  );
  const toDecision = histogram('capture_to_decision_seconds', 'From the capture of a frame to the decision on it.', decisionBuckets);
  const toRelay = histogram(
    'capture_to_relay_seconds',
    "From the capture of a grant's first frame to the edge of the relay.",
    relayBuckets,
  );
  for (const side of ['accepted', 'rejected']) likeness.zero({ side });

  return {
    event: (event) => {
      events.inc({ kind: event.kind });
      if (event.kind === 'access.granted') grants.inc();
      if (event.kind === 'access.denied') denied.inc({ reason: event.reason });
      if (event.kind === 'access.challenged') challenges.inc({ what: event.what });
      if ('liveness' in event && event.liveness) liveness.inc({ verdict: event.liveness.verdict });
      if (event.kind === 'relay.pulsed' && event.captureToRelayMs !== undefined) toRelay.observe(event.captureToRelayMs / 1000);
    },
    looked: ({ finding, likeness: best }, ageMs) => {
      toDecision.observe(ageMs / 1000);
      if (finding.kind === 'low-quality') for (const reason of finding.reasons) failures.inc({ reason });
      if (best) likeness.observe({ side: finding.kind === 'unknown' ? 'rejected' : 'accepted' }, best.logit);
    },
  };
}

function gaugesOf(registry: Registry, version: string): (readings: Readings) => void {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name: `facelatch_${name}`, help, registers });
  const oneOf = (name: string, help: string) => new Gauge({ name: `facelatch_${name}`, help, labelNames: ['state'], registers });
  const total = (name: string, help: string) => new Counter({ name: `facelatch_${name}`, help, registers });
  new Gauge({ name: 'facelatch_build_info', help: 'Always 1; the version is a label.', labelNames: ['version'], registers }).set(
    { version },
    1,
  );
  const frames = total('frames_total', 'Frames taken from the camera.');
  const unreadable = total('unreadable_frames_total', 'Frames that could not be decoded.');
  const damaged = total('damaged_frames_total', 'Frames of which a part was missing; they are not looked at.');
  const age = gauge('frame_age_seconds', 'Age of the newest frame; NaN while there is none.');
  const camera = oneOf('camera_state', '1 for the state the camera is in, 0 for the others.');
  const broker = oneOf('broker_state', '1 for the state of the connection to the broker, 0 for the others.');
  const backlog = gauge('journal_backlog', 'Entries of the journal that the broker has not acknowledged; 0 without a broker.');
  const people = gauge('people', 'People enrolled.');
  const templates = gauge('templates', 'Templates compared with each face.');
  const masked = gauge('masked_faces', 'Faces that are left out because they never move (posters).');
  const released = gauge('door_released', '1 while the relay is driven to its active level.');
  const held = gauge('relay_held', "1 while the daemon holds the relay's line.");
  const armed = gauge('armed', '1 while the door opens by face.');
  const threshold = gauge('threshold_logits', 'Likeness at which a face is accepted.');
  const seen = { frames: 0, unreadable: 0, damaged: 0 };

  return (now) => {
    frames.inc(now.frames - seen.frames);
    unreadable.inc(now.unreadable - seen.unreadable);
    damaged.inc(now.damaged - seen.damaged);
    Object.assign(seen, { frames: now.frames, unreadable: now.unreadable, damaged: now.damaged });
    age.set(now.frameAgeMs === undefined ? Number.NaN : now.frameAgeMs / 1000);
    for (const state of cameraStates) camera.set({ state }, Number(now.camera === state));
    for (const state of brokerStates) broker.set({ state }, Number(now.broker === state));
    backlog.set(now.backlog);
    people.set(now.people);
    templates.set(now.templates);
    masked.set(now.masked);
    released.set(Number(now.released));
    held.set(Number(now.relayHeld));
    armed.set(Number(now.armed));
    threshold.set(now.thresholdLogit);
  };
}
