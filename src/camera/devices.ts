/**
 * The USB cameras of this machine: a name or path from the configuration goes in, the device's real path comes out, or
 * a fault that lists the cameras that are connected.
 */
import { access, constants, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { Fault } from '../base/errors.ts';

/** Major number of video4linux devices (Documentation/admin-guide/devices.txt of the kernel). */
const videoMajor = 81;
/** Drivers of cameras that are none and yet have a device of their own in the kernel's tree. */
const virtualDrivers = ['vivid', 'vimc'];

export interface FindOptions {
  /** Whether a camera that other programs fill may be used. */
  readonly allowVirtual?: boolean;
  readonly dev?: string;
  readonly sys?: string;
}

const devFolder = '/dev';
const sysFolder = '/sys/class/video4linux';

/**
 * The real path of the camera `device`: a name in /dev/v4l/by-id, a name such as video0, or a path.
 * @throws Fault `camera-missing`: not there (with those that are), not a camera, or not for this user.
 */
export async function findVideoDevice(
  device: string,
  { allowVirtual = false, dev = devFolder, sys = sysFolder }: FindOptions = {},
): Promise<string> {
  for (const path of candidates(device, dev)) {
    const real = await realpath(path).catch(() => undefined);
    if (real === undefined) continue;
    await requireVideoDevice(device, real);
    if (!allowVirtual) await requirePhysical(device, real, sys);
    return real;
  }
  throw new Fault('camera-missing', `There is no camera ${shown(device)} (camera.device). ${await camerasInWords(dev)}`);
}

/** @throws Fault `camera-missing` for v4l2loopback and its like, where any program may put pictures in. */
export async function requirePhysical(device: string, path: string, sys = sysFolder): Promise<void> {
  const place = join(sys, basename(path));
  const real = await realpath(place).catch(() => '');
  const driver = basename(await readlink(join(place, 'device', 'driver')).catch(() => ''));
  if (!real.includes('/devices/virtual/') && !virtualDrivers.includes(driver)) return;
  throw new Fault(
    'camera-missing',
    `${shown(device)} (camera.device) is a virtual camera: another program makes its pictures, and could show the door what it likes; set camera.device to a real one, or, if that is intended, set camera.allowVirtual to true`,
  );
}

function candidates(device: string, dev: string): readonly string[] {
  if (device.includes('\0')) return [];
  return device.includes('/') ? [device] : [join(dev, 'v4l', 'by-id', device), join(dev, device)];
}

async function requireVideoDevice(device: string, path: string): Promise<void> {
  const kind = await stat(path).catch(() => undefined);
  if (!kind?.isCharacterDevice() || major(kind.rdev) !== videoMajor) {
    throw new Fault(
      'camera-missing',
      `${shown(device)} (camera.device) is not a camera: give a name in /dev/v4l/by-id or a path such as /dev/video0`,
    );
  }
  await access(path, constants.R_OK | constants.W_OK).catch((error: unknown) => {
    throw forbidden(path, error);
  });
}

/** Major number of a device number as glibc packs it (gnu_dev_major). */
const major = (rdev: number): number => (rdev >>> 8) & 0xfff;

/** The fault for a camera that this user may not open. */
export function forbidden(path: string, cause?: unknown): Fault {
  return new Fault(
    'camera-missing',
    `This user may not open the camera ${path} (camera.device): sudo usermod -aG video ${userName()}, then log in again (or restart the service)`,
    cause,
  );
}

/** The fault for a camera that another program has open. */
export function occupied(path: string, cause?: unknown): Fault {
  return new Fault(
    'camera-missing',
    `Another program is using the camera ${path} (camera.device): close it (fuser -v ${path} names it), or set camera.device to another camera`,
    cause,
  );
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'USER';
  }
}

/** `device` as a message shows it: on one line and short, whatever the configuration holds. */
export function shown(device: string): string {
  return /^[\w./:@+-]{1,200}$/.test(device) ? device : JSON.stringify(device).slice(0, 200);
}

/** A sentence that lists the cameras and says how to choose one. */
export async function camerasInWords(dev = devFolder, sys = sysFolder): Promise<string> {
  const cameras = await videoDevices(dev, sys);
  if (cameras.length === 0) return 'No camera is connected to this machine: plug one in, or choose another camera.source';
  const list = cameras.map(({ name, title }) => (title ? `${name} (${title})` : name)).join(', ');
  return `Cameras that are here: ${list}; set camera.device to the name of one`;
}

/** A camera that is connected: what to put into camera.device, and what the camera calls itself. */
export interface VideoDevice {
  readonly name: string;
  readonly title?: string;
}

/** The cameras that are connected: by their stable names if udev gives them, else by path. */
export async function videoDevices(dev = devFolder, sys = sysFolder): Promise<readonly VideoDevice[]> {
  const lasting = (await names(join(dev, 'v4l', 'by-id'))).map((name) => ({ name, path: join(dev, 'v4l', 'by-id', name) }));
  // A camera has several nodes: index0 delivers the pictures, the others metadata.
  const first = lasting.filter(({ name }) => name.endsWith('-video-index0'));
  const plain = (await names(dev))
    .filter((name) => /^video\d+$/.test(name))
    .map((name) => ({ name: join(dev, name), path: join(dev, name) }));
  const chosen = first.length > 0 ? first : lasting.length > 0 ? lasting : plain;
  return Promise.all(chosen.map(async ({ name, path }) => ({ name, ...(await titleOf(path, sys)) })));
}

async function names(folder: string): Promise<string[]> {
  const found = await readdir(folder).catch(() => []);
  return found.sort(new Intl.Collator('en', { numeric: true }).compare);
}

async function titleOf(path: string, sys: string): Promise<{ readonly title?: string }> {
  try {
    return { title: (await readFile(join(sys, basename(await realpath(path)), 'name'), 'utf8')).trim() };
  } catch {
    return {};
  }
}
