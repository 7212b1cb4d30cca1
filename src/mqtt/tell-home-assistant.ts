/**
 * Messages for Home Assistant's entities. In: events. Out: what the owner allows to be told of them, never retained.
 */

import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Event, PersonId } from '../events.ts';
import type { Entry } from '../journal/port.ts';
import type { Publication } from './client.ts';
import { attemptOf } from './home-assistant.ts';
import type { Topics } from './topics.ts';

export interface TellOptions {
  readonly publication: Pick<Publication, 'tell'>;
  readonly topics: Topics;
  /** What is told of a person; undefined where nothing is. */
  readonly named: (personId: PersonId) => string | undefined;
  /** A JPEG of the frame that was decided on last; absent where no picture may leave the door. */
  readonly picture?: () => Promise<Buffer | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Hears of every event, with its entry where it could be journalled. Never waits. */
export type TellEvent = (event: Event, entry: Entry | undefined) => void;

export function tellHomeAssistant({ publication, topics, named, picture, clock, log }: TellOptions): TellEvent {
  const send = (what: 'attempt' | 'person', message: object) =>
    publication.tell(topics.homeAssistant(what), { payload: JSON.stringify(message), retain: false });
  const sendPicture = async () => {
    try {
      const payload = await picture?.();
      if (payload) publication.tell(topics.homeAssistant('image'), { payload, retain: false, contentType: 'image/jpeg' });
    } catch (error) {
      log.warn({ err: messageOf(error) }, 'no picture of the attempt could be made');
    }
  };
  return (event, entry) => {
    const told = attemptOf(event, { named, seq: entry?.seq, at: entry?.at ?? new Date(clock.wall()).toISOString() });
    if (!told) return;
    send('attempt', told.attempt);
    if (told.person) send('person', told.person);
    void sendPicture();
  };
}
