/** The adapter that a manifest names: its fields go in; the checked numbers of its file come out. */

import type { Fields } from '../../base/model/fields.ts';
import { checkedFile, sha256Of } from '../../base/model/folder.ts';
import type { NetworkPlace } from '../../base/model/place.ts';

/**
 * The last step on an embedding, learned at a door: z = normalise(matrix·e + offset). If z is near one of the keys
 * (embeddings of the pictures that were learned from), it is moved towards that key's value, which sums up all pictures
 * of the person.
 */
export interface Adapter {
  /** dimension × dimension, row after row. */
  readonly matrix: Float32Array;
  readonly offset: Float32Array;
  /** count × dimension each: unit vectors. */
  readonly keys: Float32Array;
  readonly values: Float32Array;
  /** Cosine to the nearest key from which z is moved, and the cosine at which it becomes the value. */
  readonly gate: readonly [from: number, to: number];
}

/** The adapter (float32, little-endian: matrix, offset, keys, values) and the SHA-256 of its file. */
export function adapterOf(fields: Fields, place: NetworkPlace, dimension: number): { adapter: Adapter; sha256: string } | undefined {
  if (fields.at('adapter') === undefined) return undefined;
  const keys = fields.number('adapter.keys', 0, 1e6, 0);
  const gate = [fields.number('adapter.gate.from', -1, 1, 0.75), fields.number('adapter.gate.to', -1, 1, 0.9)] as const;
  if (!(gate[0] < gate[1])) fields.unfit('adapter.gate', 'two cosines, from below to');
  const { bytes, sha256 } = checkedFile(fields, place, 'adapter.');
  const count = dimension * (dimension + 1 + 2 * keys);
  if (!Number.isInteger(keys) || bytes.length !== 4 * count)
    fields.unfit('adapter.file', `a file of ${4 * count} bytes (float32: matrix, offset, ${keys} keys and values), not of ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const numbers = Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true));
  if (!numbers.every(Number.isFinite)) fields.unfit('adapter.file', 'a file of finite numbers');
  const rows = (from: number, to: number) => numbers.subarray(from * dimension, to * dimension);
  const first = dimension + 1;
  return {
    adapter: {
      matrix: rows(0, dimension),
      offset: rows(dimension, first),
      keys: rows(first, first + keys),
      values: rows(first + keys, first + 2 * keys),
      gate,
    },
    sha256,
  };
}

/** One hash for both: a template that was made with one adapter is never compared with another. */
export const sha256OfBoth = (network: string, adapter: string, { gate }: Adapter) => sha256Of(`${network} ${adapter} ${gate.join(' ')}`);
