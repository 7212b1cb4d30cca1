/** @type {Readonly<Record<string, string>>} */
export const outcome = {
  'outcome.asked': 'Jemand hat es verlangt.',
  'outcome.cancelled': 'Abgebrochen von {by}.',
  'outcome.confusable': 'Es würde diese Personen verwechseln, das Netz in Gebrauch nicht: {pairs}.',
  'outcome.confusable-more': 'Es würde diese Personen verwechseln, das Netz in Gebrauch nicht: {pairs} und {more} weitere Paare.',
  'outcome.differed': '{differed} von {decisions} Entscheidungen waren andere als die des vorigen Netzes.',
  'outcome.enrol-more': 'Mehr Personen aufnehmen, jede mit drei oder mehr Bildern.',
  'outcome.few-templates': 'Nur {made} von {all} Vorlagen lassen sich damit erstellen.',
  'outcome.figures':
    'Es verkennt {after} % der Personen, die es kennen müsste, das Netz in Gebrauch {before} %, auf {pictures} Bildern von {people} Personen, die kein Training sieht. Der Unterschied beträgt {difference} Punkte (95 %: {low} bis {high}; obere Grenze {upper}, erlaubt ist höchstens {most}), bei derselben Rate falscher Zulassungen über {impostors} Vergleiche.',
  'outcome.forced': 'Gegen den Vergleich verwendet.',
  'outcome.forced-unmeasured': 'Ohne Messung verwendet.',
  'outcome.guards-already': 'Es bewacht die Tür bereits.',
  'outcome.no-gain': 'Kein Gewinn, also bleibt das Netz in Gebrauch.',
  'outcome.nothing-trained': 'Es wurde nichts trainiert, weil ein neues Netz nicht gemessen werden könnte.',
  'outcome.on-cohort':
    'Bei den mitgelieferten Fremden verkennt es {after} %, das Netz in Gebrauch {before} % (Unterschied, 95 %: {low} bis {high} Punkte).',
  'outcome.other-base': 'Es wurde aus einem anderen Netz trainiert als dem, das face.embedder jetzt nennt.',
  'outcome.too-few':
    'Es gibt {pictures} Bilder von {people} Personen, die kein Training sieht. Für einen Vergleich braucht es mindestens {leastPictures} Bilder von {leastPeople} Personen.',
  'outcome.two-names': 'Es hielt ein Gesicht für eine Person, das vorige Netz für eine andere.',
  'outcome.worse-on-cohort': 'Es ist schlechter bei den mitgelieferten Fremden.',
};
