/**
 * `facelatch relay safe` without the rest of the program, which takes longer to load than a door may stay open. An
 * entry like main.ts.
 */
import { CommanderError } from 'commander';
import { Fault } from './base/errors.ts';
import { exitCodeOf, exitCodes, reportFault } from './cli/context.ts';
import { safeCommand } from './cli/door/relay-safe.ts';

const json = process.argv.includes('--json');
const command = safeCommand((code) => {
  process.exitCode = code;
});
command.name('facelatch relay safe').exitOverride();
if (json) command.showHelpAfterError(false).configureOutput({ outputError: () => undefined }); // told below, as JSON
try {
  await command.parseAsync(process.argv.slice(4), { from: 'user' });
} catch (error) {
  if (!(error instanceof CommanderError)) {
    reportFault(error, json);
    process.exitCode = exitCodeOf(error);
  } else {
    process.exitCode = error.exitCode === 0 ? exitCodes.yes : exitCodes.usage;
    if (json && error.exitCode !== 0) reportFault(new Fault('bad-argument', error.message.replace(/^error: /, '')), json);
  }
}
