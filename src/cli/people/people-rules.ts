/** `facelatch people set` and `people pin`: what one person may do, changed while the door runs. */
import { Command } from 'commander';
import { ruleNames, ruler, setPin } from '../../access/person-rules.ts';
import { hashPin, isNewPin } from '../../access/pin.ts';
import type { RuleChange, ShownRules } from '../../access/port.ts';
import { journalOf } from '../../adapters/journal.ts';
import { Fault } from '../../base/errors.ts';
import { type CommonOptions, collected, exitCodes, print, wholeNumber, withCommon, withHelp } from '../context.ts';
import { findPerson } from '../person.ts';
import { askSecret } from '../secret-prompt.ts';
import { changeStored } from './opened.ts';

type Exit = (code: number) => void;

interface SetOptions extends CommonOptions {
  readonly enable?: true;
  readonly disable?: true;
  readonly schedule?: string;
  readonly validFrom?: string;
  readonly validUntil?: string;
  readonly uses?: number | 'unlimited';
  readonly group?: readonly string[];
  readonly pinOpens?: boolean;
  readonly pinNeeded?: boolean;
}

const none = 'none';

export function setCommand(exit: Exit): Command {
  const command = new Command('set')
    .description('when and how an enrolled person may come in; a running door takes it over within a second')
    .argument('<name|id>', 'the person')
    .option('--disable', 'recognise, but do not let in')
    .option('--enable', 'let in again')
    .option('--schedule <name>', 'one of access.schedules; "none" removes it')
    .option('--valid-from <time>', 'ISO 8601 with zone, such as 2026-12-01T08:00+01:00; "none" removes it')
    .option('--valid-until <time>', 'ISO 8601 with zone; "none" removes it')
    .option('--uses <n>', 'how many times to let in from now on; "unlimited" removes the limit', usesOf)
    .option('--group <name>', 'a group of access.groups; may be given more than once; "none" removes all', collected)
    .option('--pin-opens', 'the PIN alone opens (see people pin); --no-pin-opens undoes it')
    .option('--no-pin-opens')
    .option('--pin-needed', 'the face opens only together with the PIN; --no-pin-needed undoes it')
    .option('--no-pin-needed');
  withHelp(
    command,
    [
      'facelatch people set Cleaner --group cleaners --valid-until 2026-12-31T18:00+01:00',
      'facelatch people set Parcel --uses 1 --valid-until 2026-11-25T00:00Z',
      'facelatch people set Ada --disable',
    ],
    'done',
  );
  return withCommon(command).action((who: string, options: SetOptions) => {
    using open = changeStored(options);
    const { config, gallery } = open;
    const person = findPerson(gallery, who);
    using journal = journalOf(config);
    const result = ruler({ gallery, journal, names: ruleNames(config.access) })(person.id, changeOf(options));
    if (!result.ok) throw new Fault('bad-argument', result.detail);
    const { rules, changed } = result;
    print(options, { person, rules, changed }, () =>
      changed.length === 0 ? `${person.name}: nothing changed (${rulesText(rules)})` : `${person.name}: ${rulesText(rules)}`,
    );
    exit(exitCodes.yes);
  });
}

function usesOf(text: string): number | 'unlimited' {
  return text === 'unlimited' ? text : wholeNumber('--uses', 1, 100_000)(text);
}

function changeOf({ enable, disable, schedule, validFrom, validUntil, uses, group, pinOpens, pinNeeded }: SetOptions): RuleChange {
  if (enable && disable) throw new Fault('bad-argument', 'Give either --enable or --disable');
  const orNull = (name: string, text: string | undefined) => (text === undefined ? {} : { [name]: text === none ? null : text });
  return {
    ...(enable || disable ? { enabled: enable === true } : {}),
    ...orNull('schedule', schedule),
    ...orNull('validFrom', validFrom),
    ...orNull('validUntil', validUntil),
    ...(uses === undefined ? {} : { uses: uses === 'unlimited' ? null : uses }),
    ...(group ? { groups: group.filter((name) => name !== none) } : {}),
    ...(pinOpens === undefined ? {} : { pinOpens }),
    ...(pinNeeded === undefined ? {} : { pinNeeded }),
  };
}

/** A person's rules in one line. */
export function rulesText(rules: ShownRules): string {
  const words: Readonly<Record<string, string>> = {
    hasPin: 'has a PIN',
    pinOpens: 'the PIN alone opens',
    pinNeeded: 'face and PIN together',
    enabled: 'disabled',
    validFrom: 'valid from',
    validUntil: 'valid until',
    uses: 'uses',
    groups: 'groups',
    schedule: 'schedule',
  };
  const parts = Object.entries(rules).map(([name, value]) =>
    typeof value === 'boolean' ? words[name] : `${words[name]} ${[value].flat().join(', ')}`,
  );
  return parts.join(' · ') || 'no rules: may come in at any time';
}

export function pinCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('pin')
    .description(
      'give a person a PIN of 6 to 12 digits (access.pinDigits): typed at the prompt (it is not shown), or one line on standard input. Only its hash is stored',
    )
    .argument('<name|id>', 'the person')
    .option('--remove', 'remove the PIN');
  withHelp(
    command,
    [
      'facelatch people pin Ada',
      'facelatch people pin Ada < pin.txt            in a script',
      'facelatch people set Ada --pin-opens          the PIN alone opens',
      'facelatch people pin Ada --remove',
    ],
    'done',
  );
  return withCommon(command).action(async (who: string, options: CommonOptions & { readonly remove?: true }) => {
    using open = changeStored(options);
    const { config, gallery, vault } = open;
    const person = findPerson(gallery, who);
    const hash = options.remove ? undefined : await hashPin(vault, await askPin(person.name, config.access.pinDigits, stop));
    using journal = journalOf(config);
    const rules = setPin({ gallery, journal }, person.id, hash);
    print(options, { person, rules }, () => `${person.name}: ${rulesText(rules)}`);
    exit(exitCodes.yes);
  });
}

/** @throws Fault `bad-argument` for anything but digits, and for too few or too many of them. */
async function askPin(name: string, digits: number, stop: AbortSignal): Promise<string> {
  const line = await askSecret({ prompt: `PIN for ${name} (${digits} to 12 digits, not shown): `, stop });
  if (isNewPin(line.trim(), digits)) return line.trim();
  throw new Fault('bad-argument', `A PIN is ${digits} to 12 digits (access.pinDigits). Nothing was stored`);
}
