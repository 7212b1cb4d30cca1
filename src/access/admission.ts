/**
 * Whether a recognised person may come in now. In: the person's rules, the door's rules and the moment. Out: yes,
 * with what else it takes, or the reason why not. Pure.
 */

import { type Calendar, isWithin, type Schedule } from '../base/schedule.ts';
import type { Denial } from '../events.ts';
import type { PersonRules } from '../identity/port.ts';
import { type LivenessPolicy, livenessPolicies } from '../liveness/port.ts';
import type { GroupRules } from './port.ts';

export interface Refused {
  readonly reason: Denial;
  readonly detail: string;
}

/** Whether a recognised person may come in, and what else it takes. */
export type Admission =
  | {
      readonly ok: true;
      readonly needs: readonly ('pin' | 'second-person')[];
      /** How much their face has to show; absent: what the door asks of everyone. */
      readonly liveness?: LivenessPolicy;
      readonly hasPin?: boolean;
    }
  | ({ readonly ok: false } & Refused);

/** The door's rules. */
export interface DoorRules {
  readonly schedules: ReadonlyMap<string, Schedule>;
  readonly calendar: Calendar;
  readonly groups: ReadonlyMap<string, GroupRules>;
  /** Groups that this door lets in; empty: everyone enrolled. */
  readonly admits: readonly string[];
  /** How much a face has to show, of everyone and during schedules. */
  readonly liveness: { readonly policy: LivenessPolicy; readonly schedules: ReadonlyMap<string, LivenessPolicy> };
  /** Whether people whose rules name times are let in while the wall clock may be wrong. */
  readonly unsureClock: 'deny' | 'allow';
}

/** The moment, and what only the journal knows of the person. */
export interface Circumstances {
  /** Milliseconds since 1970, UTC. */
  readonly wallMs: number;
  readonly clockSure: boolean;
  /** Grants since the person's number of uses was set. */
  readonly used: number;
  /** Under anti-passback: they came in and have not left. */
  readonly inside: boolean;
}

/** Gives the first reason against, in the order in which an owner wants to hear them. */
export function admit(person: PersonRules, door: DoorRules, now: Circumstances): Admission {
  if (person.enabled === false) return no('disabled', 'this person is switched off');
  if (person.uses !== undefined && now.used >= person.uses) return no('used-up', `let in ${person.uses} times, as often as allowed`);
  if (now.inside) return no('still-inside', 'came in before and has not left');
  const late = outOfDates(person, door, now);
  if (late) return late;
  const own = ofSchedule(person.schedule, door, now);
  if (own) return own;
  const groups = person.groups ?? [];
  const here = door.admits.length === 0 ? groups : groups.filter((name) => door.admits.includes(name));
  if (door.admits.length > 0 && here.length === 0)
    return no('not-in-group', `in none of the groups that this door lets in (${door.admits.join(', ')})`);
  const everyone = livenessAt(door, now);
  const hasPin = person.pin !== undefined;
  if (here.length === 0) return yes([{ pin: person.pinNeeded === true }], everyone, hasPin);
  // Of several groups, the one that asks least counts: membership of it is enough.
  const each = here.map((name) => ({ name, rules: door.groups.get(name) ?? {} }));
  const open = each.filter(({ rules }) => !ofSchedule(rules.schedule, door, now));
  if (open.length === 0) return ofSchedule(each[0]?.rules.schedule, door, now) ?? no('out-of-hours', 'not at this time');
  const ways = open.map(({ rules }) => ({ ...rules, pin: rules.pin === true || person.pinNeeded === true }));
  return yes(ways, everyone, hasPin);
}

function yes(ways: readonly GroupRules[], everyone: LivenessPolicy, hasPin: boolean): Admission {
  const asked = ways.map(({ pin, secondPerson, liveness = everyone }) => ({
    needs: [...(pin ? (['pin'] as const) : []), ...(secondPerson ? (['second-person'] as const) : [])],
    liveness,
  }));
  const [least] = asked.toSorted((a, b) => a.needs.length - b.needs.length || strictness(a.liveness) - strictness(b.liveness));
  return { ok: true, needs: least?.needs ?? [], liveness: least?.liveness ?? everyone, hasPin };
}

const strictness = (policy: LivenessPolicy): number => livenessPolicies.indexOf(policy);

/** What a face has to show now, whoever it is. While the clock cannot be trusted, the strictest of all. */
function livenessAt({ liveness, schedules, calendar, unsureClock }: DoorRules, { wallMs, clockSure }: Circumstances): LivenessPolicy {
  const isSure = clockSure || unsureClock === 'allow';
  const inForce = [...liveness.schedules].flatMap(([name, policy]) => {
    const schedule = schedules.get(name);
    return !isSure || (schedule && isWithin(schedule, wallMs, calendar)) ? [policy] : [];
  });
  const all = isSure && inForce.length > 0 ? inForce : [liveness.policy, ...inForce];
  return all.toSorted((a, b) => strictness(b) - strictness(a))[0] ?? liveness.policy;
}

const no = (reason: Refused['reason'], detail: string): Admission & { readonly ok: false } => ({ ok: false, reason, detail });

const unsure = () => no('clock-unsure', 'the wall clock may be wrong, and the rules of this person name times (access.unsureClock)');

function outOfDates(
  { validFrom, validUntil }: PersonRules,
  { unsureClock }: DoorRules,
  { wallMs, clockSure }: Circumstances,
): Admission | undefined {
  if (validFrom === undefined && validUntil === undefined) return undefined;
  if (!clockSure && unsureClock === 'deny') return unsure();
  if (validFrom !== undefined && wallMs < Date.parse(validFrom)) return no('not-yet-valid', `valid from ${validFrom}`);
  if (validUntil !== undefined && wallMs >= Date.parse(validUntil)) return no('expired', `was valid until ${validUntil}`);
  return undefined;
}

function ofSchedule(
  name: string | undefined,
  door: DoorRules,
  { wallMs, clockSure }: Circumstances,
): (Admission & { readonly ok: false }) | undefined {
  if (name === undefined) return undefined;
  const schedule = door.schedules.get(name);
  if (!schedule) return no('out-of-hours', `there is no schedule "${name}" (access.schedules)`);
  if (!clockSure && door.unsureClock === 'deny') return unsure();
  return isWithin(schedule, wallMs, door.calendar) ? undefined : no('out-of-hours', `not within the schedule "${name}"`);
}
