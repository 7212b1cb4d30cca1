/** Times of a query: any ISO 8601 text goes in, the form that the journal stores comes out. */
import { Fault } from '../base/errors.ts';

/** `text` in the stored form, in which times compare as text. Throws Fault `bad-argument`. */
export function instant(text: string, name: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms))
    throw new Fault('bad-argument', `"${text}" is not a time for ${name}; give ISO 8601, such as 2026-01-31T08:00:00Z.`);
  return new Date(ms).toISOString();
}
