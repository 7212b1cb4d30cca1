/** Writes the paper's network as an embedder's folder. */
import { createHash } from 'node:crypto';
import type { Shelf } from '../base/model/shelf.ts';
import type { Calibration, Framing, Head } from '../face/port.ts';
import type { Network } from '../train/port.ts';
import { writing } from './embedder-folder.ts';

interface PaperNetwork {
  readonly network: Network;
  /** `pictures` (1 × side × side × 3, 0…1) in, `embeddings` (units + 1, a unit vector) out. */
  readonly onnx: Uint8Array;
  readonly head: Head;
  readonly framing: Framing;
  /** Absent until it is calibrated. */
  readonly calibration?: Calibration;
}

/** Throws Fault `disk-full`. */
export function writePaper(out: Shelf, { network, onnx, head, framing, calibration }: PaperNetwork): void {
  const manifest = {
    schema: 1,
    kind: 'face-embedder',
    name: 'facelatch-paper',
    version: '1.0.0+paper',
    file: 'twin.onnx',
    sha256: createHash('sha256').update(onnx).digest('hex'),
    bytes: onnx.length,
    input: { name: 'pictures', layout: 'NHWC', channels: 'RGB', width: network.side, height: network.side, mean: 0, std: 255 },
    // The embedding divided by √units, and one number that makes it a unit vector: train/onnx/siamese-graph.ts.
    output: { name: 'embeddings', dimension: network.units + 1, normalise: 'none', mirror: 'none' },
    alignment: { transform: 'similarity, least squares over the five points', ...framing },
    head,
    ...(calibration && { calibration }),
  };
  writing(out, () => {
    out.put(manifest.file, onnx);
    out.put('manifest.json', `${JSON.stringify(manifest)}\n`);
  });
}
