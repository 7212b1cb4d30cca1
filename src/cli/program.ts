/**
 * The whole command line: the stop signal and a function for exit codes in; the program with all its commands out.
 * Nothing runs yet.
 */
import { Command, type OutputConfiguration } from 'commander';
import { shownText } from '../base/path.ts';
import { version } from '../base/version.ts';
import { benchCommand } from './door/bench.ts';
import { cameraCommand } from './door/camera.ts';
import { configCommand } from './door/config.ts';
import { doctorCommand } from './door/doctor.ts';
import { homeAssistantCommand } from './door/home-assistant.ts';
import { installCommand, uninstallCommand } from './door/install.ts';
import { relayCommand } from './door/relay.ts';
import { runCommand } from './door/run.ts';
import { strictnessCommand } from './door/strictness.ts';
import { journalCommand } from './journal/journal.ts';
import { modelsCommand } from './networks/models.ts';
import { retrainCommand } from './networks/retrain.ts';
import { trainerCommand } from './networks/trainer.ts';
import { compareCommand } from './people/compare.ts';
import { enrolCommand } from './people/enrol.ts';
import { identifyCommand } from './people/identify.ts';
import { peopleCommand } from './people/people.ts';
import { verifyCommand } from './people/verify.ts';
import { keyCommand } from './remote/key.ts';
import { listenCommand } from './remote/listen.ts';
import { sendCommand } from './remote/send.ts';
import { evaluateCommand } from './training/evaluate.ts';
import { experimentCommand } from './training/experiment.ts';
import { trainCommand } from './training/train.ts';
import { tuneCommand } from './training/tune.ts';

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

const commands = [
  runCommand,
  enrolCommand,
  peopleCommand,
  verifyCommand,
  identifyCommand,
  compareCommand,
  evaluateCommand,
  journalCommand,
  doctorCommand,
  cameraCommand,
  strictnessCommand,
  configCommand,
  modelsCommand,
  keyCommand,
  sendCommand,
  listenCommand,
  homeAssistantCommand,
  benchCommand,
  trainCommand,
  trainerCommand,
  retrainCommand,
  tuneCommand,
  experimentCommand,
  relayCommand,
  installCommand,
  uninstallCommand,
];

export function buildProgram({ stop, json, exit }: ProgramOptions): Command {
  const program = new Command('facelatch')
    .description('Opens a door for the faces it knows.')
    .version(version)
    .showHelpAfterError(helpAfterError)
    // `train verify … --json`: what stands after a subcommand is that subcommand's.
    .enablePositionalOptions()
    .configureOutput(shown)
    .addHelpText('after', firstSteps)
    .exitOverride();
  for (const command of commands) program.addCommand(inherit(command(stop, exit), json));
  return program;
}

/** commander's messages repeat what was typed, or what a script took from a file. */
const shown: OutputConfiguration = { outputError: (text, out) => out(shownText(text)) };

/**
 * commander passes settings on only to commands made by .command(). Without this, a slip in `people show` would exit
 * with another code.
 */
function inherit(command: Command, json: boolean): Command {
  command.exitOverride().showHelpAfterError(helpAfterError);
  command.configureOutput(shown);
  if (json) command.showHelpAfterError(false).configureOutput({ outputError: () => undefined }); // the caller shows it as JSON
  for (const each of command.commands) inherit(each, json);
  return command;
}
