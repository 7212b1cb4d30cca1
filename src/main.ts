/** The command line: arguments and signals in, exit code out. Nothing else touches the process. */
import { Command, CommanderError } from 'commander';
import { Fault } from './base/errors.ts';
import { version } from './base/version.ts';
import { exitCodeOf, exitCodes, isStopped, reportFault, tell } from './cli/context.ts';
import { benchCommand } from './cli/door/bench.ts';
import { configCommand } from './cli/door/config.ts';
import { doctorCommand } from './cli/door/doctor.ts';
import { homeAssistantCommand } from './cli/door/home-assistant.ts';
import { installCommand, uninstallCommand } from './cli/door/install.ts';
import { relayCommand } from './cli/door/relay.ts';
import { runCommand } from './cli/door/run.ts';
import { journalCommand } from './cli/journal/journal.ts';
import { modelsCommand } from './cli/networks/models.ts';
import { retrainCommand } from './cli/networks/retrain.ts';
import { trainerCommand } from './cli/networks/trainer.ts';
import { compareCommand } from './cli/people/compare.ts';
import { enrolCommand } from './cli/people/enrol.ts';
import { identifyCommand } from './cli/people/identify.ts';
import { peopleCommand } from './cli/people/people.ts';
import { verifyCommand } from './cli/people/verify.ts';
import { keyCommand } from './cli/remote/key.ts';
import { sendCommand } from './cli/remote/send.ts';
import { evaluateCommand } from './cli/training/evaluate.ts';
import { experimentCommand } from './cli/training/experiment.ts';
import { trainCommand } from './cli/training/train.ts';
import { tuneCommand } from './cli/training/tune.ts';

const stop = new AbortController();
/** One Ctrl-C reaches us more than once under npm and npx, which pass on what the terminal sent to us too. Milliseconds. */
const oneSignalMs = 500;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
for (const signal of signals) {
  process.on(signal, () => {
    stop.abort(new Error(signal));
    // Asked again, it ends at once and by the signal itself: process.exit() would tear down networks that still compute, and abort with a core.
    setTimeout(() => signals.forEach((each) => void process.removeAllListeners(each)), oneSignalMs).unref();
  });
}
// A reader that goes away (`facelatch journal | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? exitCodes.yes : exitCodes.fault));

const helpAfterError = '(--help after a command shows its options and examples; facelatch --help shows every command)';

const json = process.argv.includes('--json');

const program = new Command('facelatch')
  .description('Opens a door for the faces it knows.')
  .version(version)
  .showHelpAfterError(helpAfterError)
  // `train verify … --json`: what stands after a subcommand is that subcommand's.
  .enablePositionalOptions()
  .addHelpText(
    'after',
    `
First steps:
  npm start                                   the demo: a door with people who do not exist
  facelatch doctor --set camera.device=NAME   is everything there that a door needs?
  facelatch enrol Ada --camera                take five pictures of Ada with the door's camera
  facelatch run --config my-door.json         guard the door

Exit codes: 0 yes or done · 1 the answer is no · 2 wrong command, input or configuration · 3 something outside failed · 130 stopped`,
  )
  .exitOverride();

/** commander hands settings down only to commands made by .command(); without this a slip in `people show` would exit with its own code. */
function inherit(command: Command): Command {
  command.exitOverride().showHelpAfterError(helpAfterError);
  if (json) command.showHelpAfterError(false).configureOutput({ outputError: () => undefined }); // told below, as JSON
  command.commands.forEach(inherit);
  return command;
}

for (const command of [
  runCommand,
  enrolCommand,
  peopleCommand,
  verifyCommand,
  identifyCommand,
  compareCommand,
  evaluateCommand,
  journalCommand,
  doctorCommand,
  configCommand,
  modelsCommand,
  keyCommand,
  sendCommand,
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
]) {
  const built = command(stop.signal, (code) => {
    process.exitCode = code;
  });
  program.addCommand(inherit(built));
}

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCodes.yes : exitCodes.usage;
    if (json && error.exitCode !== 0) reportFault(new Fault('bad-argument', error.message.replace(/^error: /, '')), json);
  } else if (isStopped(error, stop.signal)) {
    tell('facelatch: stopped; what was not finished was left undone');
    process.exitCode = exitCodes.stopped;
  } else {
    reportFault(error, json);
    process.exitCode = exitCodeOf(error);
  }
}
