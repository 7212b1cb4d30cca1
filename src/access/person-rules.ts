/** A person's rules as somebody changes them: text in, checked rules out; whoever asks (command line, MQTT) gets the same answers. */

import type { Clock } from '../base/time.ts';
import type { PersonId } from '../events.ts';
import type { Gallery, PersonRules } from '../identity/port.ts';
import type { Journal } from '../journal/port.ts';
import type { ChangeRules, RuleChange, ShownRules } from './port.ts';

/** What the owner has named. */
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

/** The rules after a change, with the names of what changed; or one sentence that says why it may not be. `nowMs`: wall clock; uses count from now. */
export function changedRules(
  before: PersonRules,
  change: RuleChange,
  { schedules, groups }: KnownNames,
  nowMs: number,
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
      return `"${text}" (${name}) is no time with a zone: write 2026-12-31T18:00Z or 2026-12-31T18:00+01:00`;
  if (change.uses !== undefined && change.uses !== null && !(Number.isInteger(change.uses) && change.uses >= 1 && change.uses <= 100_000))
    return `${change.uses} is no number of uses: give 1 to 100000`;
  const counted = change.uses === undefined ? {} : { usesSince: change.uses === null ? null : new Date(nowMs).toISOString() };
  const merged = Object.entries({ ...before, ...change, ...counted }).filter(([, value]) => value !== null && value !== undefined);
  const rules = withoutDefaults(Object.fromEntries(merged) as PersonRules);
  if (rules.validFrom && rules.validUntil && Date.parse(rules.validFrom) >= Date.parse(rules.validUntil))
    return `Valid from ${rules.validFrom} is not before valid until ${rules.validUntil}`;
  if ((rules.pinNeeded || rules.pinOpens) && !rules.pin) return 'This person has no PIN yet: facelatch people pin NAME';
  if (rules.pinNeeded && rules.pinOpens) return 'A PIN either opens alone or is needed beside the face: switch the other off';
  const names = [...new Set([...Object.keys(before), ...Object.keys(rules)])] as (keyof PersonRules)[];
  return { rules, changed: names.filter((name) => name !== 'usesSince' && JSON.stringify(before[name]) !== JSON.stringify(rules[name])) };
}

function withoutDefaults({ enabled, groups, pinOpens, pinNeeded, ...rest }: PersonRules): PersonRules {
  return {
    ...rest,
    ...(enabled === false ? { enabled } : {}),
    ...(groups && groups.length > 0 ? { groups } : {}),
    ...(pinOpens ? { pinOpens } : {}),
    ...(pinNeeded ? { pinNeeded } : {}),
  };
}

/** The rules for people to see: never the PIN's hash. */
export function shownRules({ pin, usesSince: _, ...rules }: PersonRules): ShownRules {
  return { ...rules, ...(pin ? { hasPin: true as const } : {}) };
}

export interface RulerOptions {
  readonly gallery: Pick<Gallery, 'rules' | 'setRules'>;
  readonly journal: Pick<Journal, 'append'>;
  readonly names: KnownNames;
  readonly clock: Pick<Clock, 'wall'>;
}

/** Changes people's rules: journalled before they hold. Throws what journal and gallery throw. */
export function ruler({ gallery, journal, names, clock }: RulerOptions): ChangeRules {
  return (personId, change) => {
    const result = changedRules(gallery.rules(personId), change, names, clock.wall());
    if (typeof result === 'string') return { ok: false, detail: result };
    if (result.changed.length > 0) store(gallery, journal, personId, result.rules, result.changed);
    return { ok: true, rules: shownRules(result.rules), changed: result.changed };
  };
}

/** Gives a person the hash of a PIN, or takes the PIN away with all that it may. */
export function setPin(
  { gallery, journal }: Pick<RulerOptions, 'gallery' | 'journal'>,
  personId: PersonId,
  hash: string | undefined,
): ShownRules {
  const { pin: _, pinOpens: _opens, pinNeeded: _needed, ...without } = gallery.rules(personId);
  const rules = hash === undefined ? without : { ...gallery.rules(personId), pin: hash };
  store(gallery, journal, personId, rules, ['pin']);
  return shownRules(rules);
}

function store(
  gallery: RulerOptions['gallery'],
  journal: RulerOptions['journal'],
  personId: PersonId,
  rules: PersonRules,
  changed: readonly string[],
): void {
  journal.append({ kind: 'person.ruled', personId, changed });
  gallery.setRules(personId, rules);
}
