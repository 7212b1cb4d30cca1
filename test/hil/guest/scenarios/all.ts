/** Every scenario, in the order they run. */
import type { Scenario } from '../bench.ts';
import { brokerScenarios } from './broker.ts';
import { cameraScenarios } from './camera.ts';
import { faceScenarios } from './face.ts';
import { inputScenarios } from './inputs.ts';
import { machineScenarios } from './machine.ts';
import { networkRelayScenarios } from './network-relay.ts';
import { processScenarios } from './process.ts';
import { startScenarios } from './start.ts';
import { trainerScenarios } from './trainer.ts';

export const scenarios: readonly Scenario[] = [
  ...startScenarios,
  ...inputScenarios,
  ...faceScenarios,
  ...cameraScenarios,
  ...brokerScenarios,
  ...networkRelayScenarios,
  ...processScenarios,
  ...machineScenarios,
  ...trainerScenarios,
];
