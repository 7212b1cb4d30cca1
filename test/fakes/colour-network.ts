/** An embedder whose embedding is the mean of each colour of the aligned face: people are told apart by their light. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newGraph } from '../../src/train/onnx/onnx-graph.ts';

const side = 32;

export function colourNetwork(): Uint8Array {
  const graph = newGraph('colours');
  const face = graph.input('face', [1, 3, side, side]);
  const means = graph.node('GlobalAveragePool', [face], [1, 3, 1, 1]);
  graph.output('embedding', graph.node('Reshape', [means, graph.integers([1, 3])], [1, 3]));
  return graph.encode();
}

/** ArcFace's framing, as everybody's. */
const points = [
  [10.941, 14.77],
  [21.009, 14.715],
  [16.007, 20.496],
  [11.871, 26.39],
  [20.209, 26.344],
];

/** Writes `colours.onnx` and, unless `manifest` is undefined, a manifest with these fields instead of the usual ones. */
export function writeColourNetwork(folder: string, manifest: object | undefined = {}): string {
  const bytes = colourNetwork();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'colours.onnx'), bytes);
  const usual = {
    ...{ schema: 1, kind: 'face-embedder', name: 'colours', version: '1.2.3', file: 'colours.onnx', licence: 'CC0' },
    sha256: createHash('sha256').update(bytes).digest('hex'),
    input: { name: 'face', layout: 'NCHW', channels: 'RGB', width: side, height: side, mean: 0, std: 255 },
    output: { name: 'embedding', dimension: 3 },
    alignment: { points },
  };
  if (manifest !== undefined) writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...usual, ...manifest }));
  return folder;
}
