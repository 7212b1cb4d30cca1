/** `facelatch vault pin`: the one PIN that opens the door while its vault is locked. */
import { Command } from 'commander';
import { wrongEmergencyPin } from '../../access/emergency-pin.ts';
import { removeEmergencyPin, setEmergencyPin } from '../../adapters/vouched/emergency-pin.ts';
import { Fault } from '../../base/errors.ts';
import { type CommonOptions, checkState, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { askSecret } from '../secret-prompt.ts';
import { surroundings } from '../surroundings.ts';

export function emergencyPinCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('pin')
    .description(
      'set the emergency PIN, 8 to 12 digits: it opens the door while the vault is locked, when no other PIN does, and never else. Typed at the prompt (it is not ' +
        'shown), or one line on standard input. Only its hash is stored, outside of the vault: whoever takes the card can guess at it, so take 12 digits that stand ' +
        'for nothing else',
    )
    .option('--remove', 'remove it: while the vault is locked no PIN opens');
  withHelp(
    command,
    ['facelatch vault pin', 'facelatch vault pin < pin.txt            in a script', 'facelatch vault pin --remove'],
    'done',
    '(--remove) there is none',
  );
  return withCommon(command).action(async (options: CommonOptions & { readonly remove?: true }) => {
    const { config } = configOf(options);
    checkState(config);
    if (options.remove) {
      const removed = removeEmergencyPin(config, 'cli');
      print(options, { removed }, () => (removed ? 'While the vault is locked no PIN opens.' : 'There is no emergency PIN.'));
      return exit(removed ? exitCodes.yes : exitCodes.no);
    }
    await setEmergencyPin(config, await askPin(stop), 'cli');
    print(options, { set: true }, () => 'The emergency PIN is set. It opens the door while the vault is locked, and never else.');
    exit(exitCodes.yes);
  });
}

/** Asked twice on a terminal, because it is not shown. */
async function askPin(stop: AbortSignal): Promise<string> {
  const pin = (await askSecret({ prompt: 'Emergency PIN (8 to 12 digits, not shown): ', stop })).trim();
  const wrong = wrongEmergencyPin(pin);
  if (wrong !== undefined) throw new Fault('bad-argument', `${wrong}. Nothing was stored`);
  if (surroundings().stdin.isTTY && (await askSecret({ prompt: 'Once more: ', stop })).trim() !== pin)
    throw new Fault('bad-argument', 'These were two different PINs: nothing was stored');
  return pin;
}
