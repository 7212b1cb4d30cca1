/** The last line of doctor says what this door does not do, though nothing is a problem. */
import { expect, it } from 'vitest';
import type { Check } from '../../../src/cli/doctor/check.ts';
import { verdict } from '../../../src/cli/doctor/doctor.ts';
import { lacksOf } from '../../../src/learning/own/own-networks.ts';
import { circleEmbedder } from '../../fakes/reader.ts';

const ok: Check = { name: 'state', health: 'ok', found: '' };
const dry: Check = { name: 'relay', health: 'note', found: 'dry', lacks: ['no lock is moved'] };
const clock: Check = { name: 'clock', health: 'note', found: 'not synchronised', lacks: ['signed commands are refused'] };
const camera: Check = { name: 'camera', health: 'problem', found: 'not there' };

it.each([
  ['all is there', [ok, ok], 'Everything that a door needs is there.'],
  ['the relay is dry', [ok, dry], 'No problem, and 1 note (·). As it is, no lock is moved.'],
  ['two things are left out', [dry, clock], 'No problem, and 2 notes (·). As it is, no lock is moved; signed commands are refused.'],
  ['a note takes nothing away', [ok, { ...dry, lacks: [] }], 'No problem, and 1 note (·).'],
  ['something is wrong', [camera, dry], '1 problem (✗) and 1 note (·). As it is, no lock is moved.'],
])('%s', (_, checks, line) => {
  expect(verdict(checks)).toBe(line);
});

it('of a network of one’s own it says what the manifest lacks, and what that costs', () => {
  expect(lacksOf(circleEmbedder)).toEqual([
    expect.stringMatching(/no calibration.*identity\.policy/),
    expect.stringMatching(/no quality: faces of which too little can be told are compared/),
    expect.stringMatching(/no cover: faces behind masks and sunglasses are enrolled/),
  ]);
  expect(lacksOf({ ...circleEmbedder, quality: { door: 0.5, enrolment: 0.6 }, seesCovers: true })).toHaveLength(1);
});
