/** `facelatch camera`: the cameras of this computer, the one that this door is bound to, and binding it to another. */
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { Command } from 'commander';
import { cameraFile } from '../../adapters/camera.ts';
import { journalOf } from '../../adapters/journal.ts';
import { Fault } from '../../base/errors.ts';
import { bindCamera, boundCamera, type CameraIdentity, cameraInWords, identityOf } from '../../camera/binding.ts';
import { findVideoDevice, videoDevices } from '../../camera/devices.ts';
import type { Config } from '../../settings/load.ts';
import { type CommonOptions, checkState, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';

export function cameraCommand(_stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('camera')
    .summary('the cameras here, and the one that this door trusts')
    .description('Show the USB cameras of this computer and the one that this door is bound to (settings camera.device, camera.binding).');
  withHelp(command, ['facelatch camera', 'facelatch camera bind --config my-door.json'], 'shown');
  return command.addCommand(listCommand(exit), { isDefault: true }).addCommand(bindCommand(exit));
}

function listCommand(exit: (code: number) => void): Command {
  const command = new Command('list').description('the cameras here, and the one that is bound (the default of `facelatch camera`)');
  withHelp(command, ['facelatch camera', 'facelatch camera list --json'], 'shown');
  return withCommon(command).action(async (options: CommonOptions) => {
    const { config } = configOf(options);
    const cameras = await videoDevices();
    const bound = boundCamera(cameraFile(config));
    print(options, { cameras, bound: bound ?? null, rule: config.camera.binding }, () =>
      [
        ...(cameras.length === 0 ? ['no USB camera is connected'] : []),
        ...cameras.map(({ name, title }) => `camera.device "${name}"${title ? `: ${title}` : ''}`),
        bound
          ? `bound to ${cameraInWords(bound)} (camera.binding ${config.camera.binding})`
          : 'bound to none yet: the first start notes the camera that is connected',
      ].join('\n'),
    );
    exit(exitCodes.yes);
  });
}

function bindCommand(exit: (code: number) => void): Command {
  const command = new Command('bind').description(
    'trust the camera that is connected now (camera.device) from now on, after a change of your own; a running daemon takes it up by itself',
  );
  withHelp(command, ['facelatch camera bind', 'sudo -u facelatch facelatch camera bind'], 'bound');
  return withCommon(command).action(async (options: CommonOptions) => {
    const { config } = configOf(options);
    requireUsb(config);
    checkState(config);
    const file = cameraFile(config);
    const camera = await identityOf(await findVideoDevice(config.camera.device, config.camera));
    const before = existsSync(file) ? readable(file) : undefined;
    // Journalled first: no camera is trusted that the journal does not tell of.
    using journal = journalOf(config);
    const { title, ids, port } = camera;
    journal.append({ kind: 'camera.bound', title, ids, port, by: `cli ${userInfo().username}` });
    bindCamera(file, camera);
    print(options, { bound: camera, before: before ?? null }, () =>
      [`bound to ${cameraInWords(camera)}`, ...(before ? [`until now: ${cameraInWords(before)}`] : [])].join('\n'),
    );
    exit(exitCodes.yes);
  });
}

function requireUsb({ camera }: Config): void {
  if (camera.source === 'v4l2' || camera.source === 'webcam') return;
  throw new Fault(
    'bad-argument',
    `Only a USB camera is bound (camera.source "v4l2" or "webcam", not "${camera.source}"); a network camera is known by camera.fingerprint`,
  );
}

/** The note before, which may be damaged: that is what binding mends. */
function readable(file: string): CameraIdentity | undefined {
  try {
    return boundCamera(file);
  } catch {
    return undefined;
  }
}
