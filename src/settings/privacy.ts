/** Settings of consent, and of how long personal data is kept. */
import { choice, whole } from './kinds.ts';

export const privacy = {
  consent: choice(
    'Whether people are enrolled without a record of their consent. `required`: `facelatch enrol` needs `--consent VERSION`, and the command `enrol.start` the field `consent` (docs/operate/privacy.md).',
    'off',
    ['off', 'required'],
  ),
  consentDays: whole(
    'Days to keep the record of a consent after the person was removed. It proves that there was a consent, and holds no name.',
    1095,
    0,
    36_500,
  ),
};
