/** @type {Readonly<Record<string, string>>} */
export const app = {
  'app.loading': 'Loading…',
  'app.lost': 'The connection to the door is lost. It comes back by itself.',
  'app.navigation': 'Views',
  'app.offline': 'The door does not answer. Trying again…',
  'app.skip': 'Skip to the content',
  'error.failed': 'That did not work. Try again; the log of the door says why.',
  'error.offline': 'The door does not answer. Check the connection, and try again.',
  'nav.account': 'Account',
  'nav.learning': 'Learning',
  'nav.live': 'Live',
  'nav.people': 'People',
  'nav.system': 'System',
  'nav.timeline': 'Timeline',
};
