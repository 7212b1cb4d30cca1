/** The sentence to show for what went wrong: the door's own where it said one. */
import { outcomeOf } from './learning/outcome.js';
import { has, t } from './words.js';

/** @param {any} error */
export const said = (error) => {
  if (error?.message) return error.message;
  return has(`error.${error?.code}`) ? t(`error.${error.code}`) : t('error.failed');
};

/** The same for whoever was to use a passkey (Web Authentication, section 14.5.1: `NotAllowedError`). @param {any} error */
export const saidOfPasskey = (error) => (error?.name === 'NotAllowedError' ? t('sign-in.passkey-ended') : said(error));

/** What came of a training or a promotion. @param {any} detail the door's sentence, which stays as it is where it is not known */
export const outcomeText = (detail) =>
  outcomeOf(detail)
    ?.map(({ key, values }) => t(key, values))
    .join(' ') ?? detail;
