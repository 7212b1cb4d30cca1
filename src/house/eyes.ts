/**
 * The eyes of a house before it runs: with the reader that a test brings, or with templates that another embedder
 * made. wire.ts opens them.
 */
import { galleryOf, renewTemplates } from '../adapters/basics.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { FaceReader } from '../face/port.ts';
import type { ServiceManager } from '../host/systemd.ts';
import { type Eyes, openEyes } from '../learning/eyes.ts';
import { guardOf } from '../learning/parts.ts';
import type { Config } from '../settings/load.ts';

/** One reader that guards alone, with the people of the state folder. */
export function eyesOf(config: Config, reader: FaceReader, clock: Clock): Eyes & AsyncDisposable {
  return openEyes(guardOf('base', reader, galleryOf(config, reader.embedder, clock)));
}

/** Makes the templates that another embedder made again, before the door begins to look. */
export async function renewStale({ gallery, reader }: Eyes, serviceManager: ServiceManager | undefined, log: Log): Promise<void> {
  if (gallery.stale === 0) return;
  const renewing = () => serviceManager?.opening('making templates again for another embedder');
  const { pictures, failed } = await renewTemplates(gallery, reader, renewing);
  log.warn({ room: 'identity', pictures, failed: failed.map(({ personId }) => personId) }, 'templates made again for another embedder');
}
