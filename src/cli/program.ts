/**
 * The command line: its commands, the stop signal and a function for exit codes in; the program out. Nothing runs yet.
 */
import { Command, type OutputConfiguration } from 'commander';
import { shownText } from '../base/path.ts';
import { version } from '../base/version.ts';
import { type CommonOptions, configOf } from './context.ts';
import { askSecret } from './secret-prompt.ts';
import { type OutStream, surroundings } from './surroundings.ts';

const helpAfterError = '(--help after a command shows its options and examples; facelatch --help shows every command)';

const firstSteps = `
First steps:
  npm start                                   the demo: a door with people who do not exist
  facelatch doctor --set camera.device=NAME   is everything there that a door needs?
  facelatch enrol Ada --camera                take five pictures of Ada with the door's camera
  facelatch run --config my-door.json         guard the door
In a clone, write "npx facelatch" for "facelatch".

Exit codes: 0 yes or done · 1 the answer is no · 2 wrong command, input or configuration · 3 something outside failed · 130 stopped`;

export interface ProgramOptions {
  /** Aborted when the user asks the command to stop. */
  readonly stop: AbortSignal;
  /** Whether faults of the command line itself are told as JSON by the caller. */
  readonly json: boolean;
  readonly exit: (code: number) => void;
}

/** Makes a command, not yet as part of the program. */
export type MakeCommand = (stop: AbortSignal, exit: (code: number) => void) => Command;

export function buildProgram({ stop, json, exit }: ProgramOptions, commands: readonly MakeCommand[]): Command {
  const program = new Command('facelatch')
    .description('Opens a door for the faces it knows.')
    .version(version)
    // `train verify … --json`: what stands after a subcommand is that subcommand's.
    .enablePositionalOptions()
    .addHelpText('after', firstSteps);
  program.hook('preAction', async (_program, command) => {
    const options: CommonOptions = command.opts();
    if (options.unlock) await unlockFirst(options, stop);
  });
  for (const command of commands) program.addCommand(command(stop, exit));
  return inherit(program, json);
}

/** The rest of the command finds the vault open. Loaded only then: it takes longer than most commands. */
async function unlockFirst(options: CommonOptions, stop: AbortSignal): Promise<void> {
  const { config } = configOf(options);
  const { unlockVault } = await import('../adapters/vault.ts');
  await unlockVault(config, await askSecret({ prompt: 'Passphrase of the vault, or its 24 words (not shown): ', stop }));
}

const shown: OutputConfiguration = {
  writeOut: (text) => surroundings().stdout.write(text),
  writeErr: (text) => surroundings().stderr.write(text),
  getOutHelpWidth: () => helpWidth(surroundings().stdout),
  getErrHelpWidth: () => helpWidth(surroundings().stderr),
  // Its messages repeat what was typed, or what a script took from a file.
  outputError: (text, out) => out(shownText(text)),
};

/** commander takes 80 columns where it is not told. */
const helpWidth = ({ isTTY, columns }: OutStream): number => (isTTY && columns) || 80;

/**
 * commander passes settings on only to commands made by .command(). Without this, a slip in `people show` would exit
 * with another code.
 */
function inherit(command: Command, json: boolean): Command {
  command.exitOverride().showHelpAfterError(helpAfterError).configureOutput(shown);
  if (json) command.showHelpAfterError(false).configureOutput({ outputError: () => undefined }); // the caller shows it as JSON
  for (const each of command.commands) inherit(each, json);
  return command;
}
