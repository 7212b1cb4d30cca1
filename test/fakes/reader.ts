/** A face reader of drawings: a picture that says where on a circle its face lies, and what is wrong with it, is read as just that. */
import { Fault } from '../../src/base/errors.ts';
import type { EmbedderInfo, FaceReader, QualityReason, QuarterTurn } from '../../src/face/port.ts';

/**
 * Embeddings on a circle. Likeness falls with the angle between two faces: up to 45° they may be one person (logit above 0), up to 21° one passes for
 * the other (probability above 0.99).
 */
export const circleEmbedder: EmbedderInfo = {
  name: 'circle',
  version: '1',
  sha256: 'c'.repeat(64),
  dimension: 2,
  head: { kind: 'cosine', scale: 20, bias: -14 },
};

export interface Drawing {
  /** Degrees; absent where there is no face. */
  readonly face?: number;
  readonly reasons?: readonly QualityReason[];
  /** The picture would be upright after this turn. */
  readonly turn?: QuarterTurn;
  /** Makes another picture of the same face. */
  readonly tag?: string;
  readonly padding?: string;
}

export function drawing(of: Drawing): Uint8Array {
  const { face, reasons, turn, tag, padding } = of;
  return Buffer.from(JSON.stringify({ face, reasons, turn, tag, padding }));
}

export interface DrawingReader extends FaceReader {
  /** While set, every picture fails so. */
  fault: Fault | undefined;
}

export function drawingReader(): DrawingReader {
  const state: { fault: Fault | undefined } = { fault: undefined };
  const at = (degrees: number) => Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));
  const parsed = (picture: Uint8Array): Drawing => {
    try {
      return JSON.parse(Buffer.from(picture).toString('utf8')) as Drawing;
    } catch (error) {
      throw new Fault('bad-picture', 'This is no drawing', error);
    }
  };
  const point = { x: 0, y: 0 };
  return {
    embedder: circleEmbedder,
    get fault() {
      return state.fault;
    },
    set fault(fault) {
      state.fault = fault;
    },
    read: async (picture, { purpose } = {}) => {
      if (state.fault) throw state.fault;
      const { face, reasons = [], turn, ...rest } = parsed(picture);
      const light = { luminance: 120, contrast: 30, noise: 1, clipped: 0, flat: 0 };
      const quality = { reasons, interEyePx: 60, ...light, sharpness: 1, yawDeg: 0, pitchDeg: 0, rollDeg: 0 };
      const box = { x1: 0, y1: 0, x2: 1, y2: 1 };
      const found = { score: 1, box, landmarks: [point, point, point, point, point] as const, quality };
      const timings = { decode: 0, detect: 0, align: 0, embed: 0 };
      const faces = face === undefined ? [] : [reasons.length > 0 ? found : { ...found, embedding: at(face) }];
      const turned =
        turn && (purpose ?? 'door') !== 'door'
          ? { turn: { byDeg: turn, picture: drawing({ ...rest, reasons, ...(face === undefined ? {} : { face }) }) } }
          : {};
      return { width: 100, height: 100, faces, timings, ...turned };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
