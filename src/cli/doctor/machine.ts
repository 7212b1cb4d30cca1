/** What `doctor` says of the machine: the state folder, the clock, and the optional parts. */
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { stateFolder } from '../../adapters/basics.ts';
import { lacksVoice } from '../../adapters/challenge.ts';
import { Fault } from '../../base/errors.ts';
import { stateModes } from '../../host/state-folder.ts';
import { timeSync } from '../../host/time-sync.ts';
import type { Config } from '../../settings/load.ts';
import type { Check, Found } from './check.ts';

const leastFreeBytes = 200 * 1024 * 1024;
/** This program did not exist before: a clock that is earlier was never set. */
const earliestWall = Date.UTC(2026, 0, 1);

export function checkStateFolder(config: Config): Found {
  const folder = stateFolder(config);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Fault('bad-config', `This user may not write in ${folder}: chown it, or set state.folder (--state) to another`, error);
  }
  if (free < leastFreeBytes)
    throw new Fault(
      'disk-full',
      `${folder}: only ${Math.round(free / 1e6)} MB are free; at least ${Math.round(leastFreeBytes / 1e6)} are needed: make room, or move state.folder`,
    );
  const { writable, readable } = stateModes(folder);
  if (writable !== undefined || readable !== undefined)
    return { health: 'problem', found: [writable, readable].filter(Boolean).join('; ') };
  return { health: 'ok', found: `${folder}, ${(free / 1e9).toFixed(1)} GB free` };
}

/** Asked as the daemon asks, whichever time service keeps the clock. */
export function checkClock({ retrain, mqtt }: Config): Found {
  const now = new Date();
  if (now.getTime() < earliestWall)
    return {
      health: 'problem',
      found: `the clock says ${now.toISOString()}: it was never set; install a time service (systemd-timesyncd)`,
    };
  if (timeSync()()) return { health: 'ok', found: `${now.toISOString()}, synchronised` };
  const lacks = [
    ...(mqtt.enabled && mqtt.commands && mqtt.clockCheck ? ['signed commands are refused until the clock is synchronised'] : []),
    ...(retrain.schedule === '' ? [] : ['retrain.schedule starts no training until the clock is synchronised']),
  ];
  return { health: 'note', found: `${now.toISOString()}, not synchronised: timedatectl set-ntp true, or install chrony`, lacks };
}

/** What does not work without each optional part, in one line. */
export function* checkOptional(config: Config): Generator<Check> {
  const require = createRequire(import.meta.url);
  const usable = (load: () => unknown): boolean => {
    try {
      return load() !== false;
    } catch {
      return false;
    }
  };
  const onPath = (tool: string) => (process.env.PATH ?? '').split(':').some((folder) => existsSync(`${folder}/${tool}`));
  if (!onPath('ffmpeg'))
    yield {
      name: 'ffmpeg',
      health: 'problem',
      found: 'not installed: USB and network cameras and videos cannot be read: apt install ffmpeg',
    };
  if (lacksVoice(config))
    yield {
      name: 'voice',
      health: 'note',
      found: 'espeak-ng is not installed: challenges are not spoken (liveness.voice.language): apt install espeak-ng',
    };
  if (!usable(() => require('onoff')))
    yield {
      name: 'onoff',
      health: 'note',
      found:
        'its native part is not built: a relay on the old sysfs GPIO interface cannot be used, everything else works (node bin/setup.mjs builds it where python3, make and g++ are installed)',
    };
  if (!usable(() => tensorflowBinding(require))) {
    yield {
      name: 'tfjs-node',
      health: 'note',
      found: 'its native part is not installed: training on TensorFlow.js runs on WebAssembly instead; recognition never needs it',
    };
  }
}

function tensorflowBinding(require: NodeJS.Require): boolean {
  const folder = require.resolve('@tensorflow/tfjs-node/package.json').replace(/package\.json$/, '');
  return existsSync(`${folder}lib/napi-v8/tfjs_binding.node`);
}
