/**
 * `facelatch send DOOR enrol NAME PICTURE…`: a whole enrolment session. It starts, sends every picture and shows its
 * result, and
 * commits; or it aborts, and nothing is stored.
 */
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { Fault } from '../../base/errors.ts';
import { type FilePath, shownPath } from '../../base/path.ts';
import { exitCodes, print, tell } from '../context.ts';
import { pictureFiles, readPicture } from '../pictures.ts';
import { counted } from '../words.ts';
import type { Ask, SendOptions } from './send-options.ts';

/**
 * A larger picture goes in parts: signed and encrypted, a part grows two and a half times, and brokers have limits.
 * Bytes.
 */
const partBytes = 192 * 1024;

interface Told {
  readonly accepted: boolean;
  readonly source: string;
  readonly detail: string;
  readonly reasons?: readonly string[];
}

export async function sendEnrolment(rest: readonly string[], ask: Ask, options: SendOptions, stop: AbortSignal): Promise<number> {
  const [name, ...paths] = rest;
  if (name === undefined || paths.length === 0)
    throw new Fault('bad-argument', 'enrol takes a name and picture files or folders: facelatch send DOOR enrol NAME PICTURE…');
  const files = pictureFiles(paths);
  const session = await begin(name, ask);
  const outcomes: Told[] = [];
  try {
    for (const file of files) {
      stop.throwIfAborted();
      const outcome = await sendPicture(session, file, ask);
      tell(`${outcome.accepted ? 'accepted' : 'refused '}  ${outcome.source}: ${outcome.detail}`);
      outcomes.push(outcome);
    }
    const answer = await ask('enrol.commit', { session });
    const { personId, pictures } = (answer.result ?? {}) as { personId?: string; pictures?: number };
    print(options, { enrolled: answer.ok, personId: personId ?? null, pictures: outcomes, error: answer.error ?? null }, () =>
      answer.ok ? `${name} is enrolled with ${counted(pictures ?? 0, 'picture')}` : `${name} is not enrolled: ${answer.error?.message}`,
    );
    return answer.ok ? exitCodes.yes : exitCodes.no;
  } catch (error) {
    // The door would end the session by itself after a while. The first fault is the one to report.
    await ask('enrol.abort', { session }).catch(() => undefined);
    throw error;
  }
}

async function begin(name: string, ask: Ask): Promise<string> {
  const answer = await ask('enrol.start', { name });
  const { session } = (answer.result ?? {}) as { session?: string };
  if (answer.ok && session !== undefined) return session;
  throw new Fault(
    'broker-refused',
    `The door did not start the enrolment: ${answer.error?.message} (${answer.error?.reason ?? answer.error?.code})`,
  );
}

async function sendPicture(session: string, file: FilePath, ask: Ask): Promise<Told> {
  const picture = await readPicture(file);
  const source = basename(shownPath(file)).slice(0, 100);
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
