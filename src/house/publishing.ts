/**
 * What a running house tells the broker: the journal, the door's states, trainings, enrolments, and Home Assistant. It can be asked and told of events from the first
 * moment; the parts of the house go in where it begins, and nothing is sent before. Nothing of the house waits for it.
 */
import { homeAssistantOf } from '../adapters/mqtt.ts';
import { brokerOf } from '../adapters/relay-line.ts';
import type { Log } from '../base/log.ts';
import { systemClock } from '../base/time.ts';
import { statusOf } from '../command/enrol.ts';
import type { Desk } from '../command/port.ts';
import type { EnrolmentSessions, Gallery } from '../identity/port.ts';
import type { Journal } from '../journal/port.ts';
import type { Learning } from '../learning/open.ts';
import { type Publication, type PublicationStatus, publishJournal } from '../mqtt/client.ts';
import { encodeEnrolment, encodeTrainingLine } from '../mqtt/codec.ts';
import type { States } from '../mqtt/messages.ts';
import type { TellEvent } from '../mqtt/tell-home-assistant.ts';
import { type Topics, topicsOf } from '../mqtt/topics.ts';
import type { JobStatus } from '../retrain/port.ts';
import type { Config } from '../settings/load.ts';

export interface PublishingParts {
  readonly journal: Journal;
  readonly gallery: Pick<Gallery, 'find'>;
  readonly enrolment: EnrolmentSessions;
  readonly desk: Desk | undefined;
  readonly learning: Pick<Learning, 'subscribe'> | undefined;
  /** Where the embedded broker listens, if there is one. */
  readonly brokerUrl: string | undefined;
  /** The picture that was looked at last. */
  readonly lookedAt: () => Uint8Array | undefined;
  readonly showStates: (publication: Pick<Publication, 'show'>) => void;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface Publishing {
  /** Goes on until the signal; does nothing where MQTT is off. Throws Fault `bad-config` for a door, prefix or address that cannot be. */
  begin(parts: PublishingParts): void;
  /** Resolves when the signal has ended it. */
  done(): Promise<void>;
  /** Of everything that happens. */
  readonly event: TellEvent;
  showStates(): void;
  /** `off` until it begins. */
  readonly state: PublicationStatus['state'] | 'off';
  readonly backlog: number;
  /** How it stands, for people. */
  readonly summary: string;
}

export function publishingOf(config: Config): Publishing {
  let publication: Publication | undefined;
  let tellEvent: TellEvent | undefined;
  let showStates: () => void = () => undefined;
  return {
    begin: ({ journal, gallery, enrolment, desk, learning, brokerUrl, lookedAt, log, signal, ...parts }) => {
      if (!config.mqtt.enabled) return;
      const { prefix, drainPerS } = config.mqtt;
      const options = {
        ...{ journal, prefix, drainPerS, log, signal },
        broker: brokerOf(config, brokerUrl),
        door: config.door.id,
        clock: systemClock,
        ...(desk && { desk }),
        ...(config.mqtt.homeAssistant.enabled && { homeAssistant: config.mqtt.homeAssistant }),
      };
      const begun = publishJournal(options);
      publication = begun;
      tellEvent = homeAssistantOf(config, { ...options, publication: begun, gallery, lookedAt });
      showStates = () => parts.showStates(begun);
      showStates();
      const topics = topicsOf(prefix, config.door.id);
      if (learning) tellTraining(learning, topics, begun);
      void tellEnrolment(enrolment, topics, begun, signal);
    },
    done: async () => await publication?.done,
    event: (event, entry) => tellEvent?.(event, entry),
    showStates: () => showStates(),
    get state() {
      return publication?.status.state ?? 'off';
    },
    get backlog() {
      return publication?.status.backlog ?? 0;
    },
    get summary() {
      return publication ? summaryOf(publication.status) : 'off';
    },
  };
}

function summaryOf({ state, backlog, commands, setAside }: PublicationStatus): string {
  const waiting = backlog > 0 ? ` (${backlog} waiting)` : '';
  return `${state}${waiting}${commands === 'deaf' ? ', delivers no commands' : ''}${setAside > 0 ? `, refused ${setAside} for good` : ''}`;
}

function tellTraining(learning: Pick<Learning, 'subscribe'>, topics: Topics, publication: Publication): void {
  learning.subscribe({
    onStatus: (status) => publication.show('training', shownJob(status)),
    onLine: (job, line) =>
      publication.tell(topics.training(job), { payload: encodeTrainingLine(job, line, systemClock.wall()), retain: false }),
  });
}

/** A job as its retained state has it. */
function shownJob({ progress, ...job }: JobStatus): States['training'] {
  if (!progress) return job;
  const { stage, done, total, figures } = progress;
  return { ...job, stage, done, total, ...(figures && { figures }) };
}

/** Whoever enrols from afar sees the prompts as they change. */
async function tellEnrolment(sessions: EnrolmentSessions, topics: Topics, publication: Publication, signal: AbortSignal): Promise<void> {
  for await (const status of sessions.changes(signal))
    publication.tell(topics.enrolment(status.session), { payload: encodeEnrolment(statusOf(status), systemClock.wall()), retain: false });
}
