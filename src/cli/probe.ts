/**
 * One picture as a probe: a file in; the embedding of its dominant face, and problems with the picture in plain
 * words, out.
 */
import { type FilePath, shownPath } from '../base/path.ts';
import type { Embedding, FaceReader, QualityReason } from '../face/port.ts';
import { reasonsText } from '../identity/quality-words.ts';
import type { Config } from '../settings/load.ts';
import { withPicture } from './pictures.ts';

export interface Probe {
  readonly source: string;
  /** Absent where no face was found. */
  readonly embedding?: Embedding;
  /** How much of the identity can be told, 0…1; absent where the embedder does not measure it. */
  readonly fitness?: number;
  /** What would keep the door from comparing this face. Shown, and no obstacle here. */
  readonly reasons: readonly (QualityReason | 'no-face')[];
  /** The reasons in plain words; empty when there are none. */
  readonly detail: string;
}

/** @throws Fault `not-found` or `bad-picture`, with the file's name. */
export async function readProbe(file: FilePath, reader: FaceReader, { face: { quality } }: Config): Promise<Probe> {
  const { faces, width, height } = await withPicture(file, async (picture) => {
    const asIs = await reader.read(picture, { embed: 'dominant', purpose: 'stored' });
    return asIs.turn ? await reader.read(asIs.turn.picture, { embed: 'dominant' }) : asIs;
  });
  const [face] = faces;
  if (!face?.embedding) return { source: shownPath(file), reasons: ['no-face'], detail: `no face found in ${width}×${height} pixels` };
  const { embedding, fitness } = face;
  return {
    ...{ source: shownPath(file), embedding, reasons: face.quality.reasons, detail: reasonsText(face, quality) },
    ...(fitness !== undefined && { fitness }),
  };
}
