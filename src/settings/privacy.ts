/** Settings of consent, and of how long personal data is kept. */
import { choice, flag, whole } from './kinds.ts';

export const privacy = {
  consent: choice(
    'Whether people are enrolled without a record of their consent. `required`: `facelatch enrol` needs `--consent VERSION`, and the command `enrol.start` the field `consent` (docs/operate/privacy.md).',
    'off',
    ['off', 'required'],
  ),
  templatesOnly: flag(
    'Keep no pictures of enrolment, only the templates made from them. After a change of the network that makes templates everybody must be enrolled again, and nothing can be learned from enrolment pictures. Pictures from before stay until `facelatch people drop-pictures`.',
    false,
  ),
  consentDays: whole(
    'Days to keep the record of a consent after the person was removed. It proves that there was a consent, and holds no name.',
    1095,
    0,
    36_500,
  ),
  knownDays: whole(
    'Days to keep what an attempt of an enrolled person leaves besides its journal entry, unless it was confirmed: what the liveness networks said of it. Its pictures follow `retrain.keepGrantsDays`.',
    7,
    1,
    3650,
  ),
  unknownDays: whole(
    'Days after which only the day is kept of an attempt of somebody unknown, in what the threshold is measured by (a day and one number). Pictures follow `retrain.keepUnknownsDays`.',
    1,
    1,
    90,
  ),
  journalDays: whole(
    'Days to keep entries of the journal. Older ones are removed, and a place that the door signs stands for them. 0: keep all.',
    0,
    0,
    36_500,
  ),
  unusedDays: whole(
    'Days without a use after which a person is told to be unused (event `person.unused`). 0: never. The journal must reach back this far.',
    0,
    0,
    36_500,
  ),
  unusedNoticeDays: whole('Days from that event to what `privacy.unusedThen` says. A use in between ends it.', 14, 0, 3650),
  unusedThen: choice('What becomes of people who stay unused: `disable` (recognised, not let in) or `remove` (for good).', 'disable', [
    'disable',
    'remove',
  ]),
  diskMb: whole(
    'Most space that the state folder may use. Beyond it the oldest kept pictures go that nobody marked, then the oldest entries of the journal, never those of the last seven days; people never. 0: no limit. MiB.',
    0,
    0,
    10_000_000,
  ),
};
