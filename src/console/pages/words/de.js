/** German. @type {Readonly<Record<string, string>>} */
export const de = {
  'app.loading': 'Wird geladen…',
  'app.lost': 'Die Verbindung zur Tür ist unterbrochen. Sie kommt von selbst wieder.',
  'app.navigation': 'Ansichten',
  'app.offline': 'Die Tür antwortet nicht. Neuer Versuch…',
  'app.skip': 'Zum Inhalt springen',
  'nav.account': 'Konto',
  'nav.learning': 'Lernen',
  'nav.live': 'Live',
  'nav.people': 'Personen',
  'nav.system': 'System',
  'nav.timeline': 'Verlauf',
  'sign-in.title': 'Anmelden',
};
