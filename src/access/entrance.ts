/**
 * Puts the access room together: the controller (faces), the door (everyone else), the inputs and the clock watch,
 * over the journal, the relay, the people and the owner's rules. `wire.ts` opens it; it begins in the state that the
 * journal remembers. `watchInputs` ends with its signal; there is nothing else to close.
 */
import { Fault, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { parseSchedule, type Schedule } from '../base/schedule.ts';
import type { BootTime, Clock } from '../base/time.ts';
import type { PersonId } from '../events.ts';
import type { Gallery } from '../identity/port.ts';
import type { Journal } from '../journal/port.ts';
import type { LivenessPolicy } from '../liveness/port.ts';
import type { Inputs, Relay } from '../relay/port.ts';
import { type Admission, admit, type DoorRules } from './admission.ts';
import { type WatchedTime, watchedTime } from './clock/watched-time.ts';
import { type Controller, type ControllerOptions, openController } from './controller.ts';
import { type DoorOptions, openDoor } from './door.ts';
import { keptName, keptText } from './kept.ts';
import { type KeptOut, keptOut } from './kept-out.ts';
import type { PinVault } from './pin.ts';
import type { Door, GroupRules } from './port.ts';
import type { PremisesRules } from './premises.ts';
import { remembered } from './remembered.ts';
import type { Policy } from './state.ts';
import { type Usage, usageIn } from './usage.ts';

/** The owner's rules, as the settings have them. */
export interface EntranceRules {
  readonly armed: boolean;
  readonly togetherMs: number;
  readonly timeZone: string;
  readonly holidays: readonly string[];
  readonly schedules: Readonly<Record<string, readonly string[]>>;
  readonly groups: Readonly<Record<string, GroupRules>>;
  readonly admits: readonly string[];
  readonly unsureClock: 'deny' | 'allow';
  readonly antiPassback: boolean;
  readonly pinWithoutName: boolean;
  readonly journalDown: 'deny' | 'open';
  readonly liveness: { readonly policy: LivenessPolicy; readonly schedules: Readonly<Record<string, LivenessPolicy>> };
}

export interface EntranceOptions {
  readonly journal: Pick<Journal, 'append' | 'query' | 'note' | 'keep' | 'head'>;
  readonly relay: Relay;
  readonly gallery: Pick<Gallery, 'find' | 'ids' | 'rules' | 'setRules'>;
  /** PINs are hashed under its key. */
  readonly vault: PinVault;
  /** Where the vault is locked: the hash of the emergency PIN, if one is set. */
  readonly emergencyPin?: DoorOptions['emergencyPin'];
  readonly rules: EntranceRules;
  /** Asked at every input: it may change while the door runs. */
  readonly policy: () => Policy;
  readonly premises: () => PremisesRules;
  readonly inputs?: Inputs | undefined;
  /** Whether a time service keeps the wall clock right. */
  readonly synchronised: () => boolean;
  readonly clock: Clock;
  /** Since the computer started. */
  readonly boot: BootTime;
  readonly log: Log;
  readonly onEvent?: ControllerOptions['onEvent'];
}

export interface Entrance {
  readonly controller: Controller;
  readonly door: Door;
  /** People's rules as they count at this door. */
  readonly people: Pick<KeptOut, 'rules' | 'setRules'>;
  /** Whether somebody who is recognised may come in now. */
  admission(personId: PersonId): Admission;
  /** Grants since their number of uses was set; 0 where they have none. Throws what the journal throws. */
  used(personId: PersonId): number;
  /** False until the inputs have reported their levels, and while they cannot be read. */
  readonly inputsKnown: boolean;
  /** Looks at the clocks; call it at every tick. */
  tick(): void;
  /** Follows the inputs until `signal` is aborted. */
  watchInputs(signal: AbortSignal): Promise<void>;
}

const againMs = 1000;

/** Opens the entrance. Throws Fault `bad-config`, and `journal-down` where the journal cannot be read. */
export function openEntrance(options: EntranceOptions): Entrance {
  const { journal, relay, rules, inputs, clock, log, onEvent } = options;
  const people = keptOut(options.gallery, clock);
  const gallery: EntranceOptions['gallery'] = { find: options.gallery.find, ids: options.gallery.ids, ...people };
  const time = watchedTime(options, (byMs, sure) => controller.record({ kind: 'clock.jumped', byMs, sure }));
  const usage = usageIn(journal);
  const admission = admissionBy({ ...options, gallery }, usage, time);
  const { standing, damaged } = remembered(journal, rules.armed, time.moment());
  if (damaged) log.error('how the door stood cannot be read from the journal: it begins disarmed');
  const controller = openController({
    ...{ journal, relay, clock, log },
    policy: () => ({ ...options.policy(), admission, togetherMs: rules.togetherMs }),
    premises: options.premises,
    before: standing,
    notes: (now) => ({ [keptName]: keptText(now, time.moment()), ...time.notes() }),
    journalDown: rules.journalDown,
    ...(onEvent && { onEvent }),
  });
  const door = openDoor({
    ...{ controller, admission, gallery, clock },
    vault: options.vault,
    ...{ pinWithoutName: rules.pinWithoutName, emergencyPin: options.emergencyPin },
    togetherMs: () => rules.togetherMs,
    onReset: () => time.accept(),
  });
  let inputsKnown = false;
  return {
    ...{ controller, door, people, admission },
    used: (personId) => usage.used(personId, people.rules(personId)),
    get inputsKnown() {
      return inputsKnown;
    },
    tick: () => {
      time.tick();
      people.tick();
    },
    watchInputs: async (signal) => {
      while (inputs && !signal.aborted) {
        try {
          for await (const change of inputs.changes(signal)) {
            await controller.inputChanged(change);
            inputsKnown = true;
          }
        } catch (error) {
          inputsKnown = false;
          log.error({ err: messageOf(error) }, 'inputs cannot be read');
          await clock.sleep(againMs, signal).catch(() => undefined);
        }
      }
    },
  };
}

/** Whether somebody may come in now, by their rules and the journal. Throws Fault `bad-config`. */
function admissionBy({ gallery, rules, clock }: EntranceOptions, usage: Usage, time: WatchedTime): Entrance['admission'] {
  const doorRules = doorRulesOf(rules);
  return (personId) => {
    const person = gallery.rules(personId);
    try {
      const used = usage.used(personId, person);
      const inside = rules.antiPassback && usage.inside(personId);
      return admit(person, doorRules, { wallMs: clock.wall(), clockSure: time.sure, used, inside });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return { ok: false, reason: 'journal-down', detail: 'the journal cannot be read, so it is unknown how often this person came in' };
    }
  };
}

function doorRulesOf({ schedules, timeZone, holidays, groups, admits, unsureClock, liveness }: EntranceRules): DoorRules {
  const parsed = Object.entries(schedules).map(([name, rows]): [string, Schedule] => {
    const schedule = parseSchedule(rows);
    if (typeof schedule === 'string') throw new Fault('bad-config', `access.schedules, "${name}": ${schedule}`);
    return [name, schedule];
  });
  return {
    schedules: new Map(parsed),
    calendar: { timeZone, holidays },
    groups: new Map(Object.entries(groups)),
    liveness: { policy: liveness.policy, schedules: new Map(Object.entries(liveness.schedules)) },
    ...{ admits, unsureClock },
  };
}
