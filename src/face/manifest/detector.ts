/** The folder of a detector goes in; its checked fields and bytes come out. A detector of one's own needs no code. */
import { inputOf, type NetworkFolder, openManifest } from '../../base/model/folder.ts';

export const detectorDecoders = ['points', 'yunet'] as const;

export interface DetectorNetwork extends NetworkFolder {
  readonly decoder: (typeof detectorDecoders)[number];
  /** Names of the outputs of the `points` decoder. */
  readonly outputs: { readonly scores: string; readonly boxes: string; readonly points: string };
  readonly scoreThreshold: number;
  readonly nmsIou: number;
  readonly strides: readonly number[];
  /** Small pictures are enlarged to fill the input, by this factor at most. */
  readonly upscaleAtMost: number;
}

/** Opens a detector's folder. Faults: `model-missing`, `model-damaged` (hash), `model-unfit` (a field). */
export function openDetectorNetwork(folder: string): DetectorNetwork {
  const { fields, network } = openManifest(folder, 'face-detector', 'face.detector');
  const strides = fields.at('strides') ?? [8, 16, 32];
  if (!Array.isArray(strides) || strides.length === 0 || !strides.every((s) => Number.isInteger(s) && s > 0))
    fields.unfit('strides', 'a list of whole numbers');
  // The name is the first word; the manifest may explain the values after it.
  const outputName = (path: string, fallback: string) => fields.text(path, fallback).split(' ')[0] ?? fallback;
  return {
    ...network,
    input: inputOf(fields),
    decoder: fields.choice('output.decoder', detectorDecoders),
    outputs: {
      scores: outputName('output.scores', 'scores'),
      boxes: outputName('output.boxes', 'boxes'),
      points: outputName('output.points', 'points'),
    },
    scoreThreshold: fields.number('scoreThreshold', 0, 1),
    nmsIou: fields.number('nmsIou', 0, 1),
    strides: strides as number[],
    upscaleAtMost: fields.number('input.upscaleAtMost', 1, 16, 2),
  };
}
