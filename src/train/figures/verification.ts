/**
 * The paper's verification (section III, and the tutorial's app). In: the scores of one probe against a folder of
 * verification images. Out: verified when the share of scores above the detection threshold exceeds the verification
 * threshold.
 */

export interface VerificationThresholds {
  /** Scores above it count as detections, 0…1. */
  readonly detection: number;
  /** The share of detections must exceed this, 0…1. */
  readonly verification: number;
}

/** The thresholds that are compared; the first are those of the tutorial's app. The paper gives none. */
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

/** Decides from the scores of the probe (0…1), one for each verification image. Without images nobody is verified. */
export function decideByFolder(scores: readonly number[], { detection, verification }: VerificationThresholds): FolderDecision {
  const detections = scores.filter((score) => score > detection).length;
  const share = scores.length === 0 ? 0 : detections / scores.length;
  return { detection, verification, detections, images: scores.length, share, verified: share > verification };
}

/** The decision for the person's own probe at one pair of thresholds, and how many strangers pass by the same rule. */
export interface VerificationFigures extends FolderDecision {
  readonly strangersVerified: number;
  readonly strangers: number;
}

/**
 * From the scores of the person's own probe against the folder, and those of each stranger, at each pair of
 * thresholds.
 */
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

/** How often the rule is right over many people, each with a probe and a folder of verification images. */
export interface VerificationRates extends VerificationThresholds {
  /** `verified` of `people` are verified by their own probe. */
  readonly verified: number;
  readonly people: number;
  /** In `strangersVerified` of `strangers` tries a probe is verified as another person. */
  readonly strangersVerified: number;
  readonly strangers: number;
}

/** One person's probe and verification images, or a stranger's probe alone. */
export interface Claim {
  readonly probe: string;
  /** Empty for a person who is only a stranger. */
  readonly images: readonly string[];
}

/** Everyone's probe against everyone's verification images. `score`: 0…1; 0 where a picture has no face. */
export function verificationRates(
  claims: readonly Claim[],
  score: (probe: string, image: string) => number,
  thresholds: readonly VerificationThresholds[] = verificationThresholds,
): VerificationRates[] {
  const rates = thresholds.map((pair) => ({ ...pair, verified: 0, people: 0, strangersVerified: 0, strangers: 0 }));
  for (const owner of claims.filter(({ images }) => images.length > 0))
    for (const claimant of claims) {
      const scores = owner.images.map((image) => score(claimant.probe, image));
      for (const rate of rates) {
        const verified = Number(decideByFolder(scores, rate).verified);
        if (claimant === owner) {
          rate.people++;
          rate.verified += verified;
        } else {
          rate.strangers++;
          rate.strangersVerified += verified;
        }
      }
    }
  return rates;
}
