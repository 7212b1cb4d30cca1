/** The simulated USB camera on its cable. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { run, succeeds, until } from './tools.ts';

const nameOf = (serial: string) => `usb-HIL_HIL_USB_Camera_${serial}-video-index0`;
const ownSerial = '0001';
export const cameraName = nameOf(ownSerial);
export type Scene = 'enrolled' | 'stranger' | 'nobody' | 'covered';

export function openCamera() {
  let program: ChildProcess | undefined;
  let said: Interface | undefined;
  let node = `/dev/v4l/by-id/${cameraName}`;
  const tell = (command: string) =>
    new Promise<void>((resolve) => {
      const heard = (line: string) => {
        if (line !== `done ${command}`) return;
        said?.off('line', heard);
        resolve();
      };
      said?.on('line', heard);
      program?.stdin?.write(`${command}\n`);
    });
  const plug = async () => {
    await run('usbip', 'attach', '-r', '127.0.0.1', '-b', '1-1');
    await until('the camera in /dev', () => existsSync(node), 30_000);
  };
  return {
    /** Plugs it in, showing a scene. */
    plugIn: async (scene: Scene) => {
      await run('modprobe', 'vhci-hcd');
      program = spawn(process.execPath, [new URL('./usb-camera.ts', import.meta.url).pathname, `/hil/scenes/${scene}`, '4'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      said = createInterface({ input: program.stdout as NodeJS.ReadableStream });
      await new Promise((resolve) => said?.once('line', resolve));
      await plug();
    },
    show: (scene: Scene) => tell(`show /hil/scenes/${scene}`),
    freeze: () => tell('freeze'),
    thaw: () => tell('run'),
    /** Pulls the cable. */
    pull: async () => {
      await tell('unplug');
      await until('the camera gone from /dev', () => !existsSync(node), 30_000);
    },
    plug,
    /** The serial number of what is plugged next: the door's own camera by default, else another one of the same model. */
    becomes: async (serial = ownSerial) => {
      await tell(`serial ${serial}`);
      node = `/dev/v4l/by-id/${nameOf(serial)}`;
    },
    away: async () => {
      if (!program) return;
      await succeeds('usbip', 'detach', '-p', '00');
      program.kill('SIGKILL');
      program = undefined;
      await until('the camera gone from /dev', () => !existsSync(node), 30_000).catch(() => undefined);
      node = `/dev/v4l/by-id/${cameraName}`;
    },
  };
}
