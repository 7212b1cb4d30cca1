/** The eyes of a house with the reader that a test brings. wire.ts opens them. */
import { galleryOf } from '../adapters/basics.ts';
import type { Clock } from '../base/time.ts';
import type { FaceReader } from '../face/port.ts';
import { type Eyes, openEyes } from '../learning/eyes.ts';
import { guardOf } from '../learning/parts.ts';
import type { Config } from '../settings/load.ts';
import type { Vault } from '../vault/port.ts';

/** One reader that guards alone, with the people of the state folder. */
export function eyesOf(config: Config, reader: FaceReader, vault: Vault, clock: Clock): Eyes & AsyncDisposable {
  return openEyes(guardOf('base', reader, galleryOf(config, reader.embedder, vault, clock)));
}
