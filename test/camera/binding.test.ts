/** The camera that a door trusts: what the kernel's tree says of it, the note, and what becomes of another one. */
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bindCamera, boundCamera, identityOf, requireBound } from '../../src/camera/binding.ts';
import { temporaryFolder } from './media.ts';

const usb = { vendor: '046d', product: '0825', serial: 'A1B2C3', title: 'C270 HD WEBCAM', port: '1-1.2' };

/** The kernel's tree with one camera, as /sys/class/video4linux shows it; plugging another one in replaces it. */
function kernelTree(folder: string) {
  const sys = join(folder, 'class');
  const node = join(sys, 'video0');
  const put = (place: string, files: Record<string, string>) => {
    mkdirSync(place, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), `${text}\n`);
  };
  const plug = (camera: Partial<typeof usb> = {}) => {
    const { vendor, product, serial, title, port } = { ...usb, ...camera };
    for (const part of ['class', 'devices']) rmSync(join(folder, part), { recursive: true, force: true });
    const device = join(folder, 'devices', port);
    put(device, { idVendor: vendor, idProduct: product, ...(serial && { serial }) });
    const face = join(device, `${port}:1.0`);
    put(face, {});
    put(node, { name: title });
    symlinkSync(face, join(node, 'device'));
  };
  return { sys, node, put, plug };
}

describe('a camera', () => {
  let place: ReturnType<typeof temporaryFolder>;
  let folder: string;
  let tree: ReturnType<typeof kernelTree>;
  beforeEach(() => {
    place = temporaryFolder();
    folder = place.path;
    tree = kernelTree(folder);
    tree.plug();
  });
  afterEach(() => place[Symbol.dispose]());
  const options = (more: object = {}) => ({ file: join(folder, 'camera.json'), rule: 'camera' as const, sys: tree.sys, ...more });

  it('on USB is known by model, serial number, name and port', async () => {
    expect(await identityOf('/dev/video0', tree.sys)).toEqual({
      bus: 'usb',
      ids: '046d:0825',
      serial: 'A1B2C3',
      title: 'C270 HD WEBCAM',
      port: '1-1.2',
    });
  });

  it('that is built in is known by the name of its device', async () => {
    const device = join(folder, 'devices', 'fe801000.csi');
    tree.put(device, {});
    tree.put(join(folder, 'bus', 'platform'), {});
    symlinkSync(join(folder, 'bus', 'platform'), join(device, 'subsystem'));
    rmSync(join(tree.node, 'device'));
    symlinkSync(device, join(tree.node, 'device'));
    expect(await identityOf('/dev/video0', tree.sys)).toMatchObject({ bus: 'platform', ids: 'fe801000.csi' });
  });

  it('cannot put control characters into a message by its name', async () => {
    tree.plug({ title: 'Cam\u001b[2J\u0007', serial: 'x\ny' });
    const { title, serial } = await identityOf('/dev/video0', tree.sys);
    expect(`${title}${serial}`).toMatch(/^[\x20-\x7e]+$/);
  });

  it('is noted when the daemon first opens it, for the user of the door alone', async () => {
    const onBound = vi.fn();
    await requireBound('/dev/video0', options({ onBound }));
    expect(onBound).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ ids: '046d:0825' }));
    expect(boundCamera(options().file)).toMatchObject({ serial: 'A1B2C3' });
    expect(statSync(options().file).mode & 0o777).toBe(0o600);
    await requireBound('/dev/video0', options({ onBound }));
    expect(onBound).toHaveBeenCalledOnce();
  });

  it('is not noted by a command beside the daemon', async () => {
    await requireBound('/dev/video0', options());
    expect(boundCamera(options().file)).toBeUndefined();
  });

  it.each([
    ['of another model', { product: '0826' }, 'another model'],
    ['with another serial number', { serial: 'ZZZ' }, 'another serial number'],
    ['without a serial number', { serial: '' }, 'another serial number'],
  ])('%s in its place is refused, and the note stays', async (_, camera, why) => {
    bindCamera(options().file, await identityOf('/dev/video0', tree.sys));
    const before = readFileSync(options().file, 'utf8');
    tree.plug(camera);
    const onBound = vi.fn();
    await expect(requireBound('/dev/video0', options({ onBound }))).rejects.toMatchObject({
      code: 'camera-replaced',
      message: expect.stringMatching(new RegExp(`${why}.*facelatch camera bind`)),
    });
    expect(onBound).not.toHaveBeenCalled();
    expect(readFileSync(options().file, 'utf8')).toBe(before);
    await expect(requireBound('/dev/video0', options({ rule: 'off' }))).resolves.toBeUndefined();
  });

  it('in another port is refused where the port belongs to the rule', async () => {
    bindCamera(options().file, await identityOf('/dev/video0', tree.sys));
    tree.plug({ port: '1-1.3' });
    await expect(requireBound('/dev/video0', options())).resolves.toBeUndefined();
    await expect(requireBound('/dev/video0', options({ rule: 'camera-and-port' }))).rejects.toMatchObject({ code: 'camera-replaced' });
  });

  it.each(['', '{', '{"bus":"usb"}', '[]'])('is refused while the note is damaged: %j', async (text) => {
    writeFileSync(options().file, text);
    await expect(requireBound('/dev/video0', options({ onBound: vi.fn() }))).rejects.toMatchObject({ code: 'camera-replaced' });
    expect(readFileSync(options().file, 'utf8')).toBe(text);
  });
});
