/** Where a door's evidence about its strangers is counted from, and the fingerprint of whom it is of. Pure. */
import { createHash } from 'node:crypto';
import type { EnrolledPerson } from '../port.ts';

/** The rate of a comparison from which scores are counted as the tail: with 20 people some ten comparisons reach it. */
export const countedFrom = 0.01;
/** Scores beyond this rate count as this much: twins must not lock the others out. */
export const countedTo = 1e-5;
/** The rate of an attempt against the whole gallery from which an unknown visitor counts. */
export const visitorsFrom = 0.1;

const numbers = 3;

/** Another one whenever somebody is enrolled, removed, or gets another template. */
export function digestOf(people: readonly EnrolledPerson[]): string {
  const counts = people.map(({ id, templates }) => `${id} ${templates.length}\n`).join('');
  // The first numbers tell one template from another; all of them would take milliseconds for a large gallery.
  const beginnings = new Float32Array(numbers * people.reduce((sum, { templates }) => sum + templates.length, 0));
  let at = 0;
  for (const { templates } of people)
    for (const template of templates) for (let i = 0; i < numbers; i++) beginnings[at++] = template[i] ?? 0;
  return createHash('sha256').update(counts).update(new Uint8Array(beginnings.buffer)).digest('hex');
}
