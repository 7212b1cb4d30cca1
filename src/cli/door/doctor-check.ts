/** What `facelatch doctor` says about one part. A note is not a problem: something is left out, or could be better. */
export interface Check {
  readonly name: string;
  readonly health: 'ok' | 'note' | 'problem';
  readonly found: string;
  /** What this door does not do because of it, for the last line: `no lock is moved`. */
  readonly lacks?: readonly string[];
}

export type Found = Omit<Check, 'name'>;
