/** The checks of liveness, opened as the configuration says. */
import { join } from 'node:path';
import { openLivenessChecker } from '../liveness/checker.ts';
import type { LivenessChecker } from '../liveness/port.ts';
import { type LiveVisits, openLiveVisits } from '../liveness/visits.ts';
import type { Config } from '../settings/load.ts';
import type { Vault } from '../vault/port.ts';
import { modelFolder, stateFolder } from './basics.ts';

/** Whether somebody at some time has to show that they live: without that no network is loaded. */
export function checksLiveness({ liveness, access }: Config): boolean {
  const policies = [liveness.policy, ...Object.values(liveness.schedules), ...Object.values(access.groups).map((group) => group.liveness)];
  return policies.some((policy) => policy !== undefined && policy !== 'off');
}

/** Throws Faults `model-missing`, `model-damaged` and `model-unfit`. */
export const livenessOf = ({ liveness }: Config): Promise<LivenessChecker> =>
  openLivenessChecker({
    networks: modelFolder(liveness.networks),
    eye: join(modelFolder('liveness'), 'eye'),
    // Beside the reader, whose networks need the other core.
    threads: 1,
  });

/** What the door knows of living faces before its camera. Throws Faults `liveness-damaged`, `database-newer`. */
export const liveVisitsOf = (config: Config, vault: Vault): LiveVisits =>
  openLiveVisits(join(stateFolder(config), 'liveness.sqlite'), vault);
