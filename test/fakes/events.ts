/** Ready-made events, one of each kind, for tests of whatever carries events. */
import type { Event, EventKind } from '../../src/events.ts';

const threshold = { policy: 'target-fmr', logit: 4.2, fmr: 2e-6, extrapolated: true, layers: ['table', 'chances'] as const };
const likeness = { logit: 7.5, probability: 0.9994, share: 1 };

/** One event of every kind; the type makes the list complete. */
export const eventOf: { readonly [Kind in EventKind]: Extract<Event, { kind: Kind }> } = {
  'daemon.started': { kind: 'daemon.started', version: '0.1.0', people: 10, templates: 12, threshold, models: ['embedder/twin 1'] },
  'daemon.stopped': { kind: 'daemon.stopped', reason: 'SIGTERM' },
  'camera.failed': { kind: 'camera.failed', code: 'camera-ended', detail: 'ffmpeg ended with 0', retryInMs: 2000 },
  'camera.damage-seen': { kind: 'camera.damage-seen', damaged: 12, frames: 100 },
  'camera.turned': { kind: 'camera.turned', rotate: 180 },
  'camera.restored': { kind: 'camera.restored', afterMs: 5400 },
  'reader.failed': { kind: 'reader.failed', detail: 'the worker ended', retryInMs: 1000 },
  'reader.restored': { kind: 'reader.restored', afterMs: 1200 },
  'access.granted': {
    kind: 'access.granted',
    personId: 'p-0001',
    likeness,
    band: 'at-or-above',
    votes: 3,
    capturedAtMs: 12_345,
    ageMs: 80,
    threshold,
    visit: 7,
  },
  'access.denied': {
    kind: 'access.denied',
    reason: 'unknown',
    detail: 'nobody enrolled is alike',
    likeness: { logit: -3, probability: 0.047, share: 0 },
    band: 'far-below',
    bestPersonId: 'p-0002',
    capturedAtMs: 13_000,
    ageMs: 95,
    failures: 2,
    attempts: 7,
    threshold,
  },
  'threshold.moved': {
    kind: 'threshold.moved',
    before: 4.9,
    threshold: { ...threshold, layers: ['table', 'chances', 'door'] },
    people: 12,
    visits: 3,
  },
  'relay.pulsed': { kind: 'relay.pulsed', grantSeq: 5, durationMs: 3000, captureToRelayMs: 210 },
  'relay.failed': { kind: 'relay.failed', grantSeq: 5, detail: 'the line is held by another process' },
  'access.pending': { kind: 'access.pending', personId: 'p-0001', needs: 'pin', withinMs: 15_000 },
  'pin.accepted': { kind: 'pin.accepted', personId: 'p-0001', withinMs: 15_000 },
  'request.granted': {
    kind: 'request.granted',
    what: 'hold',
    by: { kind: 'operator', name: 'ada', via: 'mqtt', requestId: 'r-1' },
    durationMs: 60_000,
  },
  'request.refused': {
    kind: 'request.refused',
    what: 'open',
    by: { kind: 'keypad', via: 'mqtt' },
    reason: 'wrong-pin',
    detail: 'no such PIN',
  },
  'hold.ended': { kind: 'hold.ended', heldMs: 60_000, why: 'over' },
  'door.opened': { kind: 'door.opened', expected: true },
  'door.closed': { kind: 'door.closed', openMs: 4000 },
  'door.held-open': { kind: 'door.held-open', openMs: 60_000 },
  'door.forced-open': { kind: 'door.forced-open' },
  'face.masked': { kind: 'face.masked', box: { left: 0.1, top: 0.2, width: 0.1, height: 0.15 }, stillMs: 60_000 },
  'face.unmasked': { kind: 'face.unmasked', box: { left: 0.1, top: 0.2, width: 0.1, height: 0.15 }, why: 'moved', afterMs: 3_600_000 },
  'tamper.raised': { kind: 'tamper.raised', blockedMs: 600_000 },
  'tamper.cleared': { kind: 'tamper.cleared', afterMs: 2000 },
  'lockout.started': { kind: 'lockout.started', failures: 5, durationMs: 30_000, level: 0 },
  'lockout.ended': { kind: 'lockout.ended', why: 'over' },
  'access.stopped': { kind: 'access.stopped', attempts: 50 },
  'access.resumed': { kind: 'access.resumed', why: 'pin' },
  'clock.jumped': { kind: 'clock.jumped', byMs: 3_600_000, sure: false },
  'person.left': { kind: 'person.left', personId: 'p-0001', by: { kind: 'operator', name: 'exit-reader', via: 'mqtt', requestId: 'r-2' } },
  'person.ruled': { kind: 'person.ruled', personId: 'p-0001', changed: ['validUntil'] },
  'person.enrolled': { kind: 'person.enrolled', personId: 'p-0001', pictures: 2, by: 'ada' },
  'person.renamed': { kind: 'person.renamed', personId: 'p-0001' },
  'person.picture-removed': { kind: 'person.picture-removed', personId: 'p-0001', left: 4, by: 'ada' },
  'person.removed': { kind: 'person.removed', personId: 'p-0001' },
  'enrolment.stepped': {
    kind: 'enrolment.stepped',
    session: 's-1',
    step: 'committed',
    by: 'ada',
    key: 'k-1',
    pictures: 2,
    personId: 'p-0001',
    digest: 'd'.repeat(64),
  },
  'key.added': { kind: 'key.added', name: 'ada', role: 'admin', key: 'k-1' },
  'key.removed': { kind: 'key.removed', name: 'ada', role: 'admin', key: 'k-1' },
  'journal.replaced': { kind: 'journal.replaced', had: 128, has: 0 },
  'gallery.lost': { kind: 'gallery.lost', detail: 'The gallery is gone.' },
  'gallery.replaced': { kind: 'gallery.replaced', people: 3, templates: 12 },
  'gallery.row-refused': { kind: 'gallery.row-refused', row: 'template', personId: 'p-0001', picture: 'a1b2c3d4e5f6' },
  'gallery.sealed': { kind: 'gallery.sealed', people: 3, by: 'cli' },
  'setting.changed': { kind: 'setting.changed', path: 'relay.pulseMs', value: 2000, by: 'ada' },
  'training.started': { kind: 'training.started', job: 'j-1', recipe: 'adapt', where: 'door', by: 'ada' },
  'training.ended': {
    kind: 'training.ended',
    job: 'j-1',
    outcome: 'promoted',
    detail: 'FNMR 2.0 % instead of 4.0 %',
    bundle: 'b'.repeat(64),
    seconds: 12.5,
  },
  'model.promoted': {
    kind: 'model.promoted',
    bundle: 'b'.repeat(64),
    version: 2,
    by: 'ada',
    forced: false,
    detail: 'FNMR 2.0 % instead of 4.0 %',
  },
  'model.refused': { kind: 'model.refused', bundle: 'b'.repeat(64), reason: 'wrong-door', detail: 'it was trained for back-door' },
  'model.rolled-back': {
    kind: 'model.rolled-back',
    bundle: 'base',
    from: 'b'.repeat(64),
    why: 'disagreement',
    by: 'the door',
    detail: '11 of 20 decisions',
  },
  'templates.renewing': {
    kind: 'templates.renewing',
    people: 2,
    network: 'retail-0095 2.0.0 437b90d9d5af',
    guarding: 'facelatch-twin 1.0.0 1b61c1878798',
  },
  'templates.renewed': { kind: 'templates.renewed', network: 'retail-0095 2.0.0 437b90d9d5af', pictures: 4, templates: 4 },
  'templates.missing': { kind: 'templates.missing', personId: 'p1', network: 'retail-0095 2.0.0 437b90d9d5af', recognised: true },
  'model.proved': { kind: 'model.proved', bundle: 'b'.repeat(64), decisions: 50, disagreements: 1 },
  'model.added': { kind: 'model.added', bundle: 'b'.repeat(64), version: 3, by: 'cli' },
  'model.removed': { kind: 'model.removed', bundle: 'b'.repeat(64), by: 'ada' },
  'entry.marked': { kind: 'entry.marked', markedSeq: 6, as: 'person', by: 'ada', personId: 'p-0001' },
  'picture.kept': { kind: 'picture.kept', keptSeq: 6, pictures: 3, until: '2026-01-08T00:00:00.000Z' },
  'message.refused': { kind: 'message.refused', refusedSeq: 4, code: 153, detail: 'payload format invalid' },
};

/** A small event that carries a number, so that loss and order can be told by it. */
export function numbered(n: number): Event {
  return { kind: 'camera.restored', afterMs: n };
}

/** What of an event leaves the door. */
export function toldOf(event: Event): object {
  const { likeness: _, bestPersonId: _best, ...told } = { likeness: undefined, bestPersonId: undefined, ...event };
  return told;
}
