/**
 * Where this door was announced to Home Assistant, remembered in a file, so that it is taken out again where it should be no longer: at another topic,
 * or not at all. Topics go in and out; the publication sends.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Publication } from './client.ts';

export interface AnnouncementOptions {
  readonly publication: Pick<Publication, 'tell'>;
  /** Holds the topics under which the door was announced and not taken back. */
  readonly file: string;
  /** What is to stand there from now on; undefined: nothing. */
  readonly discovery: { readonly topic: string; readonly payload: string } | undefined;
  readonly log: Log;
}

/** Announces the door, and takes back whatever was announced elsewhere before. Never waits; a broker that is away is told when it comes. */
export function announce({ publication, file, discovery, log }: AnnouncementOptions): void {
  const known = announcedIn(file, log);
  const keep = (topics: Iterable<string>) => {
    try {
      rememberAnnounced(file, [...topics]);
    } catch (error) {
      log.warn({ file, err: messageOf(error) }, 'what Home Assistant was told cannot be noted, so it will not be taken back');
    }
  };
  const left = new Set(known);
  if (discovery) {
    // Noted first: what was announced and not noted would stay for ever.
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

/** The topics under which the door was announced and not taken back. */
export function announcedIn(file: string, log?: Log): readonly string[] {
  try {
    const { topics } = JSON.parse(readFileSync(file, 'utf8')) as { topics?: unknown };
    return Array.isArray(topics) ? topics.filter((topic) => typeof topic === 'string') : [];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log?.warn({ file, err: messageOf(error) }, 'file cannot be read and is ignored');
    return [];
  }
}

/** Whole or not at all. Throws what the file system throws. */
export function rememberAnnounced(file: string, topics: readonly string[]): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, `${JSON.stringify({ topics }, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
