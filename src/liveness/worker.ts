/**
 * The worker thread of the liveness checks, because ONNX Runtime's run() blocks its thread. checker.ts starts and ends
 * it. Frames come in by message, their evidence goes out. It owns the networks, and what is known of the frames before.
 */
import { workerData } from 'node:worker_threads';
import { answerCalls, buffersIn } from '../base/process/called-thread.ts';
import type { UnsureReason } from '../events.ts';
import type { CheckerOptions } from './checker.ts';
import { openEyeState } from './eye-state.ts';
import { openLivenessNetworks } from './manifest.ts';
import { type Motion, openMotion } from './motion/motion.ts';
import { openPassive, type PassiveNetwork } from './passive.ts';
import type { FrameEvidence, LivenessFrame, LivenessInfo } from './port.ts';

const options = workerData as CheckerOptions;

interface Checks {
  readonly networks: readonly PassiveNetwork[];
  readonly eyesOpen: Awaited<ReturnType<typeof openEyeState>>;
  readonly motion: Motion;
  /** The network whose turn it is: one a frame. */
  turn: number;
}

async function evidenceOf(checks: Checks, frame: LivenessFrame): Promise<FrameEvidence> {
  const { capturedAtMs, quality, landmarks, width, cuts } = frame;
  const [right, left] = landmarks;
  const motion = checks.motion.look(frame);
  return {
    capturedAtMs,
    ...(await passiveOf(checks, frame)),
    sharpness: quality.sharpness,
    pose: { yawDeg: quality.yawDeg, pitchDeg: quality.pitchDeg, rollDeg: quality.rollDeg },
    place: { x: (right.x + left.x) / 2 / width, y: (right.y + left.y) / 2 / width, interEye: quality.interEyePx / width },
    eyesOpen: await checks.eyesOpen(cuts.eyes),
    skin: cuts.skin,
    surround: cuts.surround,
    ...(motion.length > 0 && { motion }),
  };
}

async function passiveOf(checks: Checks, frame: LivenessFrame): Promise<Pick<FrameEvidence, 'passive' | 'unsure'>> {
  if (!frame.passive) return {};
  const why = unfitness(frame);
  if (why) return { unsure: why };
  const at = checks.turn;
  const [network, square] = [checks.networks[at], frame.cuts.around[at]];
  if (!network || !square) return { unsure: 'not-checked' };
  checks.turn = (at + 1) % checks.networks.length;
  return { passive: await network.look(square) };
}

/** Smallest distance between the eyes that shows the texture of a print or a display, pixels. */
const leastInterEyePx = 24;
/** How much of the face's surround must be in the picture: the box enlarged by this, less the slack on each side. */
const surround = { scale: 1.5, slack: 0.1 } as const;

/** Why the networks cannot look at this face. */
function unfitness({ quality: { reasons, interEyePx }, box, width, height }: LivenessFrame): UnsureReason | undefined {
  if (reasons.includes('cut-off')) return 'cut-off';
  if (reasons.includes('too-small') || interEyePx < leastInterEyePx) return 'too-small';
  if (reasons.length > 0) return 'low-quality';
  const beyond = (surround.scale - 1) / 2 - surround.slack;
  const [w, h] = [(box.x2 - box.x1) * beyond, (box.y2 - box.y1) * beyond];
  const inside = box.x1 - w >= 0 && box.y1 - h >= 0 && box.x2 + w <= width && box.y2 + h <= height;
  return inside ? undefined : 'cut-off';
}

// One frame after the other: the buffers of the networks are shared, and tracking needs the order.
await answerCalls<LivenessInfo, LivenessFrame, FrameEvidence>(async () => {
  const opened = openLivenessNetworks(options.networks);
  const checks: Checks = {
    networks: await openPassive(opened, options.threads),
    eyesOpen: await openEyeState(options.eye),
    motion: openMotion(),
    turn: 0,
  };
  return {
    info: opened.info,
    answer: (frame) => evidenceOf(checks, frame),
    transfer: ({ passive }) => buffersIn(passive),
  };
});
