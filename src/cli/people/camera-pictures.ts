/** Enrolment at the camera from a terminal: the prompts are printed, good pictures of different looks come out. */
import { cameraOf } from '../../adapters/camera.ts';
import { systemClock } from '../../base/time.ts';
import type { FaceReader } from '../../face/port.ts';
import { takePictures } from '../../identity/camera-pictures.ts';
import { type Candidate, type JudgedPicture, readCandidate, withoutRepetition } from '../../identity/candidate.ts';
import type { Config } from '../../settings/load.ts';
import { tell } from '../context.ts';

/** Takes `count` pictures with the configured camera. @throws Faults of the camera; `camera-ended`, `bad-picture` where too few were good. */
export async function cameraPictures(
  { count, interval }: { readonly count: number; readonly interval: number },
  reader: FaceReader,
  config: Config,
  stop: AbortSignal,
) {
  const camera = cameraOf(config, systemClock);
  const taken: Candidate[] = [];
  tell(`${camera.label}: ${count} pictures will be taken; Ctrl-C stops and stores nothing`);
  const judge = async (picture: Uint8Array): Promise<JudgedPicture> => {
    stop.throwIfAborted();
    const outcome = withoutRepetition(await readCandidate(`camera-${taken.length + 1}`, picture, reader, config.face.quality), taken);
    if (outcome.accepted) taken.push(outcome);
    return outcome;
  };
  try {
    await takePictures({
      frames: camera.frames(stop),
      count,
      intervalMs: interval,
      judge,
      onPrompt: (prompt, before) => tell(`[${before + 1} of ${count}] ${prompt} …`),
      onTaken: (detail) => tell(`        taken (${detail})`),
      onComplaint: (detail) => tell(`        ${detail}`),
    });
  } finally {
    stop.throwIfAborted();
  }
  return taken;
}
