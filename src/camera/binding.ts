/**
 * The camera that this door trusts: which one is connected goes in, with the one that was noted; out comes that it is
 * the same, or a fault. The note is a file in the state folder, made when the camera is first opened.
 *
 * A computer that pretends to be a camera can also pretend to have its numbers: this notices a camera that was
 * exchanged or moved, not a copy of it.
 */
import { readFileSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Fault } from '../base/errors.ts';
import { Compile, type Static, Type } from '../base/schema.ts';
import { jsonText, writeWhole } from '../base/whole-file.ts';

/** What must stay the same (`camera.binding`): nothing, the camera, or also the socket that it is plugged into. */
export type BindingRule = 'off' | 'camera' | 'camera-and-port';

const identitySchema = Type.Object({
  /** `usb`, or the bus of a camera that is built in (`platform`, `i2c`, `virtual` …). */
  bus: Type.String(),
  /** Vendor and product, hexadecimal (`046d:0825`); for another bus the name of the driver's device. */
  ids: Type.String(),
  serial: Type.Optional(Type.String()),
  /** What the camera calls itself. */
  title: Type.String(),
  /** Where it is plugged in: the kernel's name of the USB port, such as 1-1.2. */
  port: Type.String(),
});

/** A camera as the kernel describes it. */
export type CameraIdentity = Static<typeof identitySchema>;
const noted = Compile(identitySchema);

const longest = 200;
const plain = (text: string): string =>
  text
    .trim()
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, longest);
const textOf = async (...path: string[]): Promise<string> => plain(await readFile(join(...path), 'utf8').catch(() => ''));

/** The camera behind the device node `path` (`/dev/video0`). */
export async function identityOf(path: string, sys = '/sys/class/video4linux'): Promise<CameraIdentity> {
  const node = join(sys, basename(path));
  const title = await textOf(node, 'name');
  const device = await realpath(join(node, 'device')).catch(() => '');
  // The node hangs on an interface of the USB device (1-1.2:1.0), whose numbers stand a folder above.
  for (const place of [device, dirname(device)]) {
    const [vendor, product, serial] = await Promise.all(['idVendor', 'idProduct', 'serial'].map((name) => textOf(place, name)));
    if (!vendor || !product) continue;
    return { bus: 'usb', ids: `${vendor}:${product}`, ...(serial && { serial }), title, port: plain(basename(place)) };
  }
  const bus = basename(await realpath(join(node, 'device', 'subsystem')).catch(() => 'unknown'));
  return { bus, ids: plain(basename(device)), title, port: plain(basename(device)) };
}

/** The noted camera; undefined where none is. @throws Fault `camera-replaced` for a note that cannot be read. */
export function boundCamera(file: string): CameraIdentity | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(file, error);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (noted.Check(value)) return value;
  } catch (error) {
    throw unreadable(file, error);
  }
  throw unreadable(file);
}

const unreadable = (file: string, cause?: unknown) =>
  new Fault(
    'camera-replaced',
    `The note of this door's camera (${file}) cannot be read: look which camera is connected, then "facelatch camera bind"`,
    cause,
  );

/** Notes the camera as the one that this door trusts. Throws the file system's error. */
export const bindCamera = (file: string, camera: CameraIdentity): void => writeWhole(file, jsonText(camera));

/** The camera for people. */
export function cameraInWords({ title, ids, serial, port }: CameraIdentity): string {
  return `${title || 'a camera'} (${ids}${serial === undefined ? '' : `, serial ${serial}`}, port ${port})`;
}

/** What differs between two cameras, in the order in which it matters; empty: the same under this rule. */
function differences(before: CameraIdentity, now: CameraIdentity, rule: BindingRule): readonly string[] {
  if (rule === 'off') return [];
  const parts: readonly (readonly [string, boolean])[] = [
    ['another model', before.bus !== now.bus || before.ids !== now.ids],
    ['another serial number', before.serial !== now.serial],
    ['another port', rule === 'camera-and-port' && before.port !== now.port],
  ];
  return parts.flatMap(([what, differs]) => (differs ? [what] : []));
}

export interface BindingOptions {
  readonly file: string;
  readonly rule: BindingRule;
  /**
   * Called with a camera that was noted now, the first one. Absent: nothing is noted, as with commands beside the
   * daemon.
   */
  readonly onBound?: ((camera: CameraIdentity) => void) | undefined;
  readonly sys?: string;
}

/**
 * Lets the noted camera pass, and notes the first one. @throws Fault `camera-replaced` for another one; the file
 * system's error where it cannot be noted.
 */
export async function requireBound(path: string, { file, rule, onBound, sys }: BindingOptions): Promise<void> {
  if (rule === 'off') return;
  const [before, now] = [boundCamera(file), await identityOf(path, sys)];
  if (!before) {
    if (!onBound) return;
    bindCamera(file, now);
    return onBound(now);
  }
  const differs = differences(before, now, rule);
  if (differs.length === 0) return;
  throw new Fault(
    'camera-replaced',
    `This is not the camera of this door (${differs.join(', ')}): ${cameraInWords(now)} is connected, and ${cameraInWords(before)} is bound to it. ` +
      'If you changed it yourself: facelatch camera bind; if not, somebody has been at the door',
  );
}
