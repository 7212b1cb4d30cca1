/** English. Keys are sorted by the view that shows them. @type {Readonly<Record<string, string>>} */
export const en = {
  'app.loading': 'Loading…',
  'app.lost': 'The connection to the door is lost. It comes back by itself.',
  'app.navigation': 'Views',
  'app.offline': 'The door does not answer. Trying again…',
  'app.skip': 'Skip to the content',
  'nav.account': 'Account',
  'nav.learning': 'Learning',
  'nav.live': 'Live',
  'nav.people': 'People',
  'nav.system': 'System',
  'nav.timeline': 'Timeline',
  'sign-in.title': 'Sign in',
};
