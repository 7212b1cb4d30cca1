/**
 * Changes a person's rules. In: the rules before and the change, as text. Out: checked rules, or one sentence that
 * says what is wrong. The command line and MQTT both use it, so both get the same answers.
 */

import { Fault, messageOf } from '../base/errors.ts';
import type { PersonId } from '../events.ts';
import type { Gallery, PersonRules } from '../identity/port.ts';
import type { Journal } from '../journal/port.ts';
import type { ChangeRules, RuleChange, ShownRules } from './port.ts';

/** The schedules and groups that the owner has named. */
export interface KnownNames {
  readonly schedules: readonly string[];
  readonly groups: readonly string[];
}

/** The names in the owner's settings. */
export const ruleNames = ({ schedules, groups }: { readonly schedules: object; readonly groups: object }): KnownNames => ({
  schedules: Object.keys(schedules),
  groups: Object.keys(groups),
});

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/**
 * The rules after a change and the names of what changed, or one sentence that says what is wrong. A number of uses
 * that is given again is a change: it counts from then on, and whoever stores it adds `usesAfter`.
 */
export function changedRules(
  before: PersonRules,
  change: RuleChange,
  { schedules, groups }: KnownNames,
): { readonly rules: PersonRules; readonly changed: readonly string[] } | string {
  if (change.schedule && !schedules.includes(change.schedule))
    return `There is no schedule "${change.schedule}" (access.schedules); there are ${schedules.join(', ') || 'none'}`;
  const unknown = change.groups?.find((name) => !groups.includes(name));
  if (unknown !== undefined) return `There is no group "${unknown}" (access.groups); there are ${groups.join(', ') || 'none'}`;
  for (const [name, text] of [
    ['valid from', change.validFrom],
    ['valid until', change.validUntil],
  ] as const)
    if (text && (!instant.test(text) || Number.isNaN(Date.parse(text))))
      return `"${text}" (${name}) is not a time with a zone: write 2026-12-31T18:00Z or 2026-12-31T18:00+01:00`;
  if (change.uses !== undefined && change.uses !== null && !(Number.isInteger(change.uses) && change.uses >= 1 && change.uses <= 100_000))
    return `${change.uses} is not a number of uses: give 1 to 100000`;
  const counted = change.uses === undefined ? {} : { usesAfter: null, usesSince: null };
  const rules = withoutDefaults({ ...before, ...change, ...counted });
  if (rules.validFrom && rules.validUntil && Date.parse(rules.validFrom) >= Date.parse(rules.validUntil))
    return `Valid from ${rules.validFrom} is not before valid until ${rules.validUntil}`;
  if ((rules.pinNeeded || rules.pinOpens) && !rules.pin) return 'This person has no PIN yet: facelatch people pin NAME';
  if (rules.pinNeeded && rules.pinOpens) return 'A PIN either opens alone or is needed with the face, not both: switch the other off first';
  const changed = differing(before, rules).filter((name) => name !== 'usesAfter' && name !== 'usesSince');
  const again = typeof change.uses === 'number' && !changed.includes('uses');
  return { rules, changed: again ? [...changed, 'uses'] : changed };
}

/** Null stands for a rule that was removed. */
type Merged = { readonly [Name in keyof PersonRules]: PersonRules[Name] | null };

/** Only what differs from the rules of a person who has none. */
function withoutDefaults(merged: Merged): PersonRules {
  const { enabled, schedule, validFrom, validUntil, uses, usesAfter, usesSince, groups, pin, pinOpens, pinNeeded, ...others } = merged;
  return {
    // A rule that is new in PersonRules must be named above: this line does not compile until it is.
    ...(others satisfies Record<string, never>),
    ...(schedule == null ? {} : { schedule }),
    ...(validFrom == null ? {} : { validFrom }),
    ...(validUntil == null ? {} : { validUntil }),
    ...(uses == null ? {} : { uses }),
    ...(usesAfter == null ? {} : { usesAfter }),
    ...(usesSince == null ? {} : { usesSince }),
    ...(pin == null ? {} : { pin }),
    ...(enabled === false ? { enabled } : {}),
    ...(groups && groups.length > 0 ? { groups } : {}),
    ...(pinOpens ? { pinOpens } : {}),
    ...(pinNeeded ? { pinNeeded } : {}),
  };
}

/** The names of the rules that are not the same. */
function differing(before: PersonRules, after: PersonRules): string[] {
  const was = new Map<string, unknown>(Object.entries(before));
  const is = new Map<string, unknown>(Object.entries(after));
  return [...new Set([...was.keys(), ...is.keys()])].filter((name) => JSON.stringify(was.get(name)) !== JSON.stringify(is.get(name)));
}

/** The rules for people to read, without the PIN's hash. */
export function shownRules({ pin, usesAfter: _after, usesSince: _since, ...rules }: PersonRules): ShownRules {
  return { ...rules, ...(pin ? { hasPin: true as const } : {}) };
}

export interface RulerOptions {
  readonly gallery: Pick<Gallery, 'rules' | 'setRules'>;
  readonly journal: Pick<Journal, 'append'>;
  readonly names: KnownNames;
}

/** `by`: the operator's name; absent for the shell of the door itself. */
interface ChangingRules extends Pick<RulerOptions, 'gallery' | 'journal'> {
  readonly by?: string | undefined;
}

/**
 * Changes people's rules. Journalled before they take effect, but for a person who is disabled: that is done first, and
 * stays whatever the journal says. Throws what journal and gallery throw, and `journal-down` for what is done and has
 * no record.
 */
export function ruler({ gallery, journal, names }: RulerOptions): ChangeRules {
  return (personId, change, by) => {
    const result = changedRules(gallery.rules(personId), change, names);
    if (typeof result === 'string') return { ok: false, detail: result };
    if (change.enabled === false && result.changed.length === 1) disable({ gallery, journal, by }, personId, result.rules);
    else if (result.changed.length > 0) store({ gallery, journal, by }, personId, result.rules, result.changed);
    return { ok: true, rules: shownRules(result.rules), changed: result.changed };
  };
}

function disable({ gallery, journal, by }: ChangingRules, personId: PersonId, rules: PersonRules): void {
  const faults: unknown[] = [];
  for (const step of [
    () => gallery.setRules(personId, rules),
    () => journal.append({ kind: 'person.ruled', personId, changed: ['enabled'], ...(by !== undefined && { by }) }),
  ])
    try {
      step();
    } catch (error) {
      faults.push(error);
    }
  if (faults.length === 0) return;
  // A gallery that only stores has not kept anybody out.
  if (gallery.rules(personId).enabled !== false) throw faults[0];
  const missing = faults.map(messageOf).join(' ');
  throw new Fault(
    'journal-down',
    `The person is not let in any more, but that is not wholly on the disk, where a restart would look: ${missing}`,
    faults[0],
  );
}

/** Gives a person the hash of a PIN, or takes the PIN away together with the rules about it. */
export function setPin({ gallery, journal, by }: ChangingRules, personId: PersonId, hash: string | undefined): ShownRules {
  const { pin: _, pinOpens: _opens, pinNeeded: _needed, ...without } = gallery.rules(personId);
  const rules = hash === undefined ? without : { ...gallery.rules(personId), pin: hash };
  store({ gallery, journal, by }, personId, rules, ['pin']);
  return shownRules(rules);
}

function store({ gallery, journal, by }: ChangingRules, personId: PersonId, rules: PersonRules, changed: readonly string[]): void {
  const { seq } = journal.append({ kind: 'person.ruled', personId, changed, ...(by !== undefined && { by }) });
  const isCounted = changed.includes('uses') && rules.uses !== undefined;
  gallery.setRules(personId, isCounted ? { ...rules, usesAfter: seq } : rules);
}
