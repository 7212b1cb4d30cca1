/**
 * The frozen split: groups of pictures (a person's day, a stranger's visit) go in, the part of each comes out. A
 * group is assigned once, for good, so that nothing that a network is measured on is ever trained on.
 */
import { createHash } from 'node:crypto';
import type { StatementSync } from 'node:sqlite';

export type SplitPart = 'train' | 'frozen';
/** By the name of each: how many pictures it has, and whether they are of somebody enrolled. */
export type SampleGroups = ReadonlyMap<string, { readonly pictures: number; readonly person: boolean }>;
/** A comparison measures nothing on less (verdict.ts); at most half of the people are used for it. */
const fewestFrozen = { people: 2, pictures: 6 } as const;

export interface SplitParts {
  readonly sql: { readonly partOf: StatementSync; readonly assign: StatementSync };
  /** Of the groups, 0…1. */
  readonly frozenShare: number;
}

/**
 * Each group's part: as it was, or by the hash of its name; topped up from new groups where hardly anybody would be
 * frozen.
 */
export function splitGroups({ sql, frozenShare }: SplitParts, groups: SampleGroups): ReadonlyMap<string, SplitPart> {
  const parts = new Map<string, SplitPart>();
  const fresh: string[] = [];
  for (const name of groups.keys()) {
    const known = sql.partOf.get(name)?.part;
    if (known === 'train' || known === 'frozen') parts.set(name, known);
    else fresh.push(name);
  }
  fresh.sort((a, b) => placeOf(a) - placeOf(b));
  const ofPeople = [...groups.keys()].filter((name) => groups.get(name)?.person === true);
  // By its hash. Of people at most half, or chance would leave a small household nobody to learn from, for good.
  for (const name of fresh) {
    const taken = ofPeople.filter((each) => parts.get(each) === 'frozen').length;
    const room = groups.get(name)?.person !== true || taken + 1 <= ofPeople.length / 2;
    parts.set(name, placeOf(name) < frozenShare && room ? 'frozen' : 'train');
  }
  topUp(groups, fresh, parts);
  for (const name of fresh) sql.assign.run(name, parts.get(name) ?? 'train');
  return parts;
}

/** Freezes more of the `fresh` groups while fewer are frozen than a comparison needs. */
function topUp(groups: SampleGroups, fresh: readonly string[], parts: Map<string, SplitPart>): void {
  const useful = (name: string) => groups.get(name)?.person === true && (groups.get(name)?.pictures ?? 0) >= 2;
  const people = [...groups.keys()].filter(useful);
  const isFrozen = (name: string) => parts.get(name) === 'frozen';
  for (const name of fresh.filter((each) => useful(each) && !isFrozen(each))) {
    const frozen = people.filter(isFrozen);
    const pictures = frozen.reduce((sum, each) => sum + (groups.get(each)?.pictures ?? 0), 0);
    const enough = frozen.length >= fewestFrozen.people && pictures >= fewestFrozen.pictures;
    if (!enough && frozen.length + 1 <= people.length / 2) parts.set(name, 'frozen');
  }
}

/** Where a group falls between 0 and 1, always the same. */
function placeOf(name: string): number {
  return createHash('sha256').update(`frozen ${name}`).digest().readUInt32BE() / 2 ** 32;
}
