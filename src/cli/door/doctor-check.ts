/** What `facelatch doctor` says of one part. A note is no problem: something is left out, or could be better. */
export interface Check {
  readonly name: string;
  readonly health: 'ok' | 'note' | 'problem';
  readonly found: string;
}

export type Found = Omit<Check, 'name'>;
