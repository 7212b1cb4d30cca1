/**
 * All commands by name, in the order in which the help shows them. Each is loaded when it is asked for: most of the
 * time that a command takes to start is the time to load the others.
 */
import type { MakeCommand } from './program.ts';

export const commandsByName: ReadonlyMap<string, () => Promise<MakeCommand>> = new Map([
  ['run', async () => (await import('./door/run.ts')).runCommand],
  ['enrol', async () => (await import('./people/enrol.ts')).enrolCommand],
  ['people', async () => (await import('./people/people.ts')).peopleCommand],
  ['verify', async () => (await import('./people/verify.ts')).verifyCommand],
  ['identify', async () => (await import('./people/identify.ts')).identifyCommand],
  ['compare', async () => (await import('./people/compare.ts')).compareCommand],
  ['evaluate', async () => (await import('./training/evaluate.ts')).evaluateCommand],
  ['privacy', async () => (await import('./privacy/privacy.ts')).privacyCommand],
  ['journal', async () => (await import('./journal/journal.ts')).journalCommand],
  ['vault', async () => (await import('./vault/vault.ts')).vaultCommand],
  ['doctor', async () => (await import('./doctor/doctor.ts')).doctorCommand],
  ['camera', async () => (await import('./door/camera.ts')).cameraCommand],
  ['strictness', async () => (await import('./door/strictness.ts')).strictnessCommand],
  ['config', async () => (await import('./door/config.ts')).configCommand],
  ['models', async () => (await import('./networks/models.ts')).modelsCommand],
  ['console', async () => (await import('./remote/console.ts')).consoleCommand],
  ['key', async () => (await import('./remote/key.ts')).keyCommand],
  ['send', async () => (await import('./remote/send.ts')).sendCommand],
  ['listen', async () => (await import('./remote/listen.ts')).listenCommand],
  ['home-assistant', async () => (await import('./door/home-assistant.ts')).homeAssistantCommand],
  ['bench', async () => (await import('./door/bench.ts')).benchCommand],
  ['train', async () => (await import('./training/train.ts')).trainCommand],
  ['trainer', async () => (await import('./networks/trainer.ts')).trainerCommand],
  ['retrain', async () => (await import('./networks/retrain.ts')).retrainCommand],
  ['tune', async () => (await import('./training/tune.ts')).tuneCommand],
  ['experiment', async () => (await import('./training/experiment.ts')).experimentCommand],
  ['relay', async () => (await import('./door/relay.ts')).relayCommand],
  ['backup', async () => (await import('./vault/backup.ts')).backupCommand],
  ['restore', async () => (await import('./vault/restore.ts')).restoreCommand],
  ['install', async () => (await import('./door/install.ts')).installCommand],
  ['uninstall', async () => (await import('./door/install.ts')).uninstallCommand],
]);

/** Every command, for the help and for names that are none. */
export const allCommands = (): Promise<readonly MakeCommand[]> => Promise.all(commandsByName.values().map((load) => load()));
