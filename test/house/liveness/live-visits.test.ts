/** What a door learns of living faces: which visits count, and that nothing depends on the file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Fault } from '../../../src/base/errors.ts';
import { openLog } from '../../../src/base/log.ts';
import type { Event, LivenessNote } from '../../../src/events.ts';
import { watchLiveVisits } from '../../../src/house/liveness/live-visits.ts';
import type { Entry } from '../../../src/journal/port.ts';
import { firstBands } from '../../../src/liveness/judge.ts';
import type { FrameEvidence, LivenessInfo } from '../../../src/liveness/port.ts';
import { openLiveVisits } from '../../../src/liveness/visits.ts';
import { eventOf } from '../../fakes/events.ts';
import { memoryVault } from '../../fakes/vault.ts';

let place: string;
const vault = memoryVault();
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'facelatch-live-visits-'));
});
afterEach(() => rmSync(place, { recursive: true }));

const networks: LivenessInfo = { name: 'fake', version: '1', sha256: 'f'.repeat(64), scales: [1.5, 2.7], side: 128 };
const live: LivenessNote = { verdict: 'live' };

function setUp(open = () => openLiveVisits(join(place, 'liveness.sqlite'), vault)) {
  const state = { seq: 0, nowMs: 0, marks: [] as Entry[], people: ['ann', 'bob'] };
  const entryOf = (event: Event): Entry =>
    ({ seq: ++state.seq, id: `${state.seq}`, at: '2026-01-05T12:00:00Z', event, prev: '', hash: '' }) as Entry;
  const journal = { head: 0, query: () => state.marks.splice(0) } as unknown as Parameters<typeof watchLiveVisits>[0]['journal'];
  const watch = watchLiveVisits({ open, journal, log: openLog('silent') });
  const gallery = () => ({ people: state.people.length, ids: () => state.people });
  const look = (personId: string, network: string) => {
    state.nowMs += 100;
    const evidence: FrameEvidence = {
      ...{ capturedAtMs: state.nowMs, passive: { network, logit: 6, features: Float32Array.of(1, state.nowMs % 7) } },
      ...{ pose: { yawDeg: 0, pitchDeg: 0, rollDeg: 0 }, place: { x: 0, y: 0, interEye: 0 }, skin: [0, 0, 0], surround: [0, 0, 0] },
    };
    watch.saw(personId, evidence);
  };
  /** One visit; the sequence of its grant. */
  const visit = (liveness: LivenessNote, { personId = 'ann', of = ['skin', 'context', 'skin'] } = {}): number => {
    for (const network of of) look(personId, network);
    const event: Event = { ...eventOf['access.granted'], personId, liveness };
    const entry = entryOf(event);
    watch.journalled(event, entry, networks);
    state.nowMs += 60_000;
    return entry.seq;
  };
  const mark = (markedSeq: number, personId: string) =>
    state.marks.push(entryOf({ kind: 'entry.marked', markedSeq, as: 'right', by: 'operator', personId }));
  return { state, watch, visit, mark, refresh: () => watch.refresh(gallery()), known: () => watch.known(networks) };
}

it('the camera is known after 20 visits with an answered challenge or a PIN, and after a restart', () => {
  {
    const { visit, refresh, known, watch } = setUp();
    using _ = watch;
    for (let i = 0; i < 20; i++) {
      expect(known().bands).toEqual(firstBands);
      visit({ verdict: 'unsure', proof: i % 2 === 0 ? 'challenge' : 'pin' }, { personId: i % 3 === 0 ? 'bob' : 'ann' });
      refresh();
    }
    expect(known().bands.live).toBe(3);
  }
  using again = setUp().watch;
  expect(again.known(networks).bands.live).toBe(3);
});

it('a visit by face alone counts once an operator says who it was', () => {
  const { visit, mark, refresh, known, watch } = setUp();
  using _ = watch;
  const seqs = Array.from({ length: 20 }, () => visit(live));
  refresh();
  expect(known().bands).toEqual(firstBands);
  for (const seq of seqs) mark(seq, 'ann');
  refresh();
  expect(known().bands.live).toBe(3);
});

it.each([
  ['a visit that was called a spoof', { verdict: 'spoof', proof: 'pin' }, undefined],
  ['two frames', { verdict: 'live', proof: 'pin' }, ['skin', 'context']],
  ['frames of one network', { verdict: 'live', proof: 'pin' }, ['skin', 'skin', 'skin']],
] as const)('%s teaches nothing', (_, note, of) => {
  const { visit, refresh, known, watch } = setUp();
  using __ = watch;
  for (let i = 0; i < 25; i++) visit(note, of && { of: [...of] });
  refresh();
  expect(known().bands).toEqual(firstBands);
});

it('frames of somebody else, or of long ago, do not count for a visit', () => {
  const { visit, refresh, known, watch } = setUp();
  using _ = watch;
  for (let i = 0; i < 25; i++) {
    visit({ verdict: 'live' }, { personId: 'bob', of: ['skin', 'context'] });
    visit({ verdict: 'live', proof: 'pin' }, { of: ['skin', 'context'] });
  }
  refresh();
  expect(known().bands).toEqual(firstBands);
});

it('what was learned of people who are removed is forgotten', () => {
  const { visit, refresh, known, watch, state } = setUp();
  using _ = watch;
  for (let i = 0; i < 20; i++) visit({ verdict: 'live', proof: 'pin' }, { personId: i < 10 ? 'bob' : 'ann' });
  refresh();
  expect(known().bands.live).toBe(3);
  state.people = ['ann'];
  refresh();
  expect(known().bands).toEqual(firstBands);
});

it('a file that cannot be opened leaves the shipped threshold', () => {
  const { visit, refresh, known, watch } = setUp(() => {
    throw new Fault('liveness-damaged', 'broken');
  });
  using _ = watch;
  for (let i = 0; i < 20; i++) visit({ verdict: 'live', proof: 'pin' });
  refresh();
  expect(known().bands).toEqual(firstBands);
});
