/**
 * What a house needs to tell living faces, opened as its configuration says: the infrared camera, the checks, and what
 * shows a challenge. wire.ts opens them and closes them with the house.
 */
import { join } from 'node:path';
import { stateFolder } from '../adapters/basics.ts';
import { infraredOf } from '../adapters/camera.ts';
import { openChallengeOutputs, outputsOptions } from '../adapters/challenge.ts';
import { checksLiveness, livenessOf, liveVisitsOf } from '../adapters/liveness.ts';
import type { FaceReader } from '../face/port.ts';
import type { LivenessChecker } from '../liveness/port.ts';
import type { Config } from '../settings/load.ts';
import { type ChallengeWatch, watchChallenges } from './challenge-watch.ts';
import type { InfraredWatch } from './liveness/infrared-watch.ts';
import { watchLiveVisits } from './liveness/live-visits.ts';
import { type LivenessWatch, type LivenessWatchParts, watchLiveness } from './liveness/liveness-watch.ts';
import type { Rooms } from './rooms.ts';

/** The infrared camera, where there is one. */
export async function infraredWatchOf({ config, clock, log, eyes, journal }: Rooms): Promise<InfraredWatch | undefined> {
  const camera = infraredOf(config, clock, ({ title, ids, port }) => journal.append({ kind: 'camera.bound', title, ids, port }));
  if (!camera) return undefined;
  const { openInfraredWatch } = await import('./liveness/infrared-watch.ts');
  return openInfraredWatch({
    ...{ camera, clock },
    reader: () => eyes.reader,
    file: join(stateFolder(config), 'infrared.json'),
    log: log.child({ room: 'liveness' }),
    retryMs: config.camera.retryMaxMs,
  });
}

/** What shows a challenge to the visitor, where there is something. */
export function challengeWatchOf({ config, clock, log }: Rooms, brokerUrl: string | undefined): ChallengeWatch | undefined {
  const options = checksLiveness(config) ? outputsOptions(config, brokerUrl) : undefined;
  return options && watchChallenges({ open: () => openChallengeOutputs(options), clock, log: log.child({ room: 'liveness' }) });
}

/**
 * The checks of liveness, where somebody has to show that they live. `liveness`: in place of the configured ones;
 * none where a test brings its own `reader`.
 */
export async function livenessWatchOf(
  { infrared, config, clock, log, journal, vault, lock }: Rooms,
  { liveness, reader }: { readonly liveness?: LivenessChecker; readonly reader?: FaceReader },
  record: LivenessWatchParts['record'],
): Promise<LivenessWatch | undefined> {
  if (!checksLiveness(config) || lock || (reader && !liveness)) return undefined;
  const open = async () => liveness ?? (await livenessOf(config));
  const visits = watchLiveVisits({ open: () => liveVisitsOf(config, vault), journal, log });
  return watchLiveness({ open, clock, log, record, visits, infrared, retry: retryOf(config) });
}

/** Waits before what failed is opened again. */
export const retryOf = ({ camera }: Config) => ({ minMs: camera.retryMinMs, maxMs: camera.retryMaxMs });
