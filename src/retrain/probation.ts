/**
 * The first decisions of a new champion beside the network before it: findings of both for each frame go in, and the champion's decisions; out comes how often the two
 * differed, and whether that is enough to go back. The champion decides; the other only looks.
 */

/** Whom a network saw in one frame; undefined: nobody it knows. */
export type Seen = string | undefined;

export interface ProbationRules {
  /** Decisions after which the champion has proved itself. */
  readonly decisions: number;
  /** Share of those that may differ. */
  readonly maxDisagreement: number;
}

export interface Watch {
  /** The other network's finding for a frame with a face good enough to be compared. */
  saw(other: Seen): void;
  /** Whoever stood there has left: what was seen of them counts no more. */
  left(): void;
  /** The champion has decided about whoever stands there: for a person, or that it is nobody it knows. */
  decided(champion: Seen): Decided;
  readonly count: { readonly decisions: number; readonly disagreements: number };
}

export interface Decided {
  readonly verdict: 'go-on' | 'proved' | 'go-back';
  readonly agreed: boolean;
  readonly detail: string;
}

export function watchDecisions(rules: ProbationRules, before: { readonly decisions: number; readonly disagreements: number }): Watch {
  let { decisions, disagreements } = before;
  let frames: Seen[] = [];
  return {
    get count() {
      return { decisions, disagreements };
    },
    saw: (other) => {
      frames = [...frames, other].slice(-50);
    },
    left: () => {
      frames = [];
    },
    decided: (champion) => {
      const other = mostFrequent(frames);
      // Nothing to compare with: the other network saw no frame of it.
      if (frames.length === 0) return { verdict: 'go-on', agreed: true, detail: 'not watched' };
      frames = [];
      decisions++;
      const agreed = champion === other;
      if (!agreed) disagreements++;
      const detail = `${disagreements} of ${decisions} decisions differed from those of the network before`;
      // Two names for one face: somebody would come in as somebody else.
      if (!agreed && champion !== undefined && other !== undefined)
        return { verdict: 'go-back', agreed, detail: 'it took a face for one person, the network before for another' };
      if (disagreements > rules.maxDisagreement * rules.decisions) return { verdict: 'go-back', agreed, detail };
      return { verdict: decisions >= rules.decisions ? 'proved' : 'go-on', agreed, detail };
    },
  };
}

function mostFrequent(frames: readonly Seen[]): Seen {
  const counts = new Map<Seen, number>();
  for (const seen of frames) counts.set(seen, (counts.get(seen) ?? 0) + 1);
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0];
}
