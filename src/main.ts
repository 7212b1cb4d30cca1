/** The command line: arguments and signals in, exit code out. Nothing else touches the process. */
import { CommanderError } from 'commander';
import { Fault } from './base/errors.ts';
import { allCommands, commandsByName } from './cli/commands.ts';
import { exitCodeOf, exitCodes, isStopped, reportFault, tell } from './cli/context.ts';
import { buildProgram } from './cli/program.ts';

const stop = new AbortController();
/** Under npm and npx one Ctrl-C arrives more than once: from the terminal, and passed on. Milliseconds. */
const oneSignalMs = 500;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
for (const signal of signals) {
  process.on(signal, () => {
    stop.abort(new Error(signal));
    // A second signal ends the process at once. process.exit() would tear down networks that still compute, and dump
    // core.
    setTimeout(() => signals.forEach((each) => void process.removeAllListeners(each)), oneSignalMs).unref();
  });
}
// A reader that goes away (`facelatch journal | head`) is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? exitCodes.yes : exitCodes.fault));

const json = process.argv.includes('--json');
const exit = (code: number) => {
  process.exitCode = code;
};
// A door runs for months and needs no other command: they and what they import take 15 MB and 0.2 s (measured).
const asked = commandsByName.get(process.argv[2] ?? '');
const commands = asked ? [await asked()] : await allCommands();
const program = buildProgram({ stop: stop.signal, json, exit }, commands);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCodes.yes : exitCodes.usage;
    if (json && error.exitCode !== 0) reportFault(new Fault('bad-argument', error.message.replace(/^error: /, '')), json);
  } else if (isStopped(error, stop.signal)) {
    tell('facelatch: stopped before it was finished');
    process.exitCode = exitCodes.stopped;
  } else {
    reportFault(error, json);
    process.exitCode = exitCodeOf(error);
  }
}
