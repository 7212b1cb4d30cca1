/**
 * Everything that can be journalled: the kinds of event, and the words in them (denials, likeness, the threshold note,
 * requesters, person ids). Types and closed lists only. Every room may import this file; it imports nothing.
 */

/** Identifies one enrolled person; random, never reused. Logs and events hold ids, never names. */
export type PersonId = string;

/** Why the door stayed shut. A closed list. */
export const denials = [
  // What the camera saw.
  'unknown',
  'ambiguous',
  'low-quality',
  'too-dark',
  'spoof',
  'not-live',
  'stale',
  // The state of the door.
  'disarmed',
  'locked-out',
  'tampered',
  'journal-down',
  'gallery-down',
  'vault-locked',
  'relay-failed',
  // The person's rules.
  'disabled',
  'not-in-group',
  'not-yet-valid',
  'expired',
  'used-up',
  'out-of-hours',
  'clock-unsure',
  'still-inside',
  'pin-needed',
  'wrong-pin',
  'second-person-needed',
] as const;
export type Denial = (typeof denials)[number];

/** A part of the picture: shares of its width and height, 0…1. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** What happens in an enrolment session, as it is journalled. A closed list. */
export const enrolmentSteps = [
  'started',
  'picture-accepted',
  'picture-refused',
  'camera-started',
  'committed',
  'aborted',
  'expired',
] as const;
export type EnrolmentStep = (typeof enrolmentSteps)[number];

/** How somebody agreed to be enrolled: on paper, at the door's own screen, by an operator's signed command. */
export const consentWays = ['paper', 'console', 'command'] as const;
export type ConsentWay = (typeof consentWays)[number];

/** What somebody showed to come into the console. A closed list. */
export const signInWays = ['password', 'passkey', 'token', 'invitation'] as const;
export type SignInWay = (typeof signInWays)[number];

/** Why the console turned a request away that no page of its own sends. A closed list. */
export const consoleRefusals = [
  'signed-out',
  'role',
  'needs-session',
  'foreign-page',
  'wrong-host',
  'oversized',
  'slow-down',
  /** An address that is not there, or a path that leads out of what is served. */
  'not-found',
  /** Headers or a body that did not arrive in time. */
  'too-slow',
  /** No HTTP. */
  'malformed',
] as const;
export type ConsoleRefusal = (typeof consoleRefusals)[number];

/** What was changed of an account of the console. A closed list. */
export const accountChanges = ['role', 'password', 'passkey-added', 'passkey-removed'] as const;
export type AccountChange = (typeof accountChanges)[number];

/** How far the best match was from the threshold. This may leave the door; the exact likeness stays in its journal. */
export const likenessBands = ['far-below', 'below', 'near', 'at-or-above'] as const;
export type LikenessBand = (typeof likenessBands)[number];

/** Why a frame, or a check of it, says nothing. */
export const unsureReasons = [
  /** No network is loaded. */
  'not-checked',
  /** The crop would leave the picture. */
  'cut-off',
  'too-small',
  'low-quality',
  /** Fewer frames, or less motion, than the check needs. */
  'too-few-frames',
  'no-motion',
  /** Far from this person's own live visits, or between live and not. */
  'unlike-before',
  'between',
  /** The infrared camera saw no head in its place, or said nothing. */
  'no-infrared',
] as const;
export type UnsureReason = (typeof unsureReasons)[number];

/** What a presentation was taken for. */
export const spoofKinds = [
  /** The networks: a print or a display. */
  'texture',
  /** The points on the face and around it move as those of one plane. */
  'flat',
  /** The frames are more alike than a sensor makes them: a still. */
  'still',
  /** Frames come back. */
  'looped',
  /** A straight edge around the face: paper, a bezel. */
  'border',
  /** What the infrared lamp lights is paper or a display. */
  'infrared',
  /** The answer to the challenge was not the one that was asked for. */
  'wrong-answer',
] as const;
export type SpoofKind = (typeof spoofKinds)[number];

/** What a person may be asked to do. */
export const challengeKinds = ['turn-left', 'turn-right', 'look-up', 'look-down', 'closer', 'blink', 'light'] as const;
export type ChallengeKind = (typeof challengeKinds)[number];

export interface Likeness {
  readonly logit: number;
  readonly probability: number;
  readonly share: number;
}

/** What was checked of a face being alive. Over MQTT neither `score` leaves the door, nor the `band` of a denial. */
export interface LivenessNote {
  readonly verdict: 'live' | 'unsure' | 'spoof' | 'not-checked';
  /** Mean logit of the networks, less the threshold in force. */
  readonly score?: number;
  /** How far the score was from the threshold. */
  readonly band?: LikenessBand;
  /** Of a spoof. */
  readonly spoof?: SpoofKind;
  /** Of `unsure` and `not-checked`. */
  readonly why?: UnsureReason;
  /** What was given besides: an answered challenge, or a PIN in place of a verdict. */
  readonly proof?: 'challenge' | 'pin';
}

/** Everything that may be journalled. Kinds in the past tense, units in names, ids and never names of people. */
export type Event =
  | {
      readonly kind: 'daemon.started';
      readonly version: string;
      readonly people: number;
      readonly templates: number;
      readonly threshold: ThresholdNote;
      readonly models: readonly string[];
    }
  | { readonly kind: 'daemon.stopped'; readonly reason: string }
  | { readonly kind: 'camera.failed'; readonly code: string; readonly detail: string; readonly retryInMs: number }
  | { readonly kind: 'camera.restored'; readonly afterMs: number }
  /** `damaged` of the latest `frames` pictures were not delivered whole. */
  | { readonly kind: 'camera.damage-seen'; readonly damaged: number; readonly frames: number }
  /**
   * The camera that this door trusts from now on: the first one, or another one that somebody at the machine bound.
   * `ids`: vendor and product; `port`: where it is plugged in. `by`: absent for the first one.
   */
  | { readonly kind: 'camera.bound'; readonly title: string; readonly ids: string; readonly port: string; readonly by?: string }
  /** The camera is mounted on its side or upside down; `rotate`: the value that `camera.rotate` needs. */
  | { readonly kind: 'camera.turned'; readonly rotate: number }
  | { readonly kind: 'reader.failed'; readonly detail: string; readonly retryInMs: number }
  | { readonly kind: 'reader.restored'; readonly afterMs: number }
  /** Faces are not checked for liveness until it is restored. */
  | { readonly kind: 'liveness.failed'; readonly detail: string; readonly retryInMs: number }
  | { readonly kind: 'liveness.restored'; readonly afterMs: number }
  /**
   * A face has not moved for `stillMs` (a poster): its place is left out until it moves. `box`: shares of the picture.
   */
  | { readonly kind: 'face.masked'; readonly box: Region; readonly stillMs: number }
  /** `why`: it moved, another face is in its place, or it has not been seen for half a day. */
  | { readonly kind: 'face.unmasked'; readonly box: Region; readonly why: 'moved' | 'another' | 'gone'; readonly afterMs: number }
  | {
      readonly kind: 'access.granted';
      readonly personId: PersonId;
      readonly likeness: Likeness;
      readonly band?: LikenessBand;
      readonly votes: number;
      readonly capturedAtMs: number;
      readonly ageMs: number;
      readonly threshold: ThresholdNote;
      /** Under the two-person rule: the person who came first. */
      readonly withPersonId?: PersonId;
      /** Absent in entries of older versions. */
      readonly liveness?: LivenessNote;
      readonly visit?: number;
    }
  | {
      readonly kind: 'access.denied';
      readonly reason: Denial;
      readonly detail: string;
      readonly likeness?: Likeness;
      readonly band?: LikenessBand;
      readonly bestPersonId?: PersonId;
      readonly capturedAtMs: number;
      readonly ageMs: number;
      /** Where it counts towards a lock-out: failed attempts of this face in a row, this one included. */
      readonly failures?: number;
      /** Where it counts: failed attempts of whomever since somebody was let in, this one included. */
      readonly attempts?: number;
      readonly threshold?: ThresholdNote;
      /** Where the vote was won. */
      readonly liveness?: LivenessNote;
      readonly visit?: number;
    }
  /**
   * Another threshold is in force. `before`: its logit until now. `people`, `visits`: enrolled people and unknown
   * visitors behind the door's own evidence; 0 where there is none.
   */
  | {
      readonly kind: 'threshold.moved';
      readonly before: number;
      readonly threshold: ThresholdNote;
      readonly people: number;
      readonly visits: number;
    }
  /** Somebody was recognised and something is still missing: a PIN, or the second of two people. */
  | {
      readonly kind: 'access.pending';
      readonly personId: PersonId;
      readonly needs: 'pin' | 'second-person';
      readonly withinMs: number;
      readonly threshold?: ThresholdNote;
      readonly liveness?: LivenessNote;
    }
  /**
   * Somebody was recognised and is asked to show that they are alive, within `withinMs`. `what`: what to do; `times`:
   * how often to blink. The code of a light stays in the door.
   */
  | {
      readonly kind: 'access.challenged';
      readonly personId: PersonId;
      readonly challenge: string;
      readonly what: ChallengeKind;
      readonly times?: number;
      readonly withinMs: number;
      readonly threshold?: ThresholdNote;
      readonly liveness?: LivenessNote;
      readonly visit?: number;
    }
  /** A correct PIN that opens only together with the face. */
  | { readonly kind: 'pin.accepted'; readonly personId: PersonId; readonly withinMs: number }
  /** `grantSeq`: the entry of the grant or request behind it. `captureToRelayMs`: for a grant by face. */
  | { readonly kind: 'relay.pulsed'; readonly grantSeq: number; readonly durationMs: number; readonly captureToRelayMs?: number }
  | { readonly kind: 'relay.failed'; readonly grantSeq: number; readonly detail: string }
  /**
   * A request other than by face: the intent, journalled before it takes effect. `personId`: whose PIN it was;
   * `emergencyPin`: it was the one that opens while the vault is locked.
   */
  | {
      readonly kind: 'request.granted';
      readonly what: DoorRequest;
      readonly by: Requester;
      readonly durationMs?: number;
      readonly personId?: PersonId;
      readonly emergencyPin?: true;
    }
  | {
      readonly kind: 'request.refused';
      readonly what: DoorRequest;
      readonly by: Requester;
      readonly reason: Denial;
      readonly detail: string;
    }
  /** A hold is over: released by somebody, because its time was up, or because the relay failed. */
  | { readonly kind: 'hold.ended'; readonly heldMs: number; readonly why: 'released' | 'over' | 'relay-failed' }
  /** `expected`: whether the lock was released before, or the exit button pushed. */
  | { readonly kind: 'door.opened'; readonly expected: boolean }
  | { readonly kind: 'door.closed'; readonly openMs: number }
  /** Alarms: open for longer than allowed; opened without a release. */
  | { readonly kind: 'door.held-open'; readonly openMs: number }
  | { readonly kind: 'door.forced-open' }
  /**
   * Alarm: the case was opened. Opening by face and from afar is blocked for `blockedMs`. `what`: `camera` where
   * another camera, or a recording, is in the place of the door's own; then no frame is looked at until it is back.
   */
  | { readonly kind: 'tamper.raised'; readonly blockedMs: number; readonly what?: 'camera' }
  | { readonly kind: 'tamper.cleared'; readonly afterMs: number; readonly what?: 'camera' }
  | { readonly kind: 'lockout.started'; readonly failures: number; readonly durationMs: number; readonly level: number }
  | { readonly kind: 'lockout.ended'; readonly why: 'over' | 'reset' }
  /** Alarm: too many failed attempts in all. Nobody is let in by face until a correct PIN or an operator's reset. */
  | { readonly kind: 'access.stopped'; readonly attempts: number }
  | { readonly kind: 'access.resumed'; readonly why: 'pin' | 'reset' }
  /** The wall clock jumped. `sure`: whether it can be trusted now. */
  | { readonly kind: 'clock.jumped'; readonly byMs: number; readonly sure: boolean }
  /** Somebody has left, as an exit reader reports. */
  | { readonly kind: 'person.left'; readonly personId: PersonId; readonly by: Requester }
  | { readonly kind: 'person.ruled'; readonly personId: PersonId; readonly changed: readonly string[]; readonly by?: string }
  | { readonly kind: 'person.enrolled'; readonly personId: PersonId; readonly pictures: number; readonly by?: string }
  | { readonly kind: 'person.renamed'; readonly personId: PersonId; readonly by?: string }
  | { readonly kind: 'person.removed'; readonly personId: PersonId; readonly by?: string }
  /**
   * The proof of a removal: every file of the state folder was searched for pieces of what was held of the person.
   * `hits`: files in which something was found; `unread`: files that could not be read; `epoch`: of the vault, since
   * the person's key was destroyed.
   */
  | {
      readonly kind: 'person.shredded';
      readonly personId: PersonId;
      readonly files: number;
      readonly bytes: number;
      readonly hits: number;
      readonly unread?: number;
      readonly epoch: number;
    }
  /** The person agreed to be enrolled. `version`: of the text that they were given. */
  | {
      readonly kind: 'consent.given';
      readonly personId: PersonId;
      readonly version: string;
      readonly how: ConsentWay;
      readonly by: string;
    }
  /** They took it back; their removal follows. */
  | { readonly kind: 'consent.withdrawn'; readonly personId: PersonId; readonly by: string }
  /** Nobody has seen this person for `days`. Unless they come, they are disabled or removed on `on` (ISO 8601, UTC). */
  | {
      readonly kind: 'person.unused';
      readonly personId: PersonId;
      readonly days: number;
      readonly next: 'disable' | 'remove';
      readonly on: string;
    }
  /** One picture of a person was removed; `left` remain. */
  | { readonly kind: 'person.picture-removed'; readonly personId: PersonId; readonly left: number; readonly by: string }
  /** A step of an enrolment from afar. `key`: thumbprint of the key that asked for it. */
  | {
      readonly kind: 'enrolment.stepped';
      readonly session: string;
      readonly step: EnrolmentStep;
      readonly by: string;
      readonly key: string;
      /** Pictures that the session holds then; that the person has, for `committed`. */
      readonly pictures: number;
      /** For `committed`: the person, and the digest of the person's pictures. */
      readonly personId?: PersonId;
      readonly digest?: string;
    }
  /**
   * Who may send commands; `key`: thumbprint of the operator's key. Done at the door's own shell. `digest`: of all who
   * may since; absent in entries of older versions.
   */
  | { readonly kind: 'key.added'; readonly name: string; readonly role: string; readonly key: string; readonly digest?: string }
  | { readonly kind: 'key.removed'; readonly name: string; readonly role: string; readonly key: string; readonly digest?: string }
  /** The door names its operators from now on, or again. `by`: `start`, `restore`, or `cli` for somebody there. */
  | { readonly kind: 'key.listed'; readonly operators: number; readonly by: string; readonly digest: string }
  /** An entry of an earlier version, which sealed none: it counts as it stood. */
  | { readonly kind: 'key.sealed'; readonly name: string; readonly role: string; readonly key: string }
  /**
   * Alarm: an entry of the list of operators does not count. `why`: this door did not write it (`seal`), or the journal
   * does not name it (`journal`), as in an older list that is put back.
   */
  | {
      readonly kind: 'key.refused';
      readonly name: string;
      readonly role: string;
      readonly key: string;
      readonly why?: 'seal' | 'journal';
    }
  /** Somebody came into the console. `address`: of their browser. */
  | { readonly kind: 'console.signed-in'; readonly name: string; readonly role: string; readonly with: SignInWay; readonly address: string }
  /**
   * `name`: absent where there is no such account, for what was typed may be a password. `times`: how often since the
   * last event about this account and address; `address`: absent where the tries came from too many.
   */
  | {
      readonly kind: 'console.sign-in-failed';
      readonly name?: string;
      readonly with: SignInWay;
      readonly times: number;
      readonly address?: string;
    }
  /** `name`: of whoever was signed in. `times`, `address`: as with failed sign-ins. */
  | {
      readonly kind: 'console.refused';
      readonly why: ConsoleRefusal;
      readonly name?: string;
      readonly times: number;
      readonly address?: string;
    }
  /** The timeline left the door as a table, with names. */
  | { readonly kind: 'console.exported'; readonly name: string; readonly address: string }
  | { readonly kind: 'console.signed-out'; readonly name: string; readonly address: string }
  /** The console has another certificate. `fingerprint`: SHA-256, as browsers show it. `given`: the owner's. */
  | { readonly kind: 'console.certificate-changed'; readonly fingerprint: string; readonly expiresAt: string; readonly given: boolean }
  /** Whoever has the invitation may make an account within the hour. `name`: the only one that they may choose. */
  | { readonly kind: 'console.invited'; readonly role: string; readonly name?: string; readonly by: string }
  | { readonly kind: 'console.invitation-revoked'; readonly role: string; readonly name?: string; readonly by: string }
  /** An account was made by an invitation. `by`: who invited. */
  | {
      readonly kind: 'console.joined';
      readonly name: string;
      readonly role: string;
      readonly with: 'password' | 'passkey';
      readonly address: string;
      readonly by: string;
    }
  | {
      readonly kind: 'console.account-changed';
      readonly name: string;
      readonly what: AccountChange;
      readonly role: string;
      readonly by: string;
    }
  /** Its passkeys, sessions and tokens are gone with it. */
  | { readonly kind: 'console.account-removed'; readonly name: string; readonly role: string; readonly by: string }
  /** `sessions`: how many ended. */
  | { readonly kind: 'console.session-revoked'; readonly name: string; readonly sessions: number; readonly by: string }
  /** `token`: what its owner calls it. */
  | { readonly kind: 'console.token-made'; readonly name: string; readonly token: string; readonly role: string; readonly by: string }
  | { readonly kind: 'console.token-revoked'; readonly name: string; readonly token: string; readonly by: string }
  /** Nobody is recognised until the key of the vault is given. `detail`: what it needs. */
  | { readonly kind: 'vault.locked'; readonly code: string; readonly detail: string }
  /** The door starts again and recognises people. `by`: the operator, or `its key`, which came back by itself. */
  | { readonly kind: 'vault.unlocked'; readonly by: string }
  /** The recovery phrase of the vault is shown to somebody at the machine: noted before. */
  | { readonly kind: 'vault.phrase-shown'; readonly by: string }
  /** Another PIN opens while the vault is locked, or none does. `digest`: of what the door notes about its file. */
  | { readonly kind: 'vault.pin-set'; readonly by: string; readonly digest: string }
  | { readonly kind: 'vault.pin-removed'; readonly by: string; readonly digest: string }
  /** The key of the vault has another place, or is another one (`newKey`): then so is the recovery phrase. */
  | { readonly kind: 'vault.rekeyed'; readonly source: string; readonly newKey: boolean; readonly by: string }
  /**
   * Alarm: another keyring stands in the place of the one of before, with epoch `has` in place of `had`. `removed`:
   * keys of removed people that it brought back; they are destroyed again.
   */
  | { readonly kind: 'vault.replaced'; readonly had: number; readonly has: number; readonly removed: number }
  /** Alarm: this door signed a journal of `had` entries, and found one of `has` in its place. */
  | { readonly kind: 'journal.replaced'; readonly had: number; readonly has: number }
  /**
   * Entries up to `upTo` were removed, `rows` of them. `why`: their age, or the disk budget. `unread`: the first one
   * that some consumer (the broker) had not been sent.
   */
  | {
      readonly kind: 'journal.cut';
      readonly upTo: number;
      readonly rows: number;
      readonly why: 'age' | 'disk';
      readonly unread?: number;
    }
  /** Alarm: the data of the door needs more than `privacy.diskMb`, and nothing is left that may go. */
  | { readonly kind: 'disk.budget-exceeded'; readonly usedMb: number; readonly budgetMb: number }
  /** Alarm: the file of the people is gone or cannot be opened. Nobody is let in by face until it is back. */
  | { readonly kind: 'gallery.lost'; readonly detail: string }
  /** Another file stands in the place of the people's, or it is back: read again. */
  | { readonly kind: 'gallery.replaced'; readonly people: number; readonly templates: number }
  /**
   * Alarm: a row that this door did not write does not count. `picture`: the beginning of its SHA-256. `why`: where the
   * row cannot be opened; `removed` where it was left of a person who is removed, and is deleted.
   */
  | {
      readonly kind: 'gallery.row-refused';
      readonly row: 'person' | 'picture' | 'template';
      readonly personId: PersonId;
      readonly picture?: string;
      readonly why?: 'no-key' | 'damaged' | 'removed';
    }
  /** Somebody at the machine vouched for every row as it stands. */
  | { readonly kind: 'gallery.sealed'; readonly people: number; readonly by: string }
  /** `file`: its name, without the folder. `by`: an operator, `cli` or `schedule`. */
  | { readonly kind: 'backup.taken'; readonly file: string; readonly bytes: number; readonly files: number; readonly by: string }
  | { readonly kind: 'backup.failed'; readonly code: string; readonly detail: string; readonly by: string }
  /**
   * This journal, and all that lies beside it, comes from a backup. `takenAt`: when it was taken. `removed`: how many
   * of those in it were removed since, and stay removed.
   */
  | { readonly kind: 'backup.restored'; readonly takenAt: string; readonly removed: number }
  /** What is held about people was written to a file that may leave. `personId`: of that one; else to move them. */
  | { readonly kind: 'people.exported'; readonly people: number; readonly personId?: PersonId; readonly by: string }
  /** Before people of another door are enrolled here. `people`: how many its file has. `key`: thumbprint of its key. */
  | { readonly kind: 'people.imported'; readonly door: string; readonly key: string; readonly people: number; readonly by: string }
  | { readonly kind: 'setting.changed'; readonly path: string; readonly value: number; readonly by: string }
  | { readonly kind: 'training.started'; readonly job: string; readonly recipe: string; readonly where: string; readonly by: string }
  | {
      readonly kind: 'training.ended';
      readonly job: string;
      readonly outcome: 'promoted' | 'refused' | 'cancelled' | 'failed';
      readonly detail: string;
      readonly bundle?: string;
      readonly seconds: number;
    }
  /** `forced`: by somebody at the machine itself, although the comparison was against it. */
  | {
      readonly kind: 'model.promoted';
      readonly bundle: string;
      readonly version: number;
      readonly by: string;
      readonly forced: boolean;
      readonly detail: string;
    }
  | { readonly kind: 'model.refused'; readonly bundle: string; readonly reason: string; readonly detail: string }
  /** `bundle`: the champion from now on, or `base` for the network of the configuration. */
  | {
      readonly kind: 'model.rolled-back';
      readonly bundle: string;
      readonly from: string;
      readonly why: 'asked' | 'disagreement' | 'damaged';
      readonly by: string;
      readonly detail: string;
    }
  /** A new champion has passed its time on probation beside the one before it. */
  | { readonly kind: 'model.proved'; readonly bundle: string; readonly decisions: number; readonly disagreements: number }
  /** A trained network was brought from elsewhere; it is a candidate. */
  | { readonly kind: 'model.added'; readonly bundle: string; readonly version: number; readonly by: string }
  | { readonly kind: 'model.removed'; readonly bundle: string; readonly by: string }
  /**
   * Templates of another network are being made of the stored pictures of `people`. `guarding`: the network before it,
   * with which the door goes on until everybody has one; absent: nobody is recognised before their template is made.
   */
  | { readonly kind: 'templates.renewing'; readonly people: number; readonly network: string; readonly guarding?: string }
  /** The network guards, with as many templates in all; `pictures`: of which templates were made since the start. */
  | { readonly kind: 'templates.renewed'; readonly network: string; readonly pictures: number; readonly templates: number }
  /**
   * No stored picture of the person gives a template of the network. `recognised`: the network before it goes on
   * guarding because of that; else the person is not recognised.
   */
  | { readonly kind: 'templates.missing'; readonly personId: PersonId; readonly network: string; readonly recognised: boolean }
  /** What somebody says about an earlier entry; `personId`: whom it showed. */
  | { readonly kind: 'entry.marked'; readonly markedSeq: number; readonly as: string; readonly by: string; readonly personId?: PersonId }
  /**
   * Pictures of a grant or a denial were kept, as the owner allows; the command `picture` shows those of entry
   * `keptSeq`.
   */
  | { readonly kind: 'picture.kept'; readonly keptSeq: number; readonly pictures: number; readonly until: string }
  | { readonly kind: 'message.refused'; readonly refusedSeq: number; readonly code: number; readonly detail: string };

export type EventKind = Event['kind'];

/** What a threshold was computed from; docs/use/strictness.md. */
export const thresholdLayers = ['table', 'chances', 'door'] as const;
export type ThresholdLayer = (typeof thresholdLayers)[number];

/** The threshold an event was decided under. */
export interface ThresholdNote {
  readonly policy: string;
  readonly logit: number;
  readonly fmr: number;
  readonly extrapolated: boolean;
  /** Those that have moved it; absent for the policy `paper`, and in entries of older versions. */
  readonly layers?: readonly ThresholdLayer[];
}

/**
 * Who asks for something other than by face. An operator was authenticated at the edge (signature, console session,
 * local shell).
 */
export type Requester =
  | { readonly kind: 'operator'; readonly name: string; readonly via: 'mqtt' | 'console' | 'cli'; readonly requestId: string }
  | { readonly kind: 'exit-button' }
  | { readonly kind: 'keypad'; readonly via: 'mqtt' | 'console' };

/** What may be asked for other than by face. */
export type DoorRequest = 'open' | 'hold' | 'release' | 'arm' | 'disarm' | 'lockout-reset';
