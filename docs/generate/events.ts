/** The reference of events: what each kind and each denial means (here), and the fields that leave the house (from the schemas of the messages). */
import type { Denial, EventKind } from '../../src/events.ts';
import { eventFields } from '../../src/mqtt/messages.ts';
import { generated } from './generated.ts';
import { schemaTable } from './schema-table.ts';

const meanings: Readonly<Record<EventKind, string>> = {
  'daemon.started': 'The daemon runs and holds the relay.',
  'daemon.stopped': 'The daemon ended in order. A daemon that was killed leaves no such event.',
  'camera.failed': 'The camera gives no pictures. The door tries again; PIN, exit button and remote opening go on.',
  'camera.restored': 'The camera gives pictures again.',
  'camera.damage-seen': 'Many pictures of the camera arrive damaged and are not looked at: cable, hub or power.',
  'camera.bound': 'This door trusts this camera from now on; another one in its place is an alarm.',
  'camera.turned': 'The camera is mounted on its side or upside down: set `camera.rotate` to `rotate`.',
  'reader.failed': 'The networks that find and compare faces stopped. They are started again.',
  'reader.restored': 'Faces are read again.',
  'liveness.failed':
    'The networks that tell a living face from a picture of one cannot be used. They are opened again; until then `liveness.whenNotChecked` applies.',
  'liveness.restored': 'Liveness is checked again.',
  'access.granted': 'An enrolled person was recognised and may come in. The relay follows.',
  'face.masked': 'A face did not move for a minute (a poster): nothing in its place counts until it moves.',
  'face.unmasked': 'A place that was left out counts again.',
  'access.denied': 'Somebody was not let in; `reason` says why.',
  'threshold.moved':
    'Faces are accepted from another likeness on: people or their pictures changed, or the door knows more of its strangers.',
  'access.pending': 'Somebody was recognised, and a PIN or a second person is still missing.',
  'access.challenged': 'Somebody was recognised, and has to show that they are alive: `what` says how. A denial or a grant follows.',
  'pin.accepted': 'A PIN was right and opens only together with the face.',
  'relay.pulsed': 'The relay released the lock.',
  'relay.failed': 'Alarm: the relay did not move although access was granted.',
  'request.granted': 'Somebody asked otherwise than by face (operator, exit button, keypad) and may.',
  'request.refused': 'Somebody asked otherwise than by face and may not.',
  'hold.ended': 'The door is no longer kept released.',
  'door.opened': 'The door contact opened.',
  'door.closed': 'The door contact closed.',
  'door.held-open': 'Alarm: the door stands open for longer than `access.heldOpenMs`.',
  'door.forced-open': 'Alarm: the door opened and nobody had released it.',
  'tamper.raised': 'Alarm: the case was opened. Face and remote opening are blocked for a while.',
  'tamper.cleared': 'The case is closed again.',
  'lockout.started': 'Too many failed attempts of one face: it and whoever resembles it are locked out for a while.',
  'lockout.ended': 'A face that was locked out is let in again.',
  'access.stopped': 'Too many failed attempts in all: opening by face has stopped until a correct PIN or `lockout.reset`.',
  'access.resumed': 'Opening by face goes on.',
  'clock.jumped': 'The wall clock moved in another way than time passes.',
  'person.left': 'An exit reader saw the person leave.',
  'person.ruled': 'Somebody changed what a person may.',
  'person.enrolled': 'A person was enrolled, or has new pictures.',
  'person.renamed': 'A person has another name.',
  'person.removed': 'A person was removed, with all pictures and templates.',
  'person.shredded': 'After a removal every file of the state folder was searched for pieces of what was held of the person.',
  'consent.given': 'A person agreed to be enrolled.',
  'consent.withdrawn': 'A person took their consent back. They are removed.',
  'person.unused': 'A person was not here for a long time, and is disabled or removed unless they come.',
  'person.picture-removed': 'One picture of a person was removed.',
  'enrolment.stepped': 'A step of an enrolment from afar, with the key that asked for it.',
  'key.added': 'A key may send commands from now on.',
  'key.removed': 'A key may no longer send commands.',
  'key.listed':
    'The door names its operators in its journal from now on: at the first start of this version, after a restore, or because somebody at the machine vouched for the list.',
  'key.sealed': 'An entry of the list of operators that an earlier version wrote counts as it stood. Look through these after the upgrade.',
  'key.refused':
    'Alarm: an entry of the list of operators does not count, because this door did not write it, or because its journal does not name it.',
  'console.signed-in': 'Somebody signed in to the console.',
  'console.sign-in-failed':
    'Somebody did not get into the console: a wrong password, passkey or access token. A flood is one event a minute.',
  'console.refused':
    'The console turned requests away that none of its pages sends: without a sign-in, beyond a role, from a foreign page or by a foreign name, too large, too slow, too many, for an address that is not there, or no HTTP. A flood is one event a minute.',
  'console.exported': 'Somebody took the timeline as a table, with names, from the console.',
  'console.certificate-changed':
    'The console has another certificate: the door made it in time, or the files of `console.certificateFile` changed. Compare the fingerprint with what your browser shows.',
  'console.signed-out': 'Somebody signed out of the console.',
  'console.invited': 'An invitation to the console was made. It is good for one account, and for an hour.',
  'console.invitation-revoked': 'An invitation to the console was taken back.',
  'console.joined': 'An account of the console was made by an invitation.',
  'console.account-changed': 'The role, the password or a passkey of an account of the console was changed.',
  'console.account-removed': 'An account of the console was removed.',
  'console.session-revoked': 'Sessions of an account of the console were ended.',
  'console.token-made': 'An access token for the API of the console was made.',
  'console.token-revoked': 'An access token for the API of the console was revoked.',
  'vault.locked': 'The key of the vault is missing, or does not fit: nobody is recognised until it is given.',
  'vault.unlocked': 'The key of the vault was given: the door starts again and recognises people.',
  'vault.phrase-shown': 'Somebody at the machine had the recovery phrase shown. Was it you?',
  'vault.pin-set': 'An emergency PIN was set at the machine: it opens the door while the vault is locked.',
  'vault.pin-removed': 'The emergency PIN was removed: while the vault is locked no PIN opens.',
  'vault.rekeyed': 'The key of the vault has another place, or is another one.',
  'vault.replaced':
    'Alarm: an older or another keyring (`vault.sqlite`) stands in the place of the one of before. Removed people that it brought back are removed again. People enrolled since cannot be opened: restore a backup.',
  'journal.replaced': 'Alarm: another journal stands in the place of the one that this door signed.',
  'journal.cut': 'Old entries were removed from the journal, as the owner set it. A signed place stands for them.',
  'disk.budget-exceeded': 'Alarm: the data of the door needs more space than it may, and nothing is left that may go.',
  'gallery.lost': 'Alarm: the file of the people is gone or cannot be opened. Nobody is let in by face until it is back.',
  'gallery.replaced': 'Another file stands in the place of the people’s, or it is back. It was read again.',
  'gallery.row-refused': 'Alarm: something stored about a person was not written by this door, or cannot be opened. It does not count.',
  'gallery.sealed': 'Somebody at the machine vouched for all that is stored about the people.',
  'people.exported': 'What is held about people was written to a file that can leave the door.',
  'people.imported': 'Somebody at the machine begins to enrol the people in the file of another door.',
  'backup.taken': 'A backup was taken, and is whole.',
  'backup.failed': 'A backup could not be taken. Earlier ones are as they were.',
  'backup.restored': 'The state folder, this journal with it, was restored from a backup.',
  'setting.changed': 'An operator changed a setting of the running door.',
  'training.started': 'A training began.',
  'training.ended': 'A training ended; `outcome` says how.',
  'model.promoted': 'A trained network guards the door from now on.',
  'model.refused': 'A network was refused and does not guard the door.',
  'model.rolled-back': 'The door went back to an earlier network.',
  'model.proved': 'A new network stood its first decisions beside the one before it.',
  'model.added': 'A trained network came from elsewhere, as a candidate.',
  'model.removed': 'A trained network was removed.',
  'templates.renewing': 'Templates are being made of the stored pictures for another network, as after an upgrade.',
  'templates.renewed': 'They are made, and that network guards.',
  'templates.missing': 'No stored picture of the person gives a template of the new network: enrol them again.',
  'entry.marked': 'A person said what an earlier entry really showed.',
  'picture.kept': 'Pictures of an attempt were kept, as the owner allows.',
  'message.refused': 'Alarm: the broker will never take the message of an entry.',
};

const reasons: Readonly<Record<Denial, string>> = {
  unknown: 'The face resembles nobody enrolled enough.',
  ambiguous: 'Two enrolled people could both be meant.',
  'low-quality': 'No frame showed the face well enough to compare it.',
  'too-dark': 'There is too little light on the face.',
  spoof: 'The face was taken for a picture or a mask.',
  'not-live': 'The check that the face is alive was not passed.',
  stale: 'The frames were too old when the door was to open.',
  'gallery-down':
    'The people cannot be read: their file is gone or cannot be opened. Or templates are being made again, and whoever is unknown may be somebody without one.',
  'vault-locked': 'The key of the vault is missing: whoever comes is unknown to the door.',
  disarmed: 'The door is disarmed: nobody is let in by face.',
  'locked-out': 'Too many failed presentations came before.',
  tampered: 'The case was opened a short time ago.',
  'journal-down': 'The journal cannot be written.',
  'relay-failed': 'The relay cannot be moved.',
  disabled: 'The person is disabled.',
  'not-in-group': 'The person is in no group that this door admits.',
  'not-yet-valid': 'The person may come in only from a later date.',
  expired: "The person's time is over.",
  'used-up': 'The person was let in as often as allowed.',
  'out-of-hours': "The moment is outside of the person's schedule.",
  'clock-unsure': "The person is bound to times, and the door's clock is not known to be right.",
  'still-inside': 'The person has not left since they came in (anti-passback).',
  'pin-needed': 'The PIN did not come in time.',
  'wrong-pin': 'The PIN was wrong.',
  'second-person-needed': 'The second person did not come in time.',
};

export function events(): string {
  const sections = Object.entries(meanings).map(
    ([kind, meaning]) =>
      `### ${kind}\n\n${meaning} Topic \`event/${kind.replaceAll('.', '/')}\`.\n\n${schemaTable(eventFields[kind as EventKind], 'It has no fields of its own.')}\n`,
  );
  return `${generated('src/events.ts and src/mqtt/messages.ts')}# Events

The journal holds every event; MQTT publishes it under \`facelatch/<door>/event/…\` (QoS 1, never retained). Each message has besides its own
fields \`schema\`, \`id\`, \`seq\`, \`at\`, \`door\` and \`kind\`. Messages come at least once and in order: drop those whose \`seq\` is not above the last one
seen. \`"historical": true\` marks one that is published late. [asyncapi.json](../asyncapi.json) describes the same for programs.

## Reasons of a denial

| reason | what it means |
| --- | --- |
${Object.entries(reasons)
  .map(([reason, meaning]) => `| \`${reason}\` | ${meaning} |`)
  .join('\n')}

## Kinds

${sections.join('\n')}`;
}
