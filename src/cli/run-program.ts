/** One command: its arguments and a stop signal in; what it writes, and its exit code, out. */
import { CommanderError } from 'commander';
import { Fault } from '../base/errors.ts';
import { allCommands, commandsByName } from './commands.ts';
import { exitCodeOf, exitCodes, isStopped, reportFault, tell } from './context.ts';
import { buildProgram, type ProgramOptions } from './program.ts';

/** Runs one command to its end. `args`: what stands after the name of the program. `exit` is told the exit code. */
export async function runProgram(args: readonly string[], { stop, exit }: Pick<ProgramOptions, 'stop' | 'exit'>): Promise<void> {
  const json = args.includes('--json');
  // A door runs for months and needs no other command: they and what they import take 15 MB and 0.2 s (measured).
  const asked = commandsByName.get(args[0] ?? '');
  const commands = asked ? [await asked()] : await allCommands();
  try {
    await buildProgram({ stop, json, exit }, commands).parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      exit(error.exitCode === 0 ? exitCodes.yes : exitCodes.usage);
      if (json && error.exitCode !== 0) reportFault(new Fault('bad-argument', error.message.replace(/^error: /, '')), json);
    } else if (isStopped(error, stop)) {
      tell('facelatch: stopped before it was finished');
      exit(exitCodes.stopped);
    } else {
      reportFault(error, json);
      exit(exitCodeOf(error));
    }
  }
}
