/** Makes the templates that an open gallery lacks: stored pictures go to the network, its embeddings are stored. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Fault } from '../../base/errors.ts';
import type { PersonId } from '../../events.ts';
import type { Embedding } from '../../face/port.ts';
import { isOf } from '../picture-id.ts';
import type { Reembedded, ReembedOptions } from '../port.ts';
import { type PictureRow, unreadableName } from '../rows/at-rest.ts';
import { guarded } from '../rows/database.ts';
import { ownPicture, pictureBytes, storeTemplate } from '../rows/sealing.ts';
import { checkEmbedding } from '../search.ts';
import { type OpenedGallery, wipeLog } from './opened.ts';
import { isBehind, readChanges } from './reading.ts';

/** Reading what was made so far takes at most this part of the time. */
const oneIn = 20;

/** Makes the missing templates, each picture by itself, so that an interruption loses nothing that was done. */
export async function reembed(
  opened: OpenedGallery,
  embed: (picture: Uint8Array) => Promise<Embedding>,
  { readEveryMs = Number.POSITIVE_INFINITY, atOnce = 1 }: ReembedOptions = {},
): Promise<Reembedded> {
  const { file, embedder, clock } = opened;
  let [readAtMs, tookMs] = [clock.now(), 0];
  const run = <T>(work: () => T): T => guarded(file, work);
  let pictures = 0;
  const failed: { personId: PersonId; source: string; fault: Fault }[] = [];
  const waiting = run(() => opened.sql.stalePictures(embedder.sha256)).values();
  const lane = async () => {
    for (const id of waiting) {
      const stored = run(() => opened.sql.image(id));
      if (!stored) continue; // removed meanwhile
      const { personId, mark } = stored;
      const row = run(() => ownPicture(opened, stored));
      try {
        const picture = run(() => ownBytes(opened, stored, row));
        const template = await embed(picture);
        checkEmbedding(embedder, template);
        const vector = new Uint8Array(template.buffer, template.byteOffset, template.byteLength);
        const made = { personId, sha256: row?.sha256 ?? '', embedder: embedder.sha256, vector };
        if (run(() => storeTemplate(opened, id, mark, made))) pictures++;
        // Reading holds the door up: with many people it is done less often.
        if (clock.now() - readAtMs < Math.max(readEveryMs, oneIn * tookMs)) continue;
        const fromMs = clock.now();
        run(() => readChanges(opened));
        readAtMs = clock.now();
        tookMs = readAtMs - fromMs;
      } catch (error) {
        if (!(error instanceof Fault) || endsAll(error)) throw error;
        failed.push({ personId, source: row?.source ?? unreadableName, fault: error });
      }
    }
  };
  // All of them end before this does: none works on a gallery that is closed meanwhile.
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, lane));
  const broken = ended.find((one) => one.status === 'rejected');
  if (broken) throw broken.reason;
  do {
    run(() => readChanges(opened));
    await nextTurn(); // frames come first
  } while (run(() => isBehind(opened)));
  run(() => wipeLog(opened));
  return { pictures, failed };
}

/** A template of a picture that somebody else put there would be sealed by this door. */
function ownBytes(opened: OpenedGallery, stored: Parameters<typeof pictureBytes>[1], row: PictureRow | undefined): Uint8Array {
  const picture = row && pictureBytes(opened, stored);
  if (picture?.length === 0)
    throw new Fault('bad-picture', 'Only the template of this picture was kept (privacy.templatesOnly): enrol this person again.');
  if (picture && (!opened.seal || isOf(picture, row.sha256))) return picture;
  if (row) opened.refusals.note('picture', row.personId, { picture: row.sha256 });
  throw new Fault('bad-picture', 'This stored picture was not put there by this door, so no template is made of it.');
}

/** Not a fault of this picture: the next one would have it too. */
function endsAll(fault: Fault): boolean {
  return ['disk-full', 'gallery-down', 'gallery-damaged', 'vault-down', 'vault-damaged', 'reader-failed'].includes(fault.code);
}
