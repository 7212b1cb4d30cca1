/** @type {Readonly<Record<string, string>>} */
export const app = {
  'app.loading': 'Wird geladen…',
  'app.lost': 'Die Verbindung zur Tür ist unterbrochen. Sie kommt von selbst wieder.',
  'app.navigation': 'Ansichten',
  'app.offline': 'Die Tür antwortet nicht. Neuer Versuch…',
  'app.skip': 'Zum Inhalt springen',
  'error.failed': 'Das ging nicht. Versuchen Sie es noch einmal; das Protokoll der Tür sagt, warum.',
  'error.offline': 'Die Tür antwortet nicht. Prüfen Sie die Verbindung, und versuchen Sie es noch einmal.',
  'nav.account': 'Konto',
  'nav.learning': 'Lernen',
  'nav.live': 'Live',
  'nav.people': 'Personen',
  'nav.system': 'System',
  'nav.timeline': 'Verlauf',
};
