/** Times of a query: any ISO 8601 text goes in, the form in which the journal stores times comes out. */
import { Fault } from '../base/errors.ts';

/** `text` in the form in which times are stored, so that they compare as text. Throws Fault `bad-argument`. */
export function instant(text: string, name: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new Fault('bad-argument', `"${text}" is no time for ${name}; give ISO 8601, such as 2026-01-31T08:00:00Z.`);
  return new Date(ms).toISOString();
}
