/**
 * Announces this door to Home Assistant, and remembers the topics in a file, so that an announcement is taken back
 * when the topic changes or Home Assistant is switched off. `adapters/mqtt.ts` calls it once; the publication does
 * the sending.
 */
import { readFileSync } from 'node:fs';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { jsonText, writeWhole } from '../base/whole-file.ts';
import type { Publication } from './client.ts';

export interface AnnouncementOptions {
  readonly publication: Pick<Publication, 'tell'>;
  /** Holds the topics at which the door is announced. */
  readonly file: string;
  /** The announcement from now on; undefined: none. */
  readonly discovery: { readonly topic: string; readonly payload: string } | undefined;
  readonly log: Log;
}

/**
 * Announces the door, and takes back announcements at other topics. Never waits; a broker that is away is told later.
 */
export function announce({ publication, file, discovery, log }: AnnouncementOptions): void {
  const known = announcedIn(file, log);
  const keep = (topics: Iterable<string>) => {
    try {
      rememberAnnounced(file, [...topics]);
    } catch (error) {
      log.warn({ file, err: messageOf(error) }, 'the announcement to Home Assistant cannot be noted, so it will not be taken back later');
    }
  };
  const left = new Set(known);
  if (discovery) {
    // Noted first: an announcement that is not noted would stay for ever.
    if (!left.has(discovery.topic)) keep(left.add(discovery.topic));
    publication.tell(discovery.topic, { payload: discovery.payload, retain: true });
  }
  for (const topic of known) {
    if (topic === discovery?.topic) continue;
    const onTaken = () => {
      left.delete(topic);
      keep(left);
      log.info({ topic }, 'taken out of Home Assistant');
    };
    publication.tell(topic, { payload: '', retain: true, onTaken });
  }
}

/** The topics at which the door is announced. */
export function announcedIn(file: string, log?: Log): readonly string[] {
  try {
    const { topics }: { readonly topics?: unknown } = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(topics) ? topics.filter((topic) => typeof topic === 'string') : [];
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!missing) log?.warn({ file, err: messageOf(error) }, 'file cannot be read and is ignored');
    return [];
  }
}

/** Throws what the file system throws. */
export function rememberAnnounced(file: string, topics: readonly string[]): void {
  writeWhole(file, jsonText({ topics }));
}
