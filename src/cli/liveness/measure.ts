/**
 * Runs clips through the door's reader, checks and judge: the frames of a clip go in, as if a camera delivered them;
 * what the door would have judged comes out.
 */
import { readFile } from 'node:fs/promises';
import { isBadPicture } from '../../base/errors.ts';
import type { Box, FaceReader, Reading } from '../../face/port.ts';
import type { FrameEvidence, JudgeLiveness, LivenessChecker, LivenessJudgement, LivenessPolicy } from '../../liveness/port.ts';
import type { JudgedPresentation } from '../../train/figures/presentation-attacks.ts';
import type { ClipFiles } from './clips.ts';

export interface MeasureParts {
  readonly reader: FaceReader;
  readonly checker: LivenessChecker;
  readonly judge: JudgeLiveness;
  readonly policy: LivenessPolicy;
  /** Frames of a clip in a second. */
  readonly fps: number;
  /** Width of the grey picture in which points are tracked, pixels. */
  readonly greyWidth: number;
  /** Faces too that the door would not look at: such as those that fill a cropped picture. */
  readonly anyQuality: boolean;
  /** Files that cannot be read are added. */
  readonly unreadable: string[];
}

export interface JudgedClip extends JudgedPresentation {
  readonly name: string;
  /** What it was taken for, or why it was not judged. */
  readonly why?: string;
}

/** Between two clips nobody is there. Longer than any track lives. */
const apartMs = 60_000;

/** Judges clip after clip. `turn` counts them. */
export async function judgedClip(clip: ClipFiles, turn: number, parts: MeasureParts): Promise<JudgedClip> {
  const evidence = await evidenceOf(clip, turn, parts);
  const { instrument, name } = clip;
  if (evidence.length === 0) return { instrument, name, verdict: 'no-face' };
  const { verdict, spoof, why } = decided(evidence, parts);
  const score = scoreOf(evidence);
  const reason = spoof ?? why;
  return { instrument, name, verdict, ...(score !== undefined && { score }), ...(reason !== undefined && { why: reason }) };
}

/** Frames that a vote needs, and frames in a row after which a door calls a visit a spoof. */
const [votes, spoofsInARow] = [3, 2];

/** As a door decides, which opens with the first frame that makes the face a living one (access/alive/passage.ts). */
function decided(evidence: readonly FrameEvidence[], { judge, policy }: MeasureParts): LivenessJudgement {
  let spoofs = 0;
  for (let frames = votes; frames < evidence.length; frames++) {
    const judgement = judge(evidence.slice(0, frames), { policy, personId: '' });
    spoofs = judgement.verdict === 'spoof' ? spoofs + 1 : 0;
    if (judgement.verdict === 'live' || spoofs === spoofsInARow) return judgement;
  }
  return judge(evidence, { policy, personId: '' });
}

/** Mean of the networks' means over the whole clip: a judge asks for more frames than some sets have. */
function scoreOf(evidence: readonly FrameEvidence[]): number | undefined {
  const logits = evidence.flatMap(({ passive }) => (passive ? [passive] : []));
  const means = [...new Set(logits.map(({ network }) => network))].map((name) => {
    const own = logits.filter(({ network }) => network === name);
    return own.reduce((sum, { logit }) => sum + logit, 0) / own.length;
  });
  return means.length === 0 ? undefined : means.reduce((sum, mean) => sum + mean, 0) / means.length;
}

async function evidenceOf(clip: ClipFiles, turn: number, parts: MeasureParts): Promise<FrameEvidence[]> {
  const { checker, fps, anyQuality } = parts;
  const evidence: FrameEvidence[] = [];
  // The networks look in turn: a single frame is shown to each.
  const frames = Array.from(
    { length: Math.max(clip.frames.length, checker.info.scales.length) },
    (_, i) => clip.frames[i % clip.frames.length] ?? '',
  );
  // The reader's thread reads the next frames while the checker looks at one.
  for (const [index, reading] of frames.map((file) => readFrame(file, parts)).entries()) {
    const { faces = [], width = 0, height = 0, cuts } = (await reading) ?? {};
    const [face] = faces;
    if (!face || !cuts) continue;
    const { landmarks } = face;
    const box = anyQuality ? withinPicture(face.box, width, height) : face.box;
    const quality = anyQuality ? { ...face.quality, reasons: [] } : face.quality;
    const capturedAtMs = (turn + 1) * apartMs + (index * 1000) / fps;
    evidence.push(
      await checker.look({ capturedAtMs, width, height, box, landmarks, quality, cuts, passive: face.embedding !== undefined }),
    );
  }
  return evidence;
}

/** The part of a face that lies so far inside the picture that the checks look at it. What was cut out stays. */
function withinPicture({ x1, y1, x2, y2 }: Box, width: number, height: number): Box {
  const inside = (low: number, high: number, length: number): [number, number] => [
    Math.max(low, 0.2 * length),
    Math.min(high, 0.8 * length),
  ];
  const [left, right] = inside(x1, x2, width);
  const [top, bottom] = inside(y1, y2, height);
  return { x1: left, x2: Math.max(right, left + 1), y1: top, y2: Math.max(bottom, top + 1) };
}

/** Undefined where the picture cannot be read: a door goes on with the next. */
async function readFrame(file: string, { reader, checker, greyWidth, anyQuality, unreadable }: MeasureParts): Promise<Reading | undefined> {
  const { scales, side } = checker.info;
  try {
    return await reader.read(await readFile(file), { embed: anyQuality ? 'dominant' : 'good', cuts: { scales, side, greyWidth } });
  } catch (error) {
    if (!isBadPicture(error)) throw error;
    unreadable.push(file);
    return undefined;
  }
}
