/**
 * Why the door stayed shut, as exact as the door's own sentence. In: the reason and the sentence of an event, which is
 * English. Out: the text that says the same in the reader's language, with its values. Pure.
 */

/** @type {readonly (readonly [string, RegExp])[]} By the text that says the same; groups are its values. */
const sentences = [
  ['votes', /^(?<votes>\d+) of (?<needed>\d+) frames agreed$/],
  ['nobody-alike', /^no enrolled person is similar enough$/],
  ['several-faces', /^several faces in front of the camera$/],
  ['two-people', /^it could be more than one person$/],
  ['covered', /^too little of the face can be told: /],
  ['quality', /^the face was (?<quality>[a-z-]+)$/],
  ['dark', /^too little light on the face$/],
  ['old', /^(?:frames older than|decided) (?<ms>\d+) ms(?: after the frame)?$/],
  ['disarmed', /^face opening is switched off$/],
  ['locked-out', /^too many failed attempts$/],
  ['locked-out-all', /^too many failed attempts in all: /],
  ['locked-out-face', /^too many failed attempts of a face like this one$/],
  ['no-pin-in-time', /^the PIN was not entered in time$/],
  ['nobody-in-time', /^no second person came in time$/],
  ['disabled', /^this person is switched off$/],
  ['used-up', /^let in (?<uses>\d+) times, as often as allowed$/],
  ['inside', /^came in before and has not left$/],
  ['from', /^valid from (?<time>\S+)$/],
  ['until', /^was valid until (?<time>\S+)$/],
  ['no-schedule', /^there is no schedule "(?<schedule>.*)" \(access\.schedules\)$/],
  ['schedule', /^not within the schedule "(?<schedule>.*)"$/],
  ['not-now', /^not at this time$/],
  ['groups', /^in none of the groups that this door lets in \((?<groups>.*)\)$/],
  ['clock', /^the wall clock may be wrong, /],
  ['tampered', /^the tamper switch blocks (?:opening by face|remote opening)$/],
  ['journal-full', /^the journal cannot be written$/],
  ['journal-unread', /^the journal cannot be read, /],
  ['people-unread', /^the people cannot be read$/],
  ['people-renewed', /^templates of (?<people>\d+) (?:person|people) are being made again$/],
  ['vault', /^the vault is locked, so nobody is recognised$/],
  ['not-alive', /^this is not taken for a living face$/],
  ['challenge-missed', /^the challenge was not answered /],
  ['alive-pin-late', /^it could not be told whether this is a living face, and the PIN was not entered in time$/],
  ['alive-unchecked', /^liveness could not be checked: /],
  ['alive-cut-off', /^the picture cuts the face off: /],
  ['alive-small', /^the face is too small to be checked: /],
  ['alive-poor', /^the face could not be seen well enough: /],
  ['alive-short', /^the face was not seen for long enough: /],
  ['alive-infrared', /^the infrared camera did not see the face: /],
  ['alive-still', /^the face did not move: /],
  ['alive-unsure', /^it could not be told whether this is a living face: /],
  ['alive-no-pin', /^(?:liveness could not be checked|it could not be told whether this is a living face), and this person has no PIN: /],
  ['pin-whose', /^say whose PIN it is /],
  ['pin-shared', /^more than one person has this PIN: /],
  ['pin-unknown', /^no such PIN$/],
  ['pin-no-emergency', /^the vault is locked, and this is not the emergency PIN$/],
  ['asked-often', /^asked too often: wait (?<seconds>\d+) s$/],
];

/**
 * @param {unknown} detail the door's sentence
 * @returns {{ key: string, values: Readonly<Record<string, string>> } | undefined} undefined for one that is not known
 */
export function whyOf(detail) {
  if (typeof detail !== 'string') return undefined;
  for (const [key, form] of sentences) {
    const found = form.exec(detail);
    if (found) return { key: `why.${key}`, values: { ...found.groups } };
  }
  return undefined;
}
