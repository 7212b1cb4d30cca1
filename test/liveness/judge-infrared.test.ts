/** What the infrared camera adds to the judgement: it never makes a face live, and one that it doubts is not. */
import { expect, it } from 'vitest';
import { livenessJudge } from '../../src/liveness/judge.ts';
import type { FrameEvidence, InfraredReturn } from '../../src/liveness/port.ts';

const judge = livenessJudge(() => ({ bands: { live: 0, spoof: -2, sure: 2 }, networks: 2 }));
const said = (outcome: InfraredReturn['outcome']): InfraredReturn => ({
  outcome,
  why: outcome === 'live' ? 'head' : outcome === 'spoof' ? 'flat' : 'no-lamp',
});
/** A frame for each outcome, which the networks give `logit`. */
const frames = (logit: number, outcomes: readonly InfraredReturn['outcome'][]): FrameEvidence[] =>
  outcomes.map((outcome, i) => ({
    capturedAtMs: 66 * i,
    passive: { network: i % 2 === 0 ? 'skin' : 'context', logit },
    pose: { yawDeg: 0, pitchDeg: 0, rollDeg: 0 },
    place: { x: 0.5, y: 0.5, interEye: 0.1 },
    skin: [120, 100, 90],
    surround: [80, 80, 80],
    infrared: said(outcome),
  }));
const asked = { policy: 'passive', personId: 'p-1' } as const;

it.each([
  ['live where it shows a head', 3, ['live', 'live', 'live', 'live'], { verdict: 'live' }],
  ['live where one frame fails', 3, ['live', 'spoof', 'live', 'live'], { verdict: 'live' }],
  ['a spoof where two frames show paper', 3, ['live', 'spoof', 'live', 'spoof'], { verdict: 'spoof', spoof: 'infrared' }],
  ['unsure where the lamp says nothing', 3, ['unsure', 'unsure', 'unsure', 'unsure'], { verdict: 'unsure', why: 'no-infrared' }],
  ['unsure where one frame alone shows a head', 3, ['live', 'unsure', 'unsure', 'unsure'], { verdict: 'unsure', why: 'no-infrared' }],
  ['a spoof where the networks say so, whatever it shows', -5, ['live', 'live', 'live', 'live'], { verdict: 'spoof', spoof: 'texture' }],
  ['unsure where the networks are, whatever it shows', -0.5, ['live', 'live', 'live', 'live'], { verdict: 'unsure', why: 'between' }],
] as const)('a face is %s', (_, logit, outcomes, verdict) => {
  expect(judge(frames(logit, outcomes), asked)).toMatchObject(verdict);
});
