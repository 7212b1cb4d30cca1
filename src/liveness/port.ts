/**
 * The port of the liveness room: what the face room cut out of a frame goes in, evidence about that frame comes out;
 * then the evidence of one presentation is judged. ISO/IEC 30107-1: presentation attack detection.
 */
import type { ChallengeKind, SpoofKind, UnsureReason } from '../events.ts';
import type { Box, Cuts, Landmarks, Quality } from '../face/port.ts';

/** How much a face has to show before it opens the door (`liveness.policy`). From lenient to strict. */
export const livenessPolicies = [
  /** Nothing is checked; every event says `not-checked`. */
  'off',
  /** The networks alone. */
  'passive',
  /** The networks, and what a flat thing cannot do. */
  'passive+motion',
  /** Unsure: the person enters their PIN. */
  'second-factor-when-unsure',
  /** Unsure: a challenge. */
  'challenge-when-unsure',
  /** Always a challenge. */
  'challenge',
] as const;
export type LivenessPolicy = (typeof livenessPolicies)[number];

/**
 * One frame for the checks: its dominant face, and what was cut out around it. Pixels are those of the upright picture.
 */
export interface LivenessFrame {
  /** Monotonic milliseconds. */
  readonly capturedAtMs: number;
  readonly width: number;
  readonly height: number;
  readonly box: Box;
  readonly landmarks: Landmarks;
  readonly quality: Quality;
  readonly cuts: Cuts;
  /** Whether the networks look too: they do for a face that may open. */
  readonly passive: boolean;
}

/**
 * One check of the moving picture over the latest frames. Ranges belong to the check; higher is more like an attack.
 */
export interface MotionCheck {
  readonly kind: Exclude<SpoofKind, 'texture' | 'infrared' | 'wrong-answer'>;
  readonly outcome: 'live' | 'spoof' | 'unsure';
  readonly value?: number;
}

/** What a face gives back of the lamp of an infrared camera. */
export interface InfraredReturn {
  readonly outcome: 'live' | 'spoof' | 'unsure';
  readonly why:
    | 'head'
    /** Of a spoof: a display, or paper. */
    | 'nothing-back'
    | 'flat'
    /** Of `unsure`. */
    | 'too-bright'
    | 'between'
    | 'cut-off'
    | 'no-lamp'
    | 'not-registered';
  /** Levels (of 255) that the lamp adds in the middle of the face. */
  readonly returned?: number;
  /** The sides of the face beside its middle, 0…1: about ½ for a head, 1 for paper. */
  readonly sides?: number;
  /** What lies beside the face beside its middle, 0…1: near 0 for a head, about 1 for paper. */
  readonly beyond?: number;
}

/** What one frame says. Small: it stays with the frame until the presentation has been decided. */
export interface FrameEvidence {
  readonly capturedAtMs: number;
  /** Logit of the networks that looked at this frame, less the threshold: 0 is the threshold, higher is live. */
  readonly passive?: { readonly network: string; readonly logit: number; readonly features?: Float32Array };
  /** Why there is no `passive`. */
  readonly unsure?: UnsureReason;
  /** Of the face (`Quality.sharpness`). Absent: every frame counts as sharp. */
  readonly sharpness?: number;
  readonly pose: { readonly yawDeg: number; readonly pitchDeg: number; readonly rollDeg: number };
  /** Middle of the eyes and distance between them, as shares of the picture's width. */
  readonly place: { readonly x: number; readonly y: number; readonly interEye: number };
  /** Probabilities that the right and the left eye are open, 0…1. */
  readonly eyesOpen?: readonly [right: number, left: number];
  /** Mean colour of the skin (cheeks and forehead) and of what is around the face, 0…255. */
  readonly skin: readonly [r: number, g: number, b: number];
  readonly surround: readonly [r: number, g: number, b: number];
  /** Absent: there is no infrared camera. */
  readonly infrared?: InfraredReturn;
  /** Checks of the frames up to this one. Absent: too few frames yet. */
  readonly motion?: readonly MotionCheck[];
}

/** The networks in use; all of it comes from their manifest. */
export interface LivenessInfo {
  readonly name: string;
  readonly version: string;
  /** SHA-256 (hex) over the files of the networks. */
  readonly sha256: string;
  /** Scale of each network's crop, in their order (`CutOptions.scales`), and its side, pixels. */
  readonly scales: readonly number[];
  readonly side: number;
}

export interface LivenessChecker extends AsyncDisposable {
  readonly info: LivenessInfo;
  /**
   * Looks at a frame, in a thread of its own. Frames of one presentation come in order; after a gap, or another face,
   * tracking starts again. @throws Fault `reader-failed` if the thread died.
   */
  look(frame: LivenessFrame): Promise<FrameEvidence>;
}

/** What the evidence of a presentation comes to. */
export interface LivenessJudgement {
  readonly verdict: 'live' | 'unsure' | 'spoof' | 'not-checked';
  /** Mean logit over the frames, less the threshold in force (`personId`'s and this camera's). */
  readonly score?: number;
  /** Frames that the networks looked at. */
  readonly frames: number;
  /** Of a spoof. */
  readonly spoof?: SpoofKind;
  /** Of `unsure` and `not-checked`. */
  readonly why?: UnsureReason;
}

/** Judges the frames of one presentation. Pure. No check that passes overrules one that fails. */
export type JudgeLiveness = (
  frames: readonly FrameEvidence[],
  asked: { readonly policy: LivenessPolicy; readonly personId: string },
) => LivenessJudgement;

/** Drawn at random for one presentation, and for one answer. */
export interface Challenge {
  readonly id: string;
  readonly kind: ChallengeKind;
  /** `blink`: how many times. */
  readonly times?: number;
  /** `light`: on or off in each slot of `slotMs`. */
  readonly code?: readonly boolean[];
  readonly slotMs?: number;
  /** Monotonic milliseconds; an answer begins after it and ends before `deadlineMs`. */
  readonly issuedAtMs: number;
  readonly deadlineMs: number;
}

/** `frames`: those of the presentation, from before the challenge until now. Pure. */
export type AnswerOf = (challenge: Challenge, frames: readonly FrameEvidence[]) => 'waiting' | 'passed' | 'failed';
