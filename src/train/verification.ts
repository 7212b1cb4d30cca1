/**
 * The paper's verification: one probe's scores against a folder of verification images in, verified or not out (section III of the paper, and
 * the tutorial's app): verified when the share of scores above the detection threshold is above the verification threshold.
 */

export interface VerificationThresholds {
  /** Scores above it count as detections, 0…1. */
  readonly detection: number;
  /** The share of detections that must be exceeded, 0…1. */
  readonly verification: number;
}

/** The thresholds compared: those of the tutorial's app first. The paper gives none. */
export const verificationThresholds = [
  { detection: 0.99, verification: 0.8 },
  { detection: 0.5, verification: 0.5 },
  { detection: 0.9, verification: 0.7 },
] as const satisfies readonly VerificationThresholds[];

export interface FolderDecision extends VerificationThresholds {
  readonly detections: number;
  readonly images: number;
  /** Detections / images, 0…1. */
  readonly share: number;
  readonly verified: boolean;
}

/** Decides from the probe's scores (0…1), one for each verification image. Without images nobody is verified. */
export function decideByFolder(scores: readonly number[], { detection, verification }: VerificationThresholds): FolderDecision {
  const detections = scores.filter((score) => score > detection).length;
  const share = scores.length === 0 ? 0 : detections / scores.length;
  return { detection, verification, detections, images: scores.length, share, verified: share > verification };
}

/** The mated probe's decision at one pair of thresholds, and how many strangers pass by the same rule. */
export interface VerificationFigures extends FolderDecision {
  readonly strangersVerified: number;
  readonly strangers: number;
}

/** Scores of the mated probe against the folder, and each stranger's, at each pair of thresholds. */
export function verificationFigures(
  mated: readonly number[],
  strangers: readonly (readonly number[])[],
  thresholds: readonly VerificationThresholds[] = verificationThresholds,
): VerificationFigures[] {
  return thresholds.map((pair) => ({
    ...decideByFolder(mated, pair),
    strangersVerified: strangers.filter((scores) => decideByFolder(scores, pair).verified).length,
    strangers: strangers.length,
  }));
}
