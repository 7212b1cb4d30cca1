/** `facelatch vault`: where the key of the faces comes from, its recovery phrase, and how it is changed. */
import { Command, Option } from 'commander';
import { vaultFiles, vaultLock, vaultOf } from '../../adapters/vault.ts';
import { type KeyChange, makeVault, phraseToShow, recoverVault, rekeyVault } from '../../adapters/vault-key.ts';
import { Fault } from '../../base/errors.ts';
import type { Config } from '../../settings/load.ts';
import { keyringNotes } from '../../vault/keyring.ts';
import { type KeyNotes, type KeySource, keySources } from '../../vault/port.ts';
import { agrees } from '../agrees.ts';
import { type CommonOptions, checkState, configOf, exitCodes, print, tell, withCommon, withHelp } from '../context.ts';
import { askSecret } from '../secret-prompt.ts';
import { surroundings } from '../surroundings.ts';
import { counted, table } from '../words.ts';
import { emergencyPinCommand } from './pin.ts';
import { phraseLines, sourceWords } from './vault-words.ts';

interface VaultOptions extends CommonOptions {
  readonly with?: KeySource;
  readonly keepKey?: boolean;
}

type Exit = (code: number) => void;

export function vaultCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('vault')
    .summary('the key that protects faces at rest: its place, its recovery phrase')
    .description(
      'Faces, names, rules and PINs lie sealed in the state folder. Their key comes from a systemd credential, a file, a passphrase, or a file beside the ' +
        'data; docs/operate/vault.md says what each protects against.',
    );
  withHelp(
    command,
    [
      'facelatch vault status',
      'sudo facelatch vault init --with credential          before the first start of a door',
      'sudo facelatch vault rekey --with credential         while the door is stopped',
      'facelatch vault phrase                               write it down, and keep it away from the door',
      'facelatch vault recover                              asks for the 24 words',
      'facelatch vault pin                                  the PIN that opens while the vault is locked',
    ],
    'done',
    '(vault status) the vault is locked',
  );
  for (const sub of [initCommand, statusCommand, phraseCommand, recoverCommand, rekeyCommand, emergencyPinCommand])
    command.addCommand(sub(stop, exit));
  return command;
}

const withOption = (text: string) => new Option('--with <place>', text).choices(keySources);

function initCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('init')
    .description('make the vault with a new key, before the first start of the door; its recovery phrase is shown')
    .addOption(withOption('where the key is kept (without it: the file of vault.keyFile, or a file beside the data)'));
  withHelp(command, ['sudo facelatch vault init --with credential', 'facelatch vault init --with passphrase'], 'made');
  return withCommon(command).action(async (options: VaultOptions) => {
    const { config } = configOf(options);
    const source = options.with ?? (config.vault.keyFile === '' ? 'beside' : 'file');
    const change = await makeVault(config, { source, ...(await passphraseFor(source, stop)) });
    print(options, change, () => changeText('The vault is made.', change));
    exit(exitCodes.yes);
  });
}

function rekeyCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('rekey')
    .description(
      'give the vault a new key, here or in another place, while the door is stopped; the recovery phrase is then another one. The keys of people are wrapped ' +
        'again in one transaction',
    )
    .addOption(withOption('where the key is kept from now on (without it: where it is now)'))
    .option('--keep-key', 'the same key and the same recovery phrase, in another place');
  withHelp(command, ['sudo facelatch vault rekey --with credential', 'facelatch vault rekey --with file --keep-key'], 'changed');
  return withCommon(command).action(async (options: VaultOptions) => {
    const { config } = configOf(options);
    const { source: before } = notesOf(config);
    const source = options.with ?? before;
    const { keepKey = false } = options;
    const place = { source, ...(await passphraseFor(source, stop)) };
    const change = await rekeyVault(config, { ...place, keepKey, by: 'cli' });
    print(options, change, () =>
      [
        changeText(
          keepKey ? 'The key is in its new place.' : 'The vault has a new key. The recovery phrase from before opens only older copies.',
          change,
        ),
        ...(before !== source && before !== 'beside' && keepKey
          ? [`The place from before (${before}) still holds the key: remove it there.`]
          : []),
      ].join('\n'),
    );
    exit(exitCodes.yes);
  });
}

function recoverCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('recover')
    .description(
      'rebuild the key from the recovery phrase and put it back into its place; nothing is written before it has opened this vault',
    )
    .addOption(withOption('where the key is kept from now on (without it: where it was)'));
  withHelp(command, ['facelatch vault recover', 'facelatch vault recover --with beside < words.txt'], 'the key is back');
  return withCommon(command).action(async (options: VaultOptions) => {
    const { config } = configOf(options);
    const source = options.with ?? notesOf(config).source;
    const phrase = await askSecret({
      prompt: 'The 24 words of the recovery phrase, with spaces between them (they are not shown): ',
      stop,
    });
    const change = await recoverVault(config, phrase, { source, ...(await passphraseFor(source, stop)), by: 'cli' });
    const { phrase: _known, ...told } = change;
    print(
      options,
      told,
      () =>
        `The key of the vault is back. ${placeText(change)}\nA door that runs notices within seconds; a service with a credential: systemctl restart facelatch`,
    );
    exit(exitCodes.yes);
  });
}

function phraseCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('phrase')
    .description('show the recovery phrase of the vault: whoever has it can read every copy of its files. Asks first, and is journalled')
    .option('-y, --yes', 'do not ask');
  withHelp(command, ['facelatch vault phrase'], 'shown', 'not shown: the answer was not yes');
  return withCommon(command).action(async (options: CommonOptions & { readonly yes?: true }) => {
    const { config } = configOf(options);
    notesOf(config);
    if (!options.yes && !(await agrees('Whoever sees the phrase can read every face in every copy of these files. Show it?', stop))) {
      print(options, { shown: false }, () => 'The phrase was not shown.');
      return exit(exitCodes.no);
    }
    const shown = phraseToShow(config, { by: 'cli' });
    print(options, shown, () => [phraseText(shown.phrase), ...unnotedText(shown)].join('\n'));
    exit(exitCodes.yes);
  });
}

function statusCommand(_stop: AbortSignal, exit: Exit): Command {
  const command = new Command('status').description(
    'where the key comes from, what that protects against and what not, and whose keys there are',
  );
  withHelp(command, ['facelatch vault status --json'], 'the vault opens', 'it is locked');
  return withCommon(command).action((options: CommonOptions) => {
    const { config } = configOf(options);
    const notes = notesOf(config);
    const status = { ...statusOf(config, notes), ...sourceWords(notes) };
    print(options, status, () => statusText(status));
    exit('locked' in status ? exitCodes.no : exitCodes.yes);
  });
}

function statusOf(config: Config, { source, sealedWith }: KeyNotes) {
  const locked = vaultLock(config);
  const about = { source, ...(sealedWith === undefined ? {} : { sealedWith }) };
  if (locked) return { ...about, locked: { code: locked.code, message: locked.message } };
  using vault = vaultOf(config);
  const owners = vault.owners();
  const count = (kind: 'person' | 'visitorsOn' | 'model') => owners.filter((owner) => owner !== 'door' && kind in owner).length;
  const keys = { people: count('person'), visitorDays: count('visitorsOn'), models: count('model') };
  return { ...about, epoch: vault.epoch, keys, destroyed: vault.destroyed().length };
}

function statusText(status: ReturnType<typeof statusOf> & ReturnType<typeof sourceWords>): string {
  const rows = [
    ['key', status.where],
    ['protects against', status.protects],
    ['not against', status.not],
  ];
  if ('keys' in status)
    rows.push(
      [
        'keys',
        `${counted(status.keys.people, 'person', 'people')}, ${counted(status.keys.visitorDays, 'day')} of visitors, ${counted(status.keys.models, 'network')}`,
      ],
      ['destroyed', counted(status.destroyed, 'key')],
      ['epoch', String(status.epoch)],
    );
  else rows.push(['LOCKED', status.locked.message]);
  return table(rows);
}

/** What stands in the keyring. Makes nothing. Throws Fault `not-found`. */
function notesOf(config: Config): KeyNotes {
  checkState(config);
  const { keyring } = vaultFiles(config);
  const notes = keyringNotes(keyring);
  if (notes) return notes;
  throw new Fault('not-found', `There is no vault ${keyring} yet: the first start of the door makes it, or "facelatch vault init"`);
}

const changeText = (done: string, change: KeyChange): string => `${done} ${placeText(change)}\n\n${phraseText(change.phrase)}`;

function placeText(change: KeyChange): string {
  const { where, protects, not } = sourceWords(change);
  return [`Its key comes from ${where}.`, `That protects against: ${protects}.`, `Not against: ${not}.`, ...unnotedText(change)].join('\n');
}

const unnotedText = ({ notJournalled }: Pick<KeyChange, 'notJournalled'>): readonly string[] =>
  notJournalled === undefined ? [] : [`The journal has no entry of this: ${notJournalled}`];

const phraseText = (phrase: string): string =>
  `The recovery phrase. Write it on paper and keep it away from the door: it opens every copy of these files, and\nwithout it a lost key is lost with every face.\n\n${phraseLines(phrase)}`;

/** Asked twice on a terminal, because it is not shown. */
async function passphraseFor(source: KeySource, stop: AbortSignal): Promise<{ readonly passphrase?: string }> {
  if (source !== 'passphrase') return {};
  const passphrase = await askSecret({ prompt: 'New passphrase of the vault (it is not shown): ', stop });
  if (!surroundings().stdin.isTTY) return { passphrase };
  if ((await askSecret({ prompt: 'Once more: ', stop })) !== passphrase)
    throw new Fault('bad-argument', 'These were two different passphrases: nothing was changed');
  tell('');
  return { passphrase };
}
