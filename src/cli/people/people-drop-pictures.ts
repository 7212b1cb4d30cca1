/** `facelatch people drop-pictures`: forgets enrolment pictures for good, and keeps the templates made from them. */
import { Command } from 'commander';
import { agrees } from '../agrees.ts';
import { type CommonOptions, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { counted } from '../words.ts';
import { changeStored } from './opened.ts';

export function dropPicturesCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('drop-pictures')
    .description(
      'delete the enrolment pictures of everybody for good, and keep the templates made from them (privacy.templatesOnly does so for new ones). After a change of the network that makes templates, everybody must be enrolled again',
    )
    .option('-y, --yes', 'do not ask');
  withHelp(command, ['facelatch people drop-pictures'], 'deleted', 'not deleted: the answer was not yes');
  return withCommon(command).action(async (options: CommonOptions & { readonly yes?: boolean }) => {
    using open = changeStored(options);
    if (!options.yes && !(await agrees('Delete the enrolment pictures of everybody for good?', stop))) {
      print(options, { dropped: 0 }, () => 'nothing was deleted');
      return exit(exitCodes.no);
    }
    const dropped = open.gallery.dropPictures();
    print(options, { dropped, stale: open.gallery.stale }, () =>
      [
        `${counted(dropped, 'picture')} deleted, their templates kept`,
        ...(open.gallery.stale > 0 ? ['those without a template of the network in use stay: see "facelatch people reembed"'] : []),
      ].join('\n'),
    );
    exit(exitCodes.yes);
  });
}
