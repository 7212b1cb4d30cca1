/**
 * `facelatch send DOOR enrol NAME PICTURE…`: a whole enrolment session. It starts, sends every picture and shows its
 * result, and
 * commits; or it aborts, and nothing is stored.
 */
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { Fault } from '../../base/errors.ts';
import { shownPath } from '../../base/path.ts';
import { exitCodes, print, tell } from '../context.ts';
import { pictureFiles, readPicture } from '../pictures.ts';
import { counted } from '../words.ts';
import type { Ask, SendOptions } from './send-options.ts';

/**
 * A larger picture goes in parts: signed and encrypted, a part grows two and a half times, and brokers have limits.
 * Bytes.
 */
const partBytes = 192 * 1024;

/** What `enrol.commit` answers. */
interface Stored {
  readonly personId?: string;
  /** That the person has now. */
  readonly pictures?: number;
  readonly added?: readonly string[];
  readonly leftOut?: readonly string[];
  readonly digest?: string;
}

interface Told {
  readonly accepted: boolean;
  readonly source: string;
  readonly detail: string;
  readonly reasons?: readonly string[];
  /** Its id where it is stored. */
  readonly picture?: string;
}

export async function sendEnrolment(rest: readonly string[], ask: Ask, options: SendOptions, stop: AbortSignal): Promise<number> {
  const [name, ...paths] = rest;
  if (name === undefined || paths.length === 0)
    throw new Fault('bad-argument', 'enrol takes a name and picture files or folders: facelatch send DOOR enrol NAME PICTURE…');
  const files = pictureFiles(paths);
  const session = await begin(name, ask, options.consent);
  const outcomes: Told[] = [];
  const sent = new Set<string>();
  try {
    for (const file of files) {
      stop.throwIfAborted();
      const picture = await readPicture(file);
      const outcome = await sendPicture(session, { picture, source: basename(shownPath(file)).slice(0, 100) }, ask);
      tell(`${outcome.accepted ? 'accepted' : 'refused '}  ${outcome.source}: ${outcome.detail}`);
      outcomes.push(outcome);
      if (outcome.picture !== undefined) sent.add(outcome.picture);
    }
    const answer = await ask('enrol.commit', { session });
    const { personId, ...stored } = (answer.result ?? {}) as Stored;
    const strange = (stored.added ?? []).filter((id) => !sent.has(id));
    const told = {
      personId: personId ?? null,
      pictures: outcomes,
      leftOut: stored.leftOut ?? [],
      digest: stored.digest ?? null,
      strange,
      error: answer.error ?? null,
    };
    print(options, { enrolled: answer.ok, ...told }, () =>
      answer.ok ? storedText(name, stored, strange) : `${name} is not enrolled: ${answer.error?.message}`,
    );
    return answer.ok && strange.length === 0 ? exitCodes.yes : exitCodes.no;
  } catch (error) {
    // The door would end the session by itself after a while. The first fault is the one to report.
    await ask('enrol.abort', { session }).catch(() => undefined);
    throw error;
  }
}

async function begin(name: string, ask: Ask, version: string | undefined): Promise<string> {
  const answer = await ask('enrol.start', { name, ...(version !== undefined && { consent: { version } }) });
  const { session } = (answer.result ?? {}) as { session?: string };
  if (answer.ok && session !== undefined) return session;
  throw new Fault(
    'broker-refused',
    `The door did not start the enrolment: ${answer.error?.message} (${answer.error?.reason ?? answer.error?.code})`,
  );
}

/** What the door says that it stored; compared with what was sent, because a key in other hands could add to it. */
function storedText(name: string, { pictures = 0, added = [], leftOut = [], digest = '' }: Stored, strange: readonly string[]): string {
  const enrolled = `${name} is enrolled with ${counted(pictures, 'picture')}`;
  if (strange.length > 0)
    return `${enrolled}, and you did not send ${counted(strange.length, 'picture')} of them: look at people.pictures, and remove ${strange.map((id) => id.slice(0, 12)).join(', ')}`;
  const yours = pictures === added.length ? 'all of them yours' : `${added.length} of them sent by you now`;
  const left = leftOut.length > 0 ? `; ${counted(leftOut.length, 'picture')} left out, too like the others (enrolment.keptPictures)` : '';
  return `${enrolled}, ${yours}${left}\ndigest ${digest}`;
}

interface SentPicture {
  readonly picture: Uint8Array;
  readonly source: string;
}

async function sendPicture(session: string, { picture, source }: SentPicture, ask: Ask): Promise<Told> {
  const count = Math.max(1, Math.ceil(picture.length / partBytes));
  const upload = randomUUID();
  for (let index = 1; ; index++) {
    const part = Buffer.from(picture.subarray((index - 1) * partBytes, index * partBytes)).toString('base64');
    const inParts = count > 1 ? { part: { upload, index, of: count } } : {};
    const answer = await ask('enrol.add', { session, picture: part, source, ...inParts });
    if (!answer.ok) throw new Fault('broker-refused', `The door took no picture: ${answer.error?.message}`);
    if (index === count) return answer.result as Told;
  }
}
