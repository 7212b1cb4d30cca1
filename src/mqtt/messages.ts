/**
 * The form of every message, as JSON Schemas. The codec publishes only the fields in them, and the AsyncAPI document
 * is made from them. The compiler compares those of events with the events: a field that is new in an event is not
 * published, and does not compile, until it is written down here. Pure.
 */
import { type Static, type TObject, Type } from '../base/schema.ts';
import {
  accountChanges,
  challengeKinds,
  consentWays,
  consoleRefusals,
  denials,
  type Event,
  type EventKind,
  enrolmentSteps,
  type LivenessNote,
  likenessBands,
  signInWays,
  spoofKinds,
  thresholdLayers,
  unsureReasons,
} from '../events.ts';
import { jobPlaces, jobStates, recipeNames } from '../retrain/port.ts';

const closed = { additionalProperties: false } as const;
const object = <const P extends Parameters<typeof Type.Object>[0]>(properties: P) => Type.Object(properties, closed);
const tampered = Type.Enum(['camera'], { description: 'Absent: the tamper switch of the case.' });
const text = (description?: string) => Type.String(description === undefined ? {} : { description });
const count = (description?: string) => Type.Integer({ minimum: 0, ...(description === undefined ? {} : { description }) });
const ms = (description = 'Milliseconds.') => Type.Number({ description });
const maybe = Type.Optional;
const personId = text('A person’s id; names stay in the door. `pseudonym:…` for somebody who was removed since.');

const band = Type.Enum([...likenessBands], {
  description: 'How far the best match was from the threshold. The exact likeness stays in the journal of the door.',
});
const threshold = object({
  policy: text(),
  logit: Type.Number(),
  fmr: Type.Number(),
  extrapolated: Type.Boolean(),
  layers: maybe(Type.Array(Type.Enum([...thresholdLayers]), { description: 'What has moved it from the calibration table.' })),
});
const checked = {
  verdict: Type.Enum(['live', 'unsure', 'spoof', 'not-checked'], { description: '`not-checked` is never `live`.' }),
  spoof: maybe(Type.Enum([...spoofKinds], { description: 'What it was taken for.' })),
  why: maybe(Type.Enum([...unsureReasons], { description: 'Of `unsure` and `not-checked`.' })),
  proof: maybe(Type.Enum(['challenge', 'pin'], { description: 'What was given besides the face.' })),
};
const liveness = maybe(object({ ...checked, band: maybe(band) }));
/** Whoever tries with pictures does not learn how good they are. */
const livenessOfDenied = maybe(object(checked));
const requester = Type.Union([
  object({
    kind: Type.Literal('operator'),
    name: text(),
    via: Type.Enum(['mqtt', 'console', 'cli']),
    requestId: text('The `jti` of a signed command.'),
  }),
  object({ kind: Type.Literal('exit-button') }),
  object({ kind: Type.Literal('keypad'), via: Type.Enum(['mqtt', 'console']) }),
]);
const account = text('The account of the console.');
const address = text('The address of the browser.');
const way = Type.Enum([...signInWays], { description: 'What was shown.' });
const listed = text('Of all operators since then.');
const request = Type.Enum(['open', 'hold', 'release', 'arm', 'disarm', 'lockout-reset']);
const denial = Type.Enum([...denials]);
const captured = { capturedAtMs: ms('On the door’s monotonic clock.'), ageMs: ms('Age of the newest frame at the decision.') };
const visit = maybe(count('Only in the demo.'));
const detail = text('For people to read.');
const share = Type.Number({ minimum: 0, maximum: 1 });
const box = object({ left: share, top: share, width: share, height: share });

const fields = {
  'daemon.started': object({ version: text(), people: count(), templates: count(), threshold, models: Type.Array(text()) }),
  'daemon.stopped': object({ reason: text() }),
  'camera.failed': object({ code: text(), detail, retryInMs: ms() }),
  'camera.restored': object({ afterMs: ms() }),
  'camera.damage-seen': object({ damaged: count(), frames: count('The latest, with the damaged ones.') }),
  'camera.bound': object({
    title: text(),
    ids: text('Vendor and product.'),
    port: text('Where it is plugged in.'),
    by: maybe(text('Who bound it; absent for the first one.')),
  }),
  'camera.turned': object({ rotate: count('Degrees, for the setting camera.rotate.') }),
  'reader.failed': object({ detail, retryInMs: ms() }),
  'reader.restored': object({ afterMs: ms() }),
  'liveness.failed': object({ detail, retryInMs: ms() }),
  'liveness.restored': object({ afterMs: ms() }),
  'face.masked': object({ box, stillMs: ms() }),
  'face.unmasked': object({ box, why: Type.Enum(['moved', 'another', 'gone']), afterMs: ms() }),
  'access.granted': object({
    personId,
    band: maybe(band),
    votes: count(),
    ...captured,
    threshold,
    withPersonId: maybe(personId),
    liveness,
    visit,
  }),
  'access.denied': object({
    reason: denial,
    detail,
    band: maybe(band),
    ...captured,
    failures: maybe(count('Failed attempts of this face in a row, counted towards a lock-out.')),
    attempts: maybe(count('Failed attempts of whomever since somebody was let in by face.')),
    threshold: maybe(threshold),
    liveness: livenessOfDenied,
    visit,
  }),
  'threshold.moved': object({
    before: Type.Number({ description: 'The logit until now.' }),
    threshold,
    people: count('Behind the door’s own evidence.'),
    visits: count('Of unknown visitors, behind the door’s own evidence.'),
  }),
  'access.pending': object({
    personId,
    needs: Type.Enum(['pin', 'second-person']),
    withinMs: ms(),
    threshold: maybe(threshold),
    liveness,
  }),
  'access.challenged': object({
    personId,
    challenge: text('Another one each time.'),
    what: Type.Enum([...challengeKinds], { description: 'What the visitor has to do.' }),
    times: maybe(count('How often to close the eyes, for `blink`.')),
    withinMs: ms('Milliseconds from `at` to answer.'),
    threshold: maybe(threshold),
    liveness,
    visit,
  }),
  'pin.accepted': object({ personId, withinMs: ms() }),
  'request.granted': object({
    ...{ what: request, by: requester, durationMs: maybe(ms()), personId: maybe(personId) },
    emergencyPin: maybe(Type.Literal(true, { description: 'By the PIN that opens while the vault is locked.' })),
  }),
  'request.refused': object({ what: request, by: requester, reason: denial, detail }),
  'hold.ended': object({ heldMs: ms(), why: Type.Enum(['released', 'over', 'relay-failed']) }),
  'door.opened': object({ expected: Type.Boolean({ description: 'After a release of the lock or a push of the exit button.' }) }),
  'door.closed': object({ openMs: ms() }),
  'door.held-open': object({ openMs: ms() }),
  'door.forced-open': object({}),
  'tamper.raised': object({ blockedMs: ms(), what: maybe(tampered) }),
  'tamper.cleared': object({ afterMs: ms(), what: maybe(tampered) }),
  'lockout.started': object({ failures: count(), durationMs: ms(), level: count() }),
  'lockout.ended': object({ why: Type.Enum(['over', 'reset']) }),
  'access.stopped': object({ attempts: count('Failed attempts in all.') }),
  'access.resumed': object({ why: Type.Enum(['pin', 'reset']) }),
  'clock.jumped': object({ byMs: ms(), sure: Type.Boolean() }),
  'person.left': object({ personId, by: requester }),
  'person.ruled': object({ personId, changed: Type.Array(text()), by: maybe(text('The operator.')) }),
  'relay.pulsed': object({
    grantSeq: count('The entry of the grant or request behind it.'),
    durationMs: ms(),
    captureToRelayMs: maybe(ms()),
  }),
  'relay.failed': object({ grantSeq: count(), detail }),
  'person.enrolled': object({ personId, pictures: count(), by: maybe(text('The operator.')) }),
  'person.renamed': object({ personId, by: maybe(text('The operator.')) }),
  'person.removed': object({ personId, by: maybe(text('The operator.')) }),
  'person.shredded': object({
    personId,
    files: count('Files that were searched: of the state folder, and of what a restore left beside it.'),
    bytes: count('How much that was.'),
    hits: count('Files in which something of the person was found: 0 where nothing is left.'),
    unread: maybe(count('Files that could not be read.')),
    epoch: count('Of the vault: grows with every key that is destroyed.'),
  }),
  'consent.given': object({
    personId,
    version: text('Of the text that the person agreed to.'),
    how: Type.Enum([...consentWays]),
    by: text('Who asked: an operator, or `cli`.'),
  }),
  'consent.withdrawn': object({ personId, by: text() }),
  'person.unused': object({
    personId,
    days: count('Days without a use.'),
    next: Type.Enum(['disable', 'remove'], { description: '`privacy.unusedThen`.' }),
    on: text('When that happens unless they come, ISO 8601.'),
  }),
  'person.picture-removed': object({ personId, left: count('Pictures that the person still has.'), by: text() }),
  'enrolment.stepped': object({
    session: text(),
    step: Type.Enum([...enrolmentSteps]),
    by: text('The operator.'),
    key: text('Thumbprint of the key that asked for it; `unsigned` where none did.'),
    pictures: count('That the session holds; for `committed`, that the person has.'),
    personId: maybe(personId),
    digest: maybe(text('For `committed`: SHA-256 of the ids of all pictures of the person, sorted, each with a line feed.')),
  }),
  'key.added': object({ name: text('The operator.'), role: text(), key: text('Thumbprint of the key.'), digest: maybe(listed) }),
  'key.removed': object({ name: text('The operator.'), role: text(), key: text('Thumbprint of the key.'), digest: maybe(listed) }),
  'key.listed': object({ operators: count('How many.'), by: text('`start`, `restore`, or `cli`.'), digest: listed }),
  'key.sealed': object({ name: text('The operator.'), role: text(), key: text('Thumbprint of the key.') }),
  'key.refused': object({
    ...{ name: text('As the entry has it, like the role.'), role: text(), key: text('Thumbprint of the key.') },
    why: maybe(
      Type.Enum(['seal', 'journal'], {
        description: 'This door did not write it, or its journal does not name it: an older list was put back.',
      }),
    ),
  }),
  'console.signed-in': object({ name: account, role: text(), with: way, address }),
  'console.sign-in-failed': object({
    name: maybe(text('The account; absent where there is none of the name that was given.')),
    with: way,
    times: count('How often since the last event about this account and address.'),
    address: maybe(text('Of the browser; absent where the tries came from too many.')),
  }),
  'console.refused': object({
    why: Type.Enum([...consoleRefusals], { description: 'Why.' }),
    name: maybe(text('Whoever was signed in.')),
    times: count('How often since the last event about this reason, account and address.'),
    address: maybe(text('Of the browser; absent where the requests came from too many.')),
  }),
  'console.exported': object({ name: account, address }),
  'console.certificate-changed': object({
    fingerprint: text('SHA-256 of the certificate, as browsers show it.'),
    expiresAt: text('Until when it is valid: ISO 8601, UTC.'),
    given: Type.Boolean({ description: 'Whether it comes from `console.certificateFile`; else the door made it.' }),
  }),
  'console.signed-out': object({ name: account, address }),
  'console.invited': object({
    role: text(),
    name: maybe(text('The only name that may be chosen.')),
    by: text('An admin, `cli`, or `start`.'),
  }),
  'console.invitation-revoked': object({ role: text(), name: maybe(text()), by: text('An admin.') }),
  'console.joined': object({
    name: account,
    role: text(),
    with: Type.Enum(['password', 'passkey']),
    address,
    by: text('Who invited: an admin, `cli`, or `start`.'),
  }),
  'console.account-changed': object({
    name: account,
    what: Type.Enum([...accountChanges]),
    role: text('The role since then.'),
    by: text('An account.'),
  }),
  'console.account-removed': object({ name: account, role: text(), by: text('An admin.') }),
  'console.session-revoked': object({ name: account, sessions: count('How many ended.'), by: text('An account.') }),
  'console.token-made': object({ name: account, token: text('What its owner calls it.'), role: text(), by: text('An account.') }),
  'console.token-revoked': object({ name: account, token: text('What its owner calls it.'), by: text('An account.') }),
  'vault.locked': object({ code: text(), detail }),
  'vault.unlocked': object({ by: text() }),
  'vault.phrase-shown': object({ by: text() }),
  'vault.pin-set': object({ by: text(), digest: text('Of what the door notes about the file of the PIN.') }),
  'vault.pin-removed': object({ by: text('`restore`: a backup brought none that counts.'), digest: text() }),
  'vault.rekeyed': object({
    source: text('Where the key is now: credential, file, passphrase or beside.'),
    newKey: Type.Boolean({ description: 'Whether the recovery phrase is another one.' }),
    by: text(),
  }),
  'vault.replaced': object({
    had: count('Epoch of the keyring before.'),
    has: count('Epoch of the one found.'),
    removed: count('Keys of removed people, of days and of networks that it brought back; they were destroyed again.'),
  }),
  'journal.replaced': object({ had: count('Entries of the journal before, at least.'), has: count('Entries of the one found.') }),
  'journal.cut': object({
    upTo: count('The last entry that was removed.'),
    rows: count('Entries that were removed.'),
    why: Type.Enum(['age', 'disk'], { description: '`privacy.journalDays` or `privacy.diskMb`.' }),
    unread: maybe(count('The first of them that had not been published.')),
  }),
  'disk.budget-exceeded': object({ usedMb: count('MiB.'), budgetMb: count('`privacy.diskMb`.') }),
  'gallery.lost': object({ detail }),
  'gallery.replaced': object({ people: count(), templates: count() }),
  'gallery.row-refused': object({
    row: Type.Enum(['person', 'picture', 'template']),
    personId,
    picture: maybe(text('The beginning of the SHA-256 of the picture.')),
    why: maybe(
      Type.Enum(['no-key', 'damaged', 'removed'], {
        description:
          'Where it cannot be opened: its key is not in the vault, it is not what was sealed there, or the person was removed and it is deleted. Absent: it does not carry the seal of this door.',
      }),
    ),
  }),
  'gallery.sealed': object({ people: count(), by: text() }),
  'backup.taken': object({ file: text(), bytes: count(), files: count(), by: text() }),
  'backup.failed': object({ code: text(), detail, by: text() }),
  'backup.restored': object({ takenAt: text(), removed: count() }),
  'people.exported': object({ people: count(), personId: maybe(personId), by: text() }),
  'people.imported': object({ door: text(), key: text(), people: count('In the file; not all of them may have been taken.'), by: text() }),
  'setting.changed': object({ path: text(), value: Type.Number(), by: text() }),
  'training.started': object({ job: text(), recipe: text(), where: text(), by: text() }),
  'training.ended': object({
    job: text(),
    outcome: Type.Enum(['promoted', 'refused', 'cancelled', 'failed']),
    detail,
    bundle: maybe(text('The candidate it made.')),
    seconds: Type.Number(),
  }),
  'model.promoted': object({ bundle: text(), version: count(), by: text(), forced: Type.Boolean(), detail }),
  'model.refused': object({ bundle: text(), reason: text(), detail }),
  'model.rolled-back': object({
    bundle: text('The champion from now on, or `base`.'),
    from: text(),
    why: Type.Enum(['asked', 'disagreement', 'damaged']),
    by: text(),
    detail,
  }),
  'model.proved': object({ bundle: text(), decisions: count(), disagreements: count() }),
  'model.added': object({ bundle: text(), version: count(), by: text() }),
  'model.removed': object({ bundle: text(), by: text() }),
  'templates.renewing': object({
    people: count('Who have none yet.'),
    network: text('Name, version and the beginning of the SHA-256.'),
    guarding: maybe(text('The network that guards until everybody has a template; absent where there is none.')),
  }),
  'templates.renewed': object({
    network: text('It guards.'),
    pictures: count('Of which templates were made since the start of the daemon.'),
    templates: count('In all.'),
  }),
  'templates.missing': object({
    personId,
    network: text(),
    recognised: Type.Boolean({ description: 'By the network before, which goes on guarding.' }),
  }),
  'entry.marked': object({ markedSeq: count(), as: text(), by: text(), personId: maybe(personId) }),
  'picture.kept': object({
    keptSeq: count('The entry that they show. The command `picture` returns them, if the owner allows it.'),
    pictures: count(),
    until: Type.String({ format: 'date-time' }),
  }),
  'message.refused': object({ refusedSeq: count(), code: count('MQTT reason code.'), detail }),
} satisfies { readonly [Kind in EventKind]: TObject };

type Readonlied<T> = T extends readonly (infer Item)[]
  ? readonly Readonlied<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: Readonlied<T[K]> }
    : T;
/** What never leaves the door: by these, whoever listens could try faces until one fits. */
type Withheld = 'likeness' | 'bestPersonId';
type Told<Kind extends EventKind> = Omit<LivenessNote, Kind extends 'access.denied' ? 'score' | 'band' : 'score'>;
type Own<Kind extends EventKind> = Omit<Extract<Event, { readonly kind: Kind }>, 'kind' | Withheld>;
type Fields<Kind extends EventKind> = {
  readonly [Name in keyof Own<Kind>]: Name extends 'liveness' ? Told<Kind> | Extract<Own<Kind>[Name], undefined> : Own<Kind>[Name];
};
type Alike<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
/** The events that differ from their schemas. */
type Unlike = {
  [Kind in EventKind]: Alike<Readonlied<Static<(typeof fields)[Kind]>>, Readonlied<Fields<Kind>>> extends true ? never : Kind;
}[EventKind];
/**
 * The fields of each event that leave the house. Does not compile while an event differs from its schema, and names
 * the event.
 */
export const eventFields: [Unlike] extends [never] ? typeof fields : Unlike = fields;

const schemaVersion = Type.Literal(1);
const at = Type.String({ format: 'date-time', description: 'When it was written, UTC.' });
const state = <const Values extends string[]>(values: Values) => object({ schema: schemaVersion, state: Type.Enum(values), at });

/** What the visitor may be asked for. */
export const visitorStates = ['none', 'pin', 'second-person', ...challengeKinds] as const;

/** The states, which are published retained. */
export const stateMessages = {
  /** `unknown`: the line of the lock is not held now; of an input: it cannot be read. */
  door: state(['locked', 'released', 'unknown']),
  camera: state(['working', 'failed']),
  /** `stopped`: too many attempts failed; no face opens until a PIN or an operator. */
  face: state(['working', 'stopped']),
  /** `locked`: the key of the faces is missing; nobody is recognised until it is given. */
  vault: state(['open', 'locked']),
  mode: state(['armed', 'disarmed']),
  /** What the visitor should do now; for a display or a voice at the door. */
  visitor: state([...visitorStates]),
  /** `seen`: for a minute after a face was taken for a picture. */
  spoof: state(['clear', 'seen']),
  contact: state(['closed', 'open', 'unknown']),
  tamper: state(['clear', 'raised', 'unknown']),
  counts: object({
    schema: schemaVersion,
    people: count('Enrolled.'),
    templates: count('Compared with each face.'),
    grants: count('By face, since the daemon started.'),
    denials: count('By face, since the daemon started.'),
    alarms: count('Door held or forced open, tamper, relay; since the daemon started.'),
    at,
  }),
  model: object({
    schema: schemaVersion,
    name: text('Of the embedder in use.'),
    version: text(),
    latest: text('The highest version of that name among the networks of this door.'),
    next: maybe(text('Name and version of the network that guards once everybody has a template of it.')),
    waiting: maybe(count('People without a template of `next`, or, where there is no `next`, of the embedder in use. Absent: nobody.')),
    at,
  }),
  training: object({
    schema: schemaVersion,
    id: text('Of the job under way, or of the last one.'),
    recipe: Type.Enum([...recipeNames]),
    where: Type.Enum([...jobPlaces]),
    by: text('Who asked for it: an operator, or `schedule`.'),
    state: Type.Enum([...jobStates]),
    stage: maybe(text()),
    done: maybe(Type.Number({ description: 'Steps of this stage.' })),
    total: maybe(Type.Number()),
    figures: maybe(Type.Record(Type.String(), Type.Number(), { description: 'Such as the loss.' })),
    startedAt: Type.String({ format: 'date-time' }),
    endedAt: maybe(Type.String({ format: 'date-time' })),
    bundle: maybe(text('The candidate it made.')),
    detail: maybe(text('Why it was refused, cancelled or failed, or why it was promoted.')),
    at,
  }),
};
export type StateName = keyof typeof stateMessages;
type Shown<Message> = [Exclude<keyof Message, 'schema' | 'state' | 'at'>, Message] extends [never, { readonly state: infer State }]
  ? State
  : Omit<Message, 'schema' | 'at'>;
/** What each state is: one word, or several figures. */
export type States = { readonly [Name in StateName]: Readonly<Shown<Static<(typeof stateMessages)[Name]>>> };

export const statusMessage = Type.Union([
  signed(object({ schema: schemaVersion, status: Type.Literal('online'), at })),
  signed(object({ schema: schemaVersion, status: Type.Literal('offline'), reason: Type.Literal('stopped') })),
  object({
    schema: schemaVersion,
    status: Type.Literal('offline'),
    reason: Type.Literal('lost', {
      description: 'The last will: the daemon was killed, or its connection broke. The broker says so, and it has no signature.',
    }),
  }),
]);

/** The output of the training process, line by line. */
export const trainingLine = object({ schema: schemaVersion, job: text(), line: text(), at });

export const selfTestMessage = object({ schema: schemaVersion, selfTest: Type.String({ format: 'uuid' }) });
export const probeMessage = object({ schema: schemaVersion, probe: text() });

/** What Home Assistant's event entity takes (`event_type` is its own word); other fields become its attributes. */
export const attemptTypes = ['granted', 'denied', 'pending', 'challenged'] as const;
export const attemptMessage = object({
  schema: schemaVersion,
  event_type: Type.Enum([...attemptTypes]),
  seq: maybe(count('Of the journal entry.')),
  at,
  person: maybe(text('Id or name of the person who was let in, as set in mqtt.homeAssistant.person.')),
  reason: maybe(denial),
  needs: maybe(Type.Enum(['pin', 'second-person', ...challengeKinds], { description: 'What the visitor has to do.' })),
  times: maybe(count('How often, for `blink`.')),
  band: maybe(band),
});
export const personMessage = object({ schema: schemaVersion, person: text('Id or name, as set in mqtt.homeAssistant.person.'), at });

/** A message whose form another room defines, with the version of the schema and the time added. */
export function stamped({ properties }: TObject): TObject {
  return object({ schema: schemaVersion, ...properties, at });
}

/** A message of the door with its signature, which is always the last field. */
export function signed({ properties }: TObject): TObject {
  const sig = Type.String({
    pattern: '^[A-Za-z0-9_-]+\\.\\.[A-Za-z0-9_-]{86}$',
    description:
      'A detached JWS (RFC 7515, appendix F; Ed25519, the key of the door) over the bytes of the message without this last field. Its header holds `topic` and `iat`, the time of signing.',
  });
  return object({ ...properties, sig: maybe(sig) });
}

const capturedAt = Type.String({
  format: 'date-time',
  description: 'When the newest frame behind it was captured, UTC: `at` minus `ageMs`.',
});

const checkpoint = Type.Object(
  {
    seq: count('Of the entry that was signed.'),
    hash: text('Of that entry.'),
    kid: text('Thumbprint of the door’s key (RFC 7638).'),
    signature: text('Ed25519, base64url, over the lines `facelatch journal checkpoint`, `seq` and `hash`.'),
  },
  {
    ...closed,
    description:
      'The newest signed place in the journal at or before this entry. A listener who keeps the `hash` of each `seq` sees a journal that was written again: the checkpoint no longer fits.',
  },
);

/** The whole message of an event. */
export function eventMessage(kind: EventKind): TObject {
  return object({
    schema: schemaVersion,
    id: Type.String({ format: 'uuid' }),
    seq: Type.Integer({
      minimum: 1,
      description:
        'Counts the journal’s entries without gaps. Messages come at least once and in order: drop those whose `seq` is not above the last one seen. A new `id` with an old `seq` is a new journal.',
    }),
    at,
    hash: text('Of the journal entry: SHA-256 of its row and of the hash before it, hexadecimal.'),
    checkpoint: maybe(checkpoint),
    door: text('door.id'),
    kind: Type.Literal(kind),
    ...eventFields[kind].properties,
    ...('ageMs' in eventFields[kind].properties && { capturedAt }),
    historical: maybe(Type.Literal(true, { description: 'Published late: do not act on it as if it had happened now.' })),
  });
}
