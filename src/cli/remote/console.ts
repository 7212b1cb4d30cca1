/** `facelatch console`: links with which people get accounts in the console, and who has one. */
import { Command } from 'commander';
import { consoleAccounts, consoleAddress, consoleLink, removeConsoleAccount } from '../../adapters/console.ts';
import { Fault } from '../../base/errors.ts';
import { type Role, roles } from '../../command/port.ts';
import { type CommonOptions, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { table } from '../words.ts';

type Exit = (code: number) => void;

export function consoleCommand(_stop: AbortSignal, exit: Exit): Command {
  const command = new Command('console')
    .summary('the web page of this door: links to sign up, and who has an account')
    .description(
      'The running door serves a page for its owners (console.address, console.port). Nobody has a password to begin with: open a link, and choose one or a passkey.',
    );
  withHelp(
    command,
    [
      'facelatch console link                                 for yourself: makes an account that may do everything',
      'facelatch console link --role viewer --name sam        for Sam, who may look only',
      'facelatch console accounts',
      'facelatch console remove sam',
    ],
    'done',
    '(console remove) there is no such account',
  );
  for (const sub of [linkCommand, accountsCommand, removeCommand]) command.addCommand(sub(exit));
  return command;
}

function linkCommand(exit: Exit): Command {
  const command = new Command('link')
    .description('print a link that makes one account, once, within an hour')
    .option('--role <role>', `what the account may do: ${roles.join(', ')}`, 'admin')
    .option('--name <name>', 'the only name that may be chosen');
  withHelp(command, ['facelatch console link', 'facelatch console link --role operator --name ada'], 'made');
  return withCommon(command).action((options: CommonOptions & { readonly role: string; readonly name?: string }) => {
    const { config } = configOf(options);
    if (!config.console.enabled) throw new Fault('bad-argument', 'There is no console: console.enabled is false');
    const role = roleOf(options.role);
    const link = consoleLink(config, { role, by: 'cli', ...(options.name === undefined ? {} : { name: options.name }) });
    print(options, { link, role }, () => link);
    exit(exitCodes.yes);
  });
}

function roleOf(text: string): Role {
  const role = roles.find((each) => each === text);
  if (!role) throw new Fault('bad-argument', `--role takes ${roles.join(', ')}, not "${text}"`);
  return role;
}

function accountsCommand(exit: Exit): Command {
  const command = new Command('accounts').description('list who has an account in the console');
  withHelp(command, ['facelatch console accounts'], 'listed');
  return withCommon(command).action((options: CommonOptions) => {
    const { config } = configOf(options);
    using accounts = consoleAccounts(config);
    const listed = accounts.list();
    print(options, { address: consoleAddress(config), accounts: listed }, () =>
      listed.length === 0
        ? 'nobody has an account yet; run: facelatch console link'
        : table(listed.map(({ name, role, createdAt }) => [name, role, createdAt])),
    );
    exit(exitCodes.yes);
  });
}

function removeCommand(exit: Exit): Command {
  const command = new Command('remove')
    .argument('<name>', 'whose account')
    .description('remove an account; who is signed in with it is signed out');
  withHelp(command, ['facelatch console remove sam'], 'removed', 'there is no such account');
  return withCommon(command).action((name: string, options: CommonOptions) => {
    const isThere = removeConsoleAccount(configOf(options).config, name);
    print(options, { removed: isThere }, () => (isThere ? `${name} has no account any more` : `nobody has an account of the name ${name}`));
    exit(isThere ? exitCodes.yes : exitCodes.no);
  });
}
