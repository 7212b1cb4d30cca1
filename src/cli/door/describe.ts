/** A journal event in one line that people read. */
import type { ChallengeKind, Event, EventKind, LikenessBand, LivenessNote, Region, Requester, ThresholdNote } from '../../events.ts';
import { type Bar, likenessText } from '../likeness-words.ts';
import { counted, people, searchedText } from '../words.ts';

/** What a description needs besides the event. */
export interface DescribedWith {
  /** Turns a person id into the name to show. */
  readonly nameOf: (personId: string) => string;
  /** The threshold at the time, for events that do not note it; without it they show no likeness. */
  readonly threshold?: Bar | undefined;
  /** Of an entry that left its door: that tells a band in place of the exact likeness. */
  readonly band?: LikenessBand | undefined;
}

const bandTexts: Readonly<Record<LikenessBand, string>> = {
  'far-below': 'far below the threshold',
  below: 'below the threshold',
  near: 'near the threshold',
  'at-or-above': 'at or above the threshold',
};

type Words = { readonly [K in EventKind]: (event: Extract<Event, { readonly kind: K }>, context: DescribedWith) => string };

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const short = (bundle: string): string => bundle.slice(0, 12);
const visitText = (visit: number | undefined): string => (visit === undefined ? '' : ` · visit ${visit}`);
const byText = (by: string | undefined): string => (by === undefined ? '' : ` by ${by}`);

const who = (by: Requester): string => {
  if (by.kind === 'operator') return `${by.name} (${by.via})`;
  return by.kind === 'exit-button' ? 'the exit button' : `a keypad (${by.via})`;
};

const asked: Readonly<Record<Extract<Event, { kind: 'request.granted' }>['what'], string>> = {
  open: 'OPEN',
  hold: 'HELD OPEN',
  release: 'hold ended',
  arm: 'armed: faces may open',
  disarm: 'disarmed: no face opens',
  'lockout-reset': 'lock-out ended',
};

/** Whom a face that was not let in resembles, and how far it is from the threshold. */
function resembling(
  { reason, likeness, bestPersonId }: Extract<Event, { kind: 'access.denied' }>,
  { nameOf, threshold, band }: DescribedWith,
): string {
  if (band) return `, likeness ${bandTexts[band]}`;
  const to = bestPersonId === undefined ? '' : ` (${nameOf(bestPersonId)})`;
  if (!likeness || !threshold) return to;
  // The threshold may have moved since: an unknown face was below it then.
  const unknown = reason === 'unknown' && threshold.policy !== 'paper';
  const logit = unknown ? Math.min(likeness.logit, threshold.logit - 1e-9) : likeness.logit;
  return `, likeness ${likenessText({ ...likeness, logit }, threshold)}${to}`;
}

const placeText = ({ left, top, width, height }: Region) =>
  `at ${Math.round(100 * (left + width / 2))} % of the picture's width and ${Math.round(100 * (top + height / 2))} % of its height`;

const movedBy = (layers: ThresholdNote['layers'], behind: number, visits: number): string =>
  layers?.includes('door') ? `, by this door's own ${people(behind)} and ${counted(visits, 'unknown visitor')}` : '';

const challengeTexts: Readonly<Record<ChallengeKind, string>> = {
  'turn-left': 'turn the head to the left and back',
  'turn-right': 'turn the head to the right and back',
  'look-up': 'look up and back',
  'look-down': 'look down and back',
  closer: 'come closer',
  blink: 'close the eyes',
  light: 'look at the light',
};
const refusedRow = {
  'not-ours': 'was not written by this door and does not count',
  'no-key': 'has no key in the vault and does not count',
  damaged: 'is damaged, or was put there by somebody else, and does not count',
  removed: 'was left of a removal and is deleted',
} as const;

const timesText = (times: number | undefined): string => (times === undefined ? '' : ` ${counted(times, 'time')}`);

/** Only what is not as usual. */
function livenessText(note: LivenessNote | undefined): string {
  if (!note || (note.verdict === 'live' && !note.proof)) return '';
  const proof = note.proof && { challenge: ', challenge answered', pin: ', with a PIN' }[note.proof];
  const reason = note.spoof ?? (note.why === note.verdict ? undefined : note.why);
  return `, liveness ${note.verdict}${reason ? ` (${reason})` : ''}${proof ?? ''}`;
}

const words: Words = {
  'access.granted': ({ personId, votes, likeness, threshold, ageMs, liveness, visit }, { nameOf, band }) =>
    `OPEN for ${nameOf(personId)} (${votes} frames agreed, likeness ${band ? bandTexts[band] : likenessText(likeness, threshold)}, ${Math.round(ageMs)} ms after the frame${livenessText(liveness)})${visitText(visit)}`,
  'access.denied': (event, context) =>
    `shut: ${event.reason}, ${event.detail}${livenessText(event.liveness)}${resembling(event, context)}${visitText(event.visit)}`,
  'threshold.moved': ({ before, threshold, people: behind, visits }) =>
    `the threshold is ${threshold.logit.toFixed(2)}, ${Math.abs(threshold.logit - before).toFixed(2)} ${threshold.logit > before ? 'stricter' : 'looser'} than before${movedBy(threshold.layers, behind, visits)}; "facelatch strictness" shows why`,
  'access.pending': ({ personId, needs, withinMs }, { nameOf }) =>
    `${nameOf(personId)} recognised; ${needs === 'pin' ? 'a PIN' : 'a second person'} is needed within ${seconds(withinMs)}`,
  'access.challenged': ({ personId, what, times, withinMs, visit }, { nameOf }) =>
    `${nameOf(personId)} recognised; to show that they are alive: ${challengeTexts[what]}${timesText(times)}, within ${seconds(withinMs)}${visitText(visit)}`,
  'pin.accepted': ({ personId, withinMs }, { nameOf }) => `PIN of ${nameOf(personId)}; their face is needed within ${seconds(withinMs)}`,
  'request.granted': ({ what, by, personId, emergencyPin, durationMs }, { nameOf }) =>
    `${asked[what]} by ${who(by)}${personId === undefined ? '' : `, PIN of ${nameOf(personId)}`}${emergencyPin ? ', EMERGENCY PIN' : ''}${durationMs === undefined ? '' : ` for ${seconds(durationMs)}`}`,
  'request.refused': ({ by, what, reason, detail }) => `refused to ${who(by)}: ${what}, ${reason}, ${detail}`,
  'lockout.started': ({ durationMs, failures }) =>
    `LOCKED OUT for ${seconds(durationMs)}: one face, after ${counted(failures, 'failed attempt')}; others, PIN, button and remote opening still work`,
  'lockout.ended': ({ why }) => (why === 'over' ? 'lock-out over' : 'lock-out reset'),
  'access.stopped': ({ attempts }) =>
    `ALARM: opening by face has stopped after ${counted(attempts, 'failed attempt')} in all; a correct PIN or lockout.reset ends this`,
  'access.resumed': ({ why }) => `faces may open again: ${why === 'pin' ? 'a correct PIN' : 'reset by an operator'}`,

  'relay.pulsed': ({ durationMs, captureToRelayMs }) =>
    `relay pulsed for ${seconds(durationMs)}, ${captureToRelayMs === undefined ? 'on request' : `${Math.round(captureToRelayMs)} ms after the frame`}`,
  'relay.failed': ({ detail }) => `RELAY FAILED: ${detail}`,
  'hold.ended': ({ heldMs, why }) => `hold ended after ${seconds(heldMs)} (${why})`,
  'door.opened': ({ expected }) => (expected ? 'door opened' : 'door opened without having been released'),
  'door.closed': ({ openMs }) => `door closed after ${seconds(openMs)}`,
  'door.held-open': ({ openMs }) => `ALARM: the door has been open for ${seconds(openMs)}`,
  'door.forced-open': () => 'ALARM: the door was opened without having been released',
  'tamper.raised': ({ blockedMs, what }) =>
    what === 'camera'
      ? "ALARM: this is not the door's own camera, or it plays a recording; nobody is let in by face"
      : `ALARM: tamper switch; face and remote opening blocked for ${seconds(blockedMs)}`,
  'tamper.cleared': ({ afterMs, what }) =>
    `${what === 'camera' ? "the door's own camera is back" : 'tamper switch at rest again'} after ${seconds(afterMs)}`,

  'daemon.started': ({ version, people: count, templates, models }) =>
    `started: facelatch ${version}, ${people(count)}, ${counted(templates, 'template')}, ${models.join(', ')}`,
  'daemon.stopped': ({ reason }) => `stopped: ${reason}`,
  'camera.failed': ({ code, detail, retryInMs }) => `camera failed (${code}): ${detail}; next try in ${seconds(retryInMs)}`,
  'camera.restored': ({ afterMs }) => `camera is back after ${seconds(afterMs)}`,
  'camera.damage-seen': ({ damaged, frames }) =>
    `the camera sends damaged pictures (${damaged} of the latest ${frames}): try another cable, port or powered hub, or a lower camera.fps`,
  'camera.bound': ({ title, ids, port, by }) => `this door trusts the camera ${title} (${ids}, port ${port})${byText(by)}`,
  'camera.turned': ({ rotate }) => `the camera is mounted on its side or upside down: set camera.rotate to "${rotate}"`,
  'reader.failed': ({ detail, retryInMs }) => `face reader failed: ${detail}; next try in ${seconds(retryInMs)}`,
  'reader.restored': ({ afterMs }) => `face reader is back after ${seconds(afterMs)}`,
  'liveness.failed': ({ detail, retryInMs }) =>
    `liveness is not checked (liveness.whenNotChecked applies): ${detail}; next try in ${seconds(retryInMs)}`,
  'liveness.restored': ({ afterMs }) => `liveness is checked again after ${seconds(afterMs)}`,
  'face.masked': ({ box, stillMs }) =>
    `a face has not moved for ${seconds(stillMs)} (a poster?): nothing ${placeText(box)} counts until it moves; camera.zones can leave it out for good`,
  'face.unmasked': ({ box, why, afterMs }) => `faces ${placeText(box)} count again after ${seconds(afterMs)} (${why})`,
  'clock.jumped': ({ byMs, sure }) =>
    `the clock jumped by ${seconds(byMs)}${sure ? '' : ' and may be wrong: people with schedules or dates are denied'}`,
  'setting.changed': ({ path, value, by }) => `${path} set to ${value} by ${by}, until the next start`,
  'message.refused': ({ refusedSeq, detail, code }) =>
    `ALARM: the broker will never accept the message of entry ${refusedSeq}: ${detail} (reason code ${code})`,

  'person.enrolled': ({ personId, pictures, by }, { nameOf }) =>
    `${nameOf(personId)} enrolled with ${counted(pictures, 'picture')}${byText(by)}`,
  'enrolment.stepped': ({ step, by, pictures, personId, digest }, { nameOf }) =>
    `enrolment from afar by ${by}: ${step.replace('-', ' ')}, ${counted(pictures, 'picture')}${personId === undefined ? '' : ` of ${nameOf(personId)}`}${digest === undefined ? '' : ` (digest ${digest.slice(0, 16)}…)`}`,
  'key.added': ({ name, role, key }) => `${name} may send commands as ${role} (key ${key})`,
  'key.removed': ({ name, key }) => `${name} may no longer send commands (key ${key})`,
  'key.listed': ({ operators, by }) => `${counted(operators, 'operator')} may send commands, as the list stands (${by})`,
  'key.sealed': ({ name, role, key }) => `${name}, ${role} since an earlier version, may still send commands (key ${key})`,
  'key.refused': ({ name, role, key, why }) =>
    `ALARM: the list of operators was changed from outside${why === 'journal' ? ', or is an older one' : ''}: ${name} as ${role} does not count (key ${key})`,
  'console.signed-in': ({ name, role, with: way, address }) => `${name} (${role}) signed in to the console with a ${way}, from ${address}`,
  'console.sign-in-failed': ({ name = 'somebody', with: way, times, address }) =>
    `${name} failed to sign in to the console with a ${way}${times > 1 ? `, ${times} times` : ''}, from ${address ?? 'several addresses'}`,
  'console.refused': ({ why, name, times, address }) =>
    `the console refused ${counted(times, 'request')}${name === undefined ? '' : ` of ${name}`} (${why.replaceAll('-', ' ')}), from ${address ?? 'several addresses'}`,
  'console.exported': ({ name, address }) => `${name} took the timeline as a table from the console, from ${address}`,
  'console.certificate-changed': ({ fingerprint, given }) =>
    `the console has another certificate, ${given ? 'from console.certificateFile' : 'made by the door'}: SHA-256 ${fingerprint}`,
  'console.signed-out': ({ name, address }) => `${name} signed out of the console, from ${address}`,
  'console.invited': ({ role, name, by }) => `${by} invited ${name ?? 'somebody'} to the console as ${role}`,
  'console.invitation-revoked': ({ role, name, by }) => `${by} took back the invitation of ${name ?? 'somebody'} as ${role}`,
  'console.joined': ({ name, role, with: way, address, by }) =>
    `${name} may use the console as ${role} (invited by ${by}), with a ${way}, from ${address}`,
  'console.account-changed': ({ name, what, role, by }) =>
    `${by} changed the account ${name} of the console: ${what === 'role' ? `role ${role}` : what.replaceAll('-', ' ')}`,
  'console.account-removed': ({ name, role, by }) => `${by} removed the account ${name} (${role}) of the console`,
  'console.session-revoked': ({ name, sessions, by }) => `${by} ended ${counted(sessions, 'session')} of ${name} in the console`,
  'console.token-made': ({ name, token, role, by }) => `${by} made the access token "${token}" of ${name}, as ${role}`,
  'console.token-revoked': ({ name, token, by }) => `${by} revoked the access token "${token}" of ${name}`,
  'vault.locked': ({ detail }) => `NOBODY IS RECOGNISED: ${detail}`,
  'vault.unlocked': ({ by }) => `the vault was unlocked by ${by}: the door starts again`,
  'vault.phrase-shown': ({ by }) => `${by} had the recovery phrase of the vault shown`,
  'vault.pin-set': ({ by }) => `${by} set the emergency PIN: it opens while the vault is locked`,
  'vault.pin-removed': ({ by }) => `${by} removed the emergency PIN: no PIN opens while the vault is locked`,
  'vault.rekeyed': ({ source, newKey, by }) => `${by} changed the key of the vault: ${newKey ? 'a new one' : 'the same'}, from ${source}`,
  'person.renamed': ({ personId, by }, { nameOf }) => `${nameOf(personId)} renamed${byText(by)}`,
  'person.removed': ({ personId, by }, { nameOf }) => `${nameOf(personId)} removed${byText(by)}`,
  'person.shredded': ({ personId, ...searched }, { nameOf }) => `${nameOf(personId)}: ${searchedText(searched)}`,
  'consent.given': ({ personId, version, how, by }, { nameOf }) => `${nameOf(personId)} agreed to text ${version} (${how}), asked by ${by}`,
  'consent.withdrawn': ({ personId, by }, { nameOf }) => `${nameOf(personId)} withdrew their consent, told to ${by}`,
  'person.unused': ({ personId, days, next, on }, { nameOf }) =>
    `${nameOf(personId)} was not here for ${counted(days, 'day')}, and is to be ${next === 'remove' ? 'removed' : 'disabled'} on ${on.slice(0, 10)}`,
  'person.picture-removed': ({ personId, by, left }, { nameOf }) => `a picture of ${nameOf(personId)} removed by ${by}, ${left} left`,
  'person.ruled': ({ personId, changed, by }, { nameOf }) => `rules of ${nameOf(personId)} changed: ${changed.join(', ')}${byText(by)}`,
  'person.left': ({ personId, by }, { nameOf }) => `${nameOf(personId)} left, reported by ${who(by)}`,

  'vault.replaced': ({ had, has, removed }) =>
    `an older or another vault.sqlite (epoch ${has}, ${had} before) was in its place; ${counted(removed, 'key')} that it brought back ${removed === 1 ? 'was' : 'were'} destroyed again`,
  'journal.replaced': ({ had, has }) =>
    `this door had a journal of ${counted(had, 'entry', 'entries')}, and found one of ${has} in its place`,
  'journal.cut': ({ upTo, rows, why, unread }) =>
    `${counted(rows, 'entry', 'entries')} of the journal removed, up to row ${upTo} (${why === 'age' ? 'privacy.journalDays' : 'privacy.diskMb'})${unread === undefined ? '' : `; those from ${unread} on were never published`}`,
  'disk.budget-exceeded': ({ usedMb, budgetMb }) =>
    `the data of the door needs ${usedMb} MiB, more than privacy.diskMb (${budgetMb}), and nothing is left that may go`,
  'gallery.lost': ({ detail }) => `the people cannot be read, and nobody is let in by face: ${detail}`,
  'gallery.replaced': ({ people: enrolled, templates }) =>
    `the file of the people was replaced: ${people(enrolled)}, ${counted(templates, 'template')}`,
  'gallery.row-refused': ({ row, personId, picture, why }, { nameOf }) =>
    `a ${row} of ${nameOf(personId)}${picture === undefined ? '' : ` (${picture})`} ${refusedRow[why ?? 'not-ours']}`,
  'gallery.sealed': ({ people: enrolled, by }) => `everything stored about ${people(enrolled)} sealed again by ${by}`,

  'people.exported': ({ people: exported, personId, by }, { nameOf }) =>
    personId === undefined
      ? `${people(exported)} exported by ${by}, to move them`
      : `what is held about ${nameOf(personId)} exported by ${by}`,
  'people.imported': ({ door, key, people: sent, by }) => `${people(sent)} of the door ${door} (key ${key}) imported by ${by}`,
  'backup.taken': ({ file, bytes, files, by }) =>
    `backup ${file} taken by ${by}: ${counted(files, 'file')}, ${(bytes / 1e6).toFixed(1)} MB`,
  'backup.failed': ({ code, detail, by }) => `backup failed (${code}), asked for by ${by}: ${detail}`,
  'backup.restored': ({ takenAt, removed }) =>
    `restored from the backup of ${takenAt}${removed === 0 ? '' : `; ${counted(removed, 'key')} destroyed since, and again here`}`,

  'training.started': ({ recipe, where, by }) => `training started: ${recipe} at the ${where}, for ${by}`,
  'training.ended': ({ seconds: took, outcome, detail }) => `training ended after ${took} s, ${outcome}: ${detail}`,
  'model.promoted': ({ bundle, version, forced, by, detail }) =>
    `network ${short(bundle)} (version ${version}) guards the door${forced ? ', FORCED' : ''}, by ${by}: ${detail}`,
  'model.refused': ({ bundle, reason, detail }) => `network ${short(bundle)} refused (${reason}): ${detail}`,
  'model.rolled-back': ({ bundle, from, why, by, detail }) =>
    `rolled back to ${short(bundle)} from ${short(from)} (${why}), by ${by}: ${detail}`,
  'model.proved': ({ bundle, disagreements, decisions }) =>
    `network ${short(bundle)} proved: it differed from the one before in ${disagreements} of ${decisions} decisions`,
  'model.added': ({ bundle, version, by }) => `network ${short(bundle)} (version ${version}) added from elsewhere by ${by}`,
  'model.removed': ({ bundle, by }) => `network ${short(bundle)} removed by ${by}`,
  'templates.renewing': ({ people: waiting, network, guarding }) =>
    `templates of ${people(waiting)} are being made for ${network}; ${guarding === undefined ? 'they are not recognised until then' : `${guarding} guards until then`}`,
  'templates.renewed': ({ network, pictures, templates }) =>
    `${network} guards with ${counted(templates, 'template')}, ${pictures} of them new`,
  'templates.missing': ({ personId, network, recognised }, { nameOf }) =>
    `no stored picture of ${nameOf(personId)} gives a template of ${network}: ${recognised ? 'the network before it goes on guarding until they are enrolled again or removed' : 'they are not recognised until they are enrolled again'}`,
  'entry.marked': ({ markedSeq, as, by, personId }, { nameOf }) =>
    `entry ${markedSeq} marked ${as} by ${by}${personId === undefined ? '' : `: ${nameOf(personId)}`}`,
  'picture.kept': ({ pictures, keptSeq, until }) => `${counted(pictures, 'picture')} of entry ${keptSeq} kept until ${until.slice(0, 10)}`,
};

export function describeEvent(event: Event, context: DescribedWith): string {
  // Each kind has its own words; the compiler cannot follow that the kind chooses both.
  const describe = words[event.kind] as (event: Event, context: DescribedWith) => string;
  return describe(event, context);
}

/** Every kind of event. */
export const eventKinds = Object.keys(words) as EventKind[];
