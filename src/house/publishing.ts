/**
 * What a running house tells the broker: the journal, the door's states, trainings, enrolments, and Home Assistant.
 * house/running.ts opens it when the house begins; it ends last, with its signal. Nothing in the house waits for it.
 */
import { exposedBroker, homeAssistantOf } from '../adapters/mqtt.ts';
import { brokerOf } from '../adapters/relay-line.ts';
import type { Signer } from '../base/jws.ts';
import { systemClock } from '../base/time.ts';
import { publicStatusOf } from '../command/enrol.ts';
import type { Desk } from '../command/port.ts';
import type { EnrolmentSessions } from '../identity/port.ts';
import type { Learning } from '../learning/open.ts';
import { type Publication, type PublicationStatus, publishJournal } from '../mqtt/client.ts';
import { encodeEnrolment, encodeTrainingLine } from '../mqtt/codec.ts';
import type { States } from '../mqtt/messages.ts';
import { type Topics, topicsOf } from '../mqtt/topics.ts';
import type { JobStatus } from '../retrain/port.ts';
import type { Publishing, Rooms } from './rooms.ts';

export interface PublishingParts {
  readonly enrolment: EnrolmentSessions;
  readonly desk: Desk | undefined;
  /** Signs states and events. */
  readonly signer: Signer | undefined;
  /** Where the embedded broker listens, if there is one. */
  readonly brokerUrl: string | undefined;
  readonly showStates: (publication: Pick<Publication, 'show'>) => void;
}

/** Goes on until the signal. Throws Fault `bad-config` for a door, prefix or address that is not possible. */
export function openPublishing(rooms: Rooms, parts: PublishingParts, signal: AbortSignal): Publishing {
  const { config, journal, eyes, learning } = rooms;
  const { prefix, drainPerS, homeAssistant } = config.mqtt;
  const options = {
    ...{ journal, prefix, drainPerS, signal },
    log: rooms.log.child({ room: 'mqtt' }),
    broker: brokerOf(config, parts.brokerUrl),
    door: config.door.id,
    clock: systemClock,
    ...(parts.desk && { desk: parts.desk }),
    ...(parts.signer && { signer: parts.signer }),
    ...(homeAssistant.enabled && { homeAssistant }),
  };
  const publication = publishJournal(options);
  const exposed = exposedBroker(config);
  if (exposed !== undefined) options.log.warn({ detail: exposed }, 'broker not protected');
  const lookedAt = () => rooms.lookedAt;
  const tellEvent = homeAssistantOf(config, { ...options, publication, gallery: eyes.gallery, lookedAt });
  const showStates = () => parts.showStates(publication);
  showStates();
  const topics = topicsOf(prefix, config.door.id);
  if (learning) tellTraining(learning, topics, publication);
  void tellEnrolment(parts.enrolment, topics, publication, signal);
  return {
    done: publication.done,
    event: (event, entry) => tellEvent?.(event, entry),
    showStates,
    get state() {
      return publication.status.state;
    },
    get backlog() {
      return publication.status.backlog;
    },
    get summary() {
      return summaryOf(publication.status);
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

/** A job as its retained state shows it. */
function shownJob({ progress, ...job }: JobStatus): States['training'] {
  if (!progress) return job;
  const { stage, done, total, figures } = progress;
  return { ...job, stage, done, total, ...(figures && { figures }) };
}

/** Whoever enrols remotely sees the prompts as they change. */
async function tellEnrolment(sessions: EnrolmentSessions, topics: Topics, publication: Publication, signal: AbortSignal): Promise<void> {
  for await (const status of sessions.changes(signal))
    publication.tell(topics.enrolment(status.session), {
      payload: encodeEnrolment(publicStatusOf(status), systemClock.wall()),
      retain: false,
    });
}
