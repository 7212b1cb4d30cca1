/** All commands, in the order in which the help shows them. */
import { benchCommand } from './door/bench.ts';
import { cameraCommand } from './door/camera.ts';
import { configCommand } from './door/config.ts';
import { doctorCommand } from './door/doctor.ts';
import { homeAssistantCommand } from './door/home-assistant.ts';
import { installCommand, uninstallCommand } from './door/install.ts';
import { relayCommand } from './door/relay.ts';
import { runCommand } from './door/run.ts';
import { strictnessCommand } from './door/strictness.ts';
import { journalCommand } from './journal/journal.ts';
import { modelsCommand } from './networks/models.ts';
import { retrainCommand } from './networks/retrain.ts';
import { trainerCommand } from './networks/trainer.ts';
import { compareCommand } from './people/compare.ts';
import { enrolCommand } from './people/enrol.ts';
import { identifyCommand } from './people/identify.ts';
import { peopleCommand } from './people/people.ts';
import { verifyCommand } from './people/verify.ts';
import type { MakeCommand } from './program.ts';
import { keyCommand } from './remote/key.ts';
import { listenCommand } from './remote/listen.ts';
import { sendCommand } from './remote/send.ts';
import { evaluateCommand } from './training/evaluate.ts';
import { experimentCommand } from './training/experiment.ts';
import { trainCommand } from './training/train.ts';
import { tuneCommand } from './training/tune.ts';

export const commands: readonly MakeCommand[] = [
  runCommand,
  enrolCommand,
  peopleCommand,
  verifyCommand,
  identifyCommand,
  compareCommand,
  evaluateCommand,
  journalCommand,
  doctorCommand,
  cameraCommand,
  strictnessCommand,
  configCommand,
  modelsCommand,
  keyCommand,
  sendCommand,
  listenCommand,
  homeAssistantCommand,
  benchCommand,
  trainCommand,
  trainerCommand,
  retrainCommand,
  tuneCommand,
  experimentCommand,
  relayCommand,
  installCommand,
  uninstallCommand,
];
