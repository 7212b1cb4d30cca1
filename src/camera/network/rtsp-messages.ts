/**
 * Splits a connection that speaks RTSP into messages: bytes go in as they arrive, requests, answers and interleaved
 * media packets come out whole (RFC 2326, section 10.12).
 */

export type RtspPart = { readonly kind: 'packet'; readonly bytes: Buffer } | ({ readonly kind: 'message' } & RtspMessage);

export interface RtspMessage {
  /** `DESCRIBE rtsp://… RTSP/1.0` or `RTSP/1.0 200 OK`. */
  readonly start: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

const dollar = 0x24;
const mostHeadBytes = 64 * 1024;
const mostBodyBytes = 1024 * 1024;

export interface RtspSplitter {
  /** @throws Error when it is not RTSP. */
  push(chunk: Buffer): RtspPart[];
}

export function rtspSplitter(): RtspSplitter {
  let held: Buffer = Buffer.alloc(0);
  return {
    push: (chunk) => {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const parts: RtspPart[] = [];
      let at = 0;
      for (let next = partAt(held, at); next; next = partAt(held, at)) {
        parts.push(next.part);
        at = next.end;
      }
      held = held.subarray(at);
      return parts;
    },
  };
}

function partAt(bytes: Buffer, from: number): { readonly part: RtspPart; readonly end: number } | undefined {
  let at = from;
  // Some cameras put line breaks between messages.
  while (bytes[at] === 0x0d || bytes[at] === 0x0a) at++;
  if (at >= bytes.length) return undefined;
  if (bytes[at] === dollar) {
    const end = bytes.length < at + 4 ? Number.POSITIVE_INFINITY : at + 4 + bytes.readUInt16BE(at + 2);
    return end <= bytes.length ? { part: { kind: 'packet', bytes: bytes.subarray(at, end) }, end } : undefined;
  }
  const headEnd = bytes.indexOf('\r\n\r\n', at, 'latin1');
  if (headEnd < 0) {
    if (bytes.length - at > mostHeadBytes) throw new Error('what comes is not RTSP');
    return undefined;
  }
  const [start = '', ...lines] = bytes.toString('latin1', at, headEnd).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  const length = Number(headerOf({ headers }, 'content-length') ?? 0);
  if (!Number.isInteger(length) || length < 0 || length > mostBodyBytes) throw new Error('what comes is not RTSP');
  const end = headEnd + 4 + length;
  return end <= bytes.length ? { part: { kind: 'message', start, headers, body: bytes.subarray(headEnd + 4, end) }, end } : undefined;
}

/** The value of a header of any case; undefined if it is not there. */
export const headerOf = ({ headers }: Pick<RtspMessage, 'headers'>, name: string): string | undefined =>
  headers.find(([known]) => known.toLowerCase() === name)?.[1];

/** The message as bytes, with the headers `set` in place of those of the same names. */
export function messageBytes({ start, headers, body }: RtspMessage, set: Readonly<Record<string, string>>): Buffer {
  const names = Object.keys(set).map((name) => name.toLowerCase());
  const kept = headers.filter(([name]) => !names.includes(name.toLowerCase()));
  const lines = [...Object.entries(set), ...kept].map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${start}\r\n${lines.join('')}\r\n`, 'latin1'), body]);
}
