/**
 * One picture offered for enrolment: its reading goes in; a candidate with its template, or a refusal in plain words,
 * comes out.
 */
import { type Fault, isBadPicture, messageOf } from '../base/errors.ts';
import type { FaceReader, QualityLimits, Reading } from '../face/port.ts';
import type { NewPicture, PictureRefusal } from './port.ts';
import { reasonsText } from './quality-words.ts';

export interface Candidate extends NewPicture {
  readonly accepted: true;
  readonly detail: string;
  /** How much of the identity can be told, 0…1; absent where the network does not measure it. */
  readonly fitness?: number;
}

export interface RefusedPicture {
  readonly accepted: false;
  readonly source: string;
  readonly reasons: readonly PictureRefusal[];
  /** The reasons in plain words. */
  readonly detail: string;
  /** Where the earlier one of two same pictures came from. For the shell: it may name a person. */
  readonly sameAs?: string;
  /** Greatest likeness to the other pictures, where that is the reason. */
  readonly likeness?: { readonly logit: number; readonly probability: number };
}

export type JudgedPicture = Candidate | RefusedPicture;

export function refuse(
  source: string,
  reasons: readonly PictureRefusal[],
  detail: string,
  likeness?: RefusedPicture['likeness'],
): RefusedPicture {
  return { accepted: false, source, reasons, detail, ...(likeness ? { likeness } : {}) };
}

/** Refuses a picture that cannot be read, or of which a part is missing. */
export function refusePicture(source: string, fault: Fault): RefusedPicture {
  return refuse(source, [fault.code === 'picture-damaged' ? 'damaged' : 'not-a-picture'], messageOf(fault));
}

/** Where a picture comes from: a stored one may lie on its side, a camera that is mounted so has to be set. */
export type PictureOrigin = 'file' | 'camera';

/** Judges a reading made with `embed: 'good'`: the dominant face counts. */
function candidateOf(source: string, picture: Uint8Array, reading: Reading, limits: QualityLimits): JudgedPicture {
  const face = reading.faces[0];
  if (!face) return refuse(source, ['no-face'], `no face found in ${reading.width}×${reading.height} pixels`);
  if (!face.embedding) return refuse(source, face.quality.reasons, reasonsText(face, limits));
  const { interEyePx, luminance } = face.quality;
  const { embedding: template, fitness } = face;
  const fit = fitness === undefined ? '' : `, fitness ${fitness.toFixed(2)}`;
  const detail = `${interEyePx.toFixed(0)} pixels between the eyes, brightness ${luminance.toFixed(0)}${fit}`;
  return { accepted: true, source, picture, template, detail, ...(fitness === undefined ? {} : { fitness }) };
}

/**
 * Reads and judges one picture. A stored picture on its side or upside down is turned, and kept so. Bytes that are no
 * picture are an outcome, everything else that fails is a Fault.
 */
export async function readCandidate(
  source: string,
  picture: Uint8Array,
  reader: Pick<FaceReader, 'read'>,
  limits: QualityLimits,
  origin: PictureOrigin = 'file',
): Promise<JudgedPicture> {
  try {
    const reading = await reader.read(picture, { embed: 'good', purpose: 'enrolment' });
    const { turn } = reading;
    if (!turn) return candidateOf(source, picture, reading, limits);
    if (origin === 'camera') return refuse(source, ['turned'], cameraTurned(turn.byDeg));
    const upright = candidateOf(source, turn.picture, await reader.read(turn.picture, { embed: 'good', purpose: 'enrolment' }), limits);
    return { ...upright, detail: `turned by ${turn.byDeg}°: ${upright.detail}` };
  } catch (error) {
    if (isBadPicture(error)) return refusePicture(source, error);
    throw error;
  }
}

const cameraTurned = (byDeg: number): string =>
  `turned: the camera is mounted on its side or upside down (a turn by ${byDeg}° would put it right): set camera.rotate and restart`;

/** Refuses a candidate whose picture is, byte for byte, one of the earlier ones: a second copy adds nothing. */
export function withoutRepetition(outcome: JudgedPicture, earlier: readonly Pick<NewPicture, 'picture' | 'source'>[]): JudgedPicture {
  if (!outcome.accepted) return outcome;
  const same = earlier.find(({ picture }) => Buffer.compare(picture, outcome.picture) === 0);
  return same ? { ...refuse(outcome.source, ['repeated'], 'the same picture as an earlier one'), sameAs: same.source } : outcome;
}
