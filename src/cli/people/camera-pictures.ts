/** Enrolment at the camera from a terminal: prompts are printed, good pictures that differ from each other come out. */
import { cameraOf } from '../../adapters/camera.ts';
import { systemClock } from '../../base/time.ts';
import type { FaceReader } from '../../face/port.ts';
import { takePictures } from '../../identity/camera-pictures.ts';
import { type Candidate, type JudgedPicture, readCandidate, withoutRepetition } from '../../identity/candidate.ts';
import type { Config } from '../../settings/load.ts';
import { tell } from '../context.ts';
import { counted } from '../words.ts';

/**
 * Takes `count` pictures with the configured camera.
 * @throws Faults of the camera; `camera-ended`, `bad-picture` where too few pictures were good.
 */
export async function cameraPictures(
  { count, interval }: { readonly count: number; readonly interval: number },
  reader: FaceReader,
  config: Config,
  stop: AbortSignal,
) {
  const camera = cameraOf(config, systemClock);
  const taken: Candidate[] = [];
  tell(`${camera.label}: takes ${counted(count, 'picture')}. Ctrl-C stops, and nothing is stored`);
  const judge = async (picture: Uint8Array): Promise<JudgedPicture> => {
    stop.throwIfAborted();
    const outcome = withoutRepetition(
      await readCandidate(`camera-${taken.length + 1}`, picture, reader, config.face.quality, 'camera'),
      taken,
    );
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
