/**
 * Whether a sequential JPEG holds all the data of its scan: the bytes of a picture go in, yes or no comes out, in 1 ms
 * for 640×480. picture.ts asks only about pictures with extra bytes before a restart marker, which some Logitech
 * cameras write into good pictures. libjpeg names nothing but the first flaw that it meets, so damage further down
 * would stay unseen.
 */
import { blocksOf, mcusOf, readScan, scanHeaderOf } from './jpeg-codes.ts';

/** False where data is missing or wrong; undefined for a JPEG that no camera makes (progressive, 12 bits). */
export function holdsWholeScan(jpeg: Uint8Array): boolean | undefined {
  const header = scanHeaderOf(jpeg);
  const blocks = header && blocksOf(header);
  if (!header || !blocks) return undefined;
  const { across, down } = mcusOf(header);
  return readScan(jpeg, header, blocks, across * down);
}
