/** A reader of crowds: a picture that says where each face stands and whose it is is read as just that, under any mask. */

import { divided } from '../../src/face/mask.ts';
import type { Face, FaceReader } from '../../src/face/port.ts';
import { circleEmbedder } from './reader.ts';

export interface InCrowd {
  /** Degrees on the circle of embeddings. */
  readonly face: number;
  /** Middle and width of the face, pixels of a picture of 640×480. */
  readonly x: number;
  readonly y?: number;
  readonly width: number;
}

export const crowd = (faces: readonly InCrowd[], tag: string | number): Uint8Array => Buffer.from(JSON.stringify({ faces, tag }));

const point = { x: 0, y: 0 };
const areaOf = ({ box: { x1, x2 } }: Pick<Face, 'box'>) => (x2 - x1) ** 2;

export function crowdReader(): FaceReader {
  const at = (degrees: number) => Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));
  const found = ({ x, y = 240, width, face }: InCrowd) => ({
    box: { x1: x - width / 2, y1: y - width / 2, x2: x + width / 2, y2: y + width / 2 },
    embedding: at(face),
  });
  return {
    embedder: circleEmbedder,
    read: async (picture, { mask } = {}) => {
      const { faces } = JSON.parse(Buffer.from(picture).toString('utf8')) as { readonly faces: readonly InCrowd[] };
      const size = { width: 640, height: 480 };
      const { counted, still } = divided(faces.map(found), size, mask);
      const face = ({ box, embedding }: ReturnType<typeof found>, others: readonly Pick<Face, 'box'>[], embed: boolean): Face => {
        const several = others.some((other) => areaOf(other) >= 0.5 * areaOf({ box }));
        const reasons = several ? (['several-faces'] as const) : [];
        const quality = {
          reasons,
          interEyePx: 60,
          luminance: 120,
          contrast: 30,
          noise: 1,
          clipped: 0,
          flat: 0,
          sharpness: 1,
          yawDeg: 0,
          pitchDeg: 0,
          rollDeg: 0,
        };
        const shown = { score: 1, box, landmarks: [point, point, point, point, point] as const, quality };
        return several || !embed ? shown : { ...shown, embedding };
      };
      const sorted = counted.toSorted((a, b) => areaOf(b) - areaOf(a));
      return {
        ...size,
        faces: sorted.map((each) =>
          face(
            each,
            sorted.filter((other) => other !== each),
            true,
          ),
        ),
        still: still.map((each) => face(each, [], mask?.check === true)),
        timings: { decode: 0, detect: 0, align: 0, embed: 0 },
      };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
