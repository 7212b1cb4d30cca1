/**
 * Files in, a tar archive out, and back, piece by piece (ustar with pax headers for what does not fit, POSIX.1-2017).
 * An archive is taken only as this file writes it: plain files with safe relative paths, none twice. Nothing here
 * touches the disk.
 */
import type { Pax } from 'tar';

export interface TarEntry {
  /** Relative, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** Exactly `bytes` bytes. Of an archive that is read: to be read before the next entry. */
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Loaded where an archive is at hand: a door that guards has no use for it (2 MB). */
const loadTar = () => import('tar');

const block = 512;
/** Longer pax headers are not ours: they hold a path and a size. */
const mostPaxBytes = 4096;
const mostEntries = 200_000;

/** Relative, and nowhere else than below the folder that it is unpacked to. */
const isSafePath = (path: string): boolean =>
  path.length <= 1024 && !/[\\\p{Cc}]/u.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

export async function* packed(entries: AsyncIterable<TarEntry>): AsyncGenerator<Uint8Array> {
  const tar = await loadTar();
  for await (const { path, bytes, content } of entries) {
    yield* headOf(tar, path, bytes);
    let given = 0;
    for await (const piece of content) {
      given += piece.length;
      yield piece;
    }
    if (given !== bytes) throw new RangeError(`${path} has ${given} bytes in place of ${bytes}`);
    if (bytes % block > 0) yield Buffer.alloc(block - (bytes % block));
  }
  yield Buffer.alloc(2 * block);
}

function* headOf({ Header, Pax }: Awaited<ReturnType<typeof loadTar>>, path: string, size: number): Generator<Uint8Array> {
  const header = new Header({ path, size, mode: 0o600, uid: 0, gid: 0, mtime: new Date(0), type: 'File' });
  header.encode();
  if (header.needPax) yield new Pax({ path, size }).encode();
  if (header.block) yield header.block;
}

/** Throws RangeError for whatever `packed` does not make. */
export async function* unpacked(archive: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const { Header, Pax } = await loadTar();
  const reader = pieces(archive);
  const seen = new Set<string>();
  for (let pax: Pax | undefined; ; ) {
    const head = await reader.take(block);
    if (head.every((byte) => byte === 0)) return await reader.end();
    const { type, path = '', size = -1, cksumValid } = new Header(head, 0, pax);
    if (!cksumValid || !Number.isSafeInteger(size) || size < 0) throw new RangeError('it is not a tar archive');
    if (type === 'ExtendedHeader' && pax === undefined && size <= mostPaxBytes) {
      pax = Pax.parse((await reader.take(size)).toString());
      await reader.take(padding(size));
      continue;
    }
    if (type !== 'File') throw new RangeError(`it holds ${JSON.stringify(path.slice(0, 100))}, which is not a plain file (${type})`);
    if (!isSafePath(path)) throw new RangeError(`it holds the path ${JSON.stringify(path.slice(0, 100))}`);
    if (seen.has(path) || seen.size >= mostEntries)
      throw new RangeError(`it holds ${JSON.stringify(path.slice(0, 100))} twice, or too much`);
    seen.add(path);
    yield { path, bytes: size, content: reader.part(size) };
    await reader.rest();
    await reader.take(padding(size));
    pax = undefined;
  }
}

const padding = (size: number): number => (block - (size % block)) % block;

/** Reads a stream by number of bytes. */
function pieces(source: AsyncIterable<Uint8Array>) {
  const from = source[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  const next = async (most: number): Promise<Uint8Array> => {
    while (rest.length === 0) {
      const { done, value } = await from.next();
      if (done) throw new RangeError('it ends too early');
      rest = value;
    }
    const piece = rest.subarray(0, most);
    rest = rest.subarray(piece.length);
    return piece;
  };
  /** Of the part that was begun last. */
  let left = 0;
  const part = async function* (count: number): AsyncGenerator<Uint8Array> {
    for (left = count; left > 0; ) {
      const piece = await next(left);
      left -= piece.length;
      yield piece;
    }
  };
  return {
    part,
    /** Passes over what was not read of the last part. */
    rest: async (): Promise<void> => {
      while (left > 0) left -= (await next(left)).length;
    },
    take: async (count: number): Promise<Buffer> => {
      const taken: Uint8Array[] = [];
      for await (const piece of part(count)) taken.push(piece);
      return Buffer.concat(taken);
    },
    /** To the last byte: the encryption around it tells only then whether something is missing. */
    end: async (): Promise<void> => {
      let after = rest.length;
      for (let { done, value } = await from.next(); !done; { done, value } = await from.next()) after += value.length;
      if (after !== block) throw new RangeError('something follows its end');
    },
  };
}
