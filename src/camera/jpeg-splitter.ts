/**
 * Splits a stream of JPEG pictures laid end to end (MJPEG) into pictures: chunks that may be cut anywhere go in, whole
 * pictures come out. It walks the segments of each picture (ITU-T T.81 annex B), so that a thumbnail inside a picture
 * does not end it, and drops pictures that were cut short.
 */

/** Larger than any camera's picture; longer data is not a picture. Bytes. */
const maxPictureBytes = 16 * 1024 * 1024;

export interface JpegSplitter {
  /** Takes the next bytes of the stream. Returns the pictures that they complete, in order, each in its own memory. */
  push(chunk: Uint8Array): Uint8Array[];
  /** Number of bytes of the incomplete picture. */
  readonly held: number;
}

/**
 * Position in the picture, in bytes from the start of the buffer: at a marker, or in the entropy-coded data of a scan.
 */
interface Walk {
  readonly at: number;
  readonly inScan: boolean;
  /** The frame header (SOF) was seen; a picture has one, before its scans. */
  readonly framed: boolean;
  readonly scans: number;
}

type Step = Walk | 'more' | 'cut' | { readonly end: number };

const afterStart: Walk = { at: 2, inScan: false, framed: false, scans: 0 };
const soi = Buffer.from([0xff, 0xd8, 0xff]);
const eoi = Buffer.from([0xff, 0xd9]);

/** A splitter at the beginning of a stream. */
export function jpegSplitter(maxBytes = maxPictureBytes): JpegSplitter {
  let buffer = Buffer.alloc(0);
  let used = 0;
  let walk: Walk | undefined;

  const append = (chunk: Uint8Array): void => {
    if (used + chunk.length > buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(64 * 1024, 2 * (used + chunk.length)));
      buffer.copy(larger, 0, 0, used);
      buffer = larger;
    }
    buffer.set(chunk, used);
    used += chunk.length;
  };
  /** Forgets everything before `start`. */
  const forget = (start: number): void => {
    buffer.copyWithin(0, start, used);
    used -= start;
    walk = undefined;
  };
  /** Forgets everything before the next start of a picture at `from` or later; false when there is none yet. */
  const seek = (from: number): boolean => {
    const start = buffer.subarray(0, used).indexOf(soi, from);
    // The last two bytes may be the first part of a start marker that continues in the next chunk.
    forget(start < 0 ? Math.max(Math.min(from, used), used - 2) : start);
    return start >= 0;
  };

  return {
    get held() {
      return used;
    },
    push: (chunk) => {
      append(chunk);
      const pictures: Uint8Array[] = [];
      for (;;) {
        if (!walk) {
          if (!seek(0)) return pictures;
          walk = afterStart;
        }
        const next: Step = step(buffer.subarray(0, used), walk);
        if (next === 'more') {
          if (used <= maxBytes) return pictures;
          seek(afterStart.at);
        } else if (next === 'cut') {
          seek(afterStart.at);
        } else if ('end' in next) {
          if (next.end <= maxBytes) pictures.push(new Uint8Array(buffer.subarray(0, next.end)));
          forget(next.end);
        } else {
          walk = next;
        }
      }
    },
  };
}

/** One step of the walk through the picture at the start of `bytes`. */
function step(bytes: Buffer, walk: Walk): Step {
  return walk.inScan ? throughScan(bytes, walk) : overSegment(bytes, walk);
}

function overSegment(bytes: Buffer, { at, framed, scans }: Walk): Step {
  let marker = at;
  // Any number of fill bytes may stand before a marker's code (B.1.1.2).
  while (bytes[marker] === 0xff && bytes[marker + 1] === 0xff) marker++;
  if (marker + 1 >= bytes.length) return marker < bytes.length && bytes[marker] !== 0xff ? 'cut' : 'more';
  const code = bytes[marker + 1] ?? 0;
  if (bytes[marker] !== 0xff || code < 0xc0 || (code >= 0xd0 && code <= 0xd8)) return 'cut';
  if (code === 0xd9) return scans > 0 ? { end: marker + 2 } : 'cut';
  if (marker + 3 >= bytes.length) return 'more';
  const length = bytes.readUInt16BE(marker + 2);
  const end = marker + 2 + length;
  // A length that reads as the start of a picture is one.
  if (length < 2 || length === 0xffd8) return 'cut';
  if (end > bytes.length) return 'more';
  if (holdsLoneStart(bytes, marker + 4, end)) return 'cut';
  const inScan = code === 0xda;
  const isFrame = code < 0xd0 && code !== 0xc4 && code !== 0xc8 && code !== 0xcc;
  // How long a scan header (B.2.3) and a frame header (B.2.2) are follows from the number of their components.
  if (inScan && (!framed || length !== 6 + 2 * (bytes[marker + 4] ?? 0))) return 'cut';
  if (isFrame && (framed || length !== 8 + 3 * (bytes[marker + 9] ?? 0))) return 'cut';
  return { at: end, inScan, framed: framed || isFrame, scans: scans + (inScan ? 1 : 0) };
}

/**
 * True if a picture starts in the segment and does not end in it: then it is not a thumbnail but the picture after a
 * cut.
 */
function holdsLoneStart(bytes: Buffer, from: number, to: number): boolean {
  const start = bytes.subarray(from, Math.min(bytes.length, to + 2)).indexOf(soi);
  return start >= 0 && bytes.subarray(from, to).indexOf(eoi, start) < 0;
}

/**
 * Over entropy-coded data: 0xFF 0x00 is data, 0xFF 0xD0…0xD7 are restart markers, any other marker ends the scan
 * (B.1.1.5).
 */
function throughScan(bytes: Buffer, walk: Walk): Step {
  const { at } = walk;
  for (let from = at; ; ) {
    const mark = bytes.indexOf(0xff, from);
    if (mark < 0) return bytes.length > at ? { ...walk, at: bytes.length } : 'more';
    const code = bytes[mark + 1];
    if (code === undefined) return mark > at ? { ...walk, at: mark } : 'more';
    if (code === 0xd8) return 'cut';
    if (code === 0xff) from = mark + 1;
    else if (code === 0 || (code >= 0xd0 && code <= 0xd7)) from = mark + 2;
    else return { ...walk, at: mark, inScan: false };
  }
}
