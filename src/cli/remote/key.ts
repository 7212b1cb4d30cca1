/**
 * `facelatch key`: makes the key of an operator, manages who may send commands to this door, and prints the door's
 * card.
 */
import { dirname } from 'node:path';
import { Command } from 'commander';
import { doorKeysFile } from '../../adapters/basics.ts';
import { doorKeysOf } from '../../adapters/command.ts';
import { addOperator, listOperators, operatorsFile, removeOperator, vouchForOperators } from '../../adapters/vouched/operators.ts';
import { Fault } from '../../base/errors.ts';
import { bindDoorKeys, copiedWords, newKey, publicKeyOf, renewDoorKeys, thumbprint, writeNew } from '../../command/keys.ts';
import { operatorsIn } from '../../command/operators.ts';
import { type Role, roles } from '../../command/port.ts';
import { machineMark } from '../../host/machine.ts';
import { agrees } from '../agrees.ts';
import { type CommonOptions, configOf, exitCodes, print, tell, withCommon, withHelp } from '../context.ts';
import { counted, table } from '../words.ts';
import { doorCardFile, operatorKeyFile, readJsonFile } from './key-files.ts';

type Exit = (code: number) => void;

export function keyCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('key')
    .summary('keys of operators, who may send commands to a door')
    .description(
      'Commands to a door are signed. An operator makes a key (create) and gives its public part to the owner of the door. The owner adds it at the door ' +
        "(add) with a role, and gives the operator the door's card (door).",
    );
  withHelp(
    command,
    [
      'facelatch key create                                 at the operator: makes a key, prints its public part',
      'facelatch key add ada ada.json --role operator       at the door: lets Ada open it',
      'facelatch key door > front-door.json                 at the door: the card that operators need',
      'facelatch key list',
      'facelatch key remove ada                             her commands are refused from now on',
    ],
    'done',
    '(key remove) there is no such operator; (key seal) the answer was not yes',
  );
  for (const sub of [createCommand, addCommand, listCommand, removeCommand, doorCommand]) command.addCommand(sub(exit));
  command.addCommand(sealCommand(stop, exit));
  return command;
}

function createCommand(exit: Exit): Command {
  const command = new Command('create')
    .description("make an operator's key (Ed25519); the private part stays in the file, the public part is printed")
    .option('-o, --out <file>', 'the file of the private key; an existing one is not overwritten', operatorKeyFile())
    .option('--json', 'the public key alone on standard output (it is JSON in either case)');
  withHelp(command, ['facelatch key create > ada.json', 'facelatch key create --out keys/ada-private.json > ada.json'], 'made');
  return command.action(async ({ out }: { readonly out: string }) => {
    const key = await newKey('Ed25519');
    writeNew(out, key);
    tell(`the private key is in ${out}; at the door: facelatch key add NAME PUBLIC-KEY-FILE --role operator`);
    print({ json: true }, publicKeyOf(key, 'Ed25519'), () => '');
    exit(exitCodes.yes);
  });
}

function addCommand(exit: Exit): Command {
  const command = new Command('add')
    .description('let an operator send commands to this door from now on')
    .argument('<name>', 'the name of the operator in journal and log')
    .argument('<public-key>', 'a file with the public key, or the key itself as JSON')
    .requiredOption('-r, --role <role>', `${roles.join(', ')}; each includes the rights of those before it`);
  withHelp(command, ['facelatch key add ada ada.json --role operator'], 'added');
  return withCommon(command).action(async (name: string, given: string, options: CommonOptions & { readonly role: string }) => {
    const role = roles.find((known): known is Role => known === options.role);
    if (!role) throw new Fault('bad-argument', `There is no role "${options.role}": choose from ${roles.join(', ')}`);
    const key = publicKeyOf(
      given.trimStart().startsWith('{') ? jsonOf(given) : readJsonFile(given, 'public key', 'name its file'),
      'Ed25519',
    );
    const { config } = configOf(options);
    const operator = await addOperator(config, { name, role, key, addedAt: new Date().toISOString() });
    print(options, operator, () => `${name} may send commands to ${config.door.id} as ${role}`);
    exit(exitCodes.yes);
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Fault('bad-argument', 'This is not JSON: give the public key as "facelatch key create" printed it, or its file', error);
  }
}

function listCommand(exit: Exit): Command {
  const command = new Command('list').description('who may send commands to this door');
  withHelp(command, ['facelatch key list --json'], 'done');
  return withCommon(command).action(async (options: CommonOptions) => {
    const { operators, refused, lacking, unchecked } = await listOperators(configOf(options).config);
    print(options, { operators, refused, lacking }, () =>
      operators.length === 0
        ? 'Nobody may send commands yet: facelatch key add NAME PUBLIC-KEY-FILE --role operator'
        : table([['name', 'role', 'added', 'key'], ...operators.map(({ name, role, addedAt, kid }) => [name, role, addedAt, kid])]),
    );
    if (lacking > 0) tell(lackingWords(lacking));
    if (unchecked !== undefined) tell(`whether this door wrote these entries was not checked: ${unchecked}`);
    for (const { name, kid, why } of refused)
      tell(`${name} (key ${kid}) does not count, because ${refusedWords[why]}: take it out with "facelatch key remove ${name}"`);
    exit(exitCodes.yes);
  });
}

export const lackingWords = (lacking: number): string =>
  `the list lacks ${counted(lacking, 'operator')} whom the journal names: an older list was put back, or it was changed by hand. Add them again (facelatch key add); if the list is right as it is: facelatch key seal`;

const refusedWords = {
  seal: 'this door did not write the entry',
  journal: 'the journal does not name it (it was taken away, an older list was put back, or the journal is another one)',
} as const;

function sealCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('seal')
    .description(
      'vouch for the list of operators as it stands, so that every entry in it counts: after its file, or the journal, was restored by hand. Shows the list and asks first',
    )
    .option('-y, --yes', 'do not ask');
  withHelp(command, ['facelatch key seal'], 'every entry counts', 'nothing was changed: the answer was not yes');
  return withCommon(command).action(async (options: CommonOptions & { readonly yes?: true }) => {
    const { config } = configOf(options);
    const stand = await operatorsIn(operatorsFile(config)).list();
    for (const { name, role, kid } of stand) tell(`${name} as ${role} (key ${kid})`);
    if (!options.yes && !(await agrees(`May all ${stand.length} of them send commands to ${config.door.id}?`, stop))) {
      print(options, { sealed: false }, () => 'Nothing was changed.');
      return exit(exitCodes.no);
    }
    const operators = await vouchForOperators(config, 'cli');
    print(options, { sealed: true, operators }, () => `${counted(operators.length, 'operator')} may send commands to ${config.door.id}`);
    exit(exitCodes.yes);
  });
}

function removeCommand(exit: Exit): Command {
  const command = new Command('remove')
    .description("remove an operator's key: their commands are refused from now on")
    .argument('<name>', 'the operator');
  withHelp(command, ['facelatch key remove ada'], 'removed', 'there is no such operator');
  return withCommon(command).action(async (name: string, options: CommonOptions) => {
    const removed = await removeOperator(configOf(options).config, name);
    print(options, { removed }, () =>
      removed ? `${name} may no longer send commands` : `there is no operator ${name}: facelatch key list`,
    );
    exit(removed ? exitCodes.yes : exitCodes.no);
  });
}

function doorCommand(exit: Exit): Command {
  const command = new Command('door')
    .description(
      "print this door's card (its public keys). An operator needs it to send commands and to trust the answers; it holds no secret",
    )
    .option('-o, --out <file>', 'write it to this file instead; no file is overwritten')
    .option('--renew', 'first make new keys: this door is a copy of another, or somebody else has read the keys')
    .option('--keep', 'first bind the keys to this machine: the door was moved here, and the other machine is gone');
  withHelp(
    command,
    [
      'facelatch key door > front-door.json',
      'facelatch key door --renew > front-door.json    # restart the daemon, and give operators the new card',
    ],
    'done',
  );
  return withCommon(command).action(
    async (options: CommonOptions & { readonly out?: string; readonly renew?: true; readonly keep?: true }) => {
      const { config } = configOf(options);
      if (options.renew && options.keep)
        throw new Fault('bad-argument', 'Either --renew (new keys) or --keep (the same keys, on this machine)');
      if (options.renew) await renewDoorKeys(doorKeysFile(config), machineMark());
      if (options.keep) bindDoorKeys(doorKeysFile(config), machineMark());
      const keys = await doorKeysOf(config);
      if (keys.copied) tell(copiedWords);
      if (options.renew || options.keep) tell('a daemon that runs takes this in when it is restarted');
      if (options.out !== undefined) writeNew(options.out, keys.card);
      else print({ json: true }, keys.card, () => '');
      const usual = doorCardFile(keys.card.door);
      tell(`door ${keys.card.door}, key ${await thumbprint(keys.card.sign)}; operators keep this in ${usual} (mkdir -p ${dirname(usual)})`);
      exit(exitCodes.yes);
    },
  );
}
