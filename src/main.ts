/** The command line: arguments and signals in, exit code out. Of the commands, only this file touches the process. */
import { exitCodes } from './cli/context.ts';
import { runProgram } from './cli/run-program.ts';

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

await runProgram(process.argv.slice(2), {
  stop: stop.signal,
  exit: (code) => {
    process.exitCode = code;
  },
});
