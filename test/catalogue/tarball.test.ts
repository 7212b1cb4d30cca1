/** One file out of a package: nothing before its integrity is known, nothing else than that file. */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fileInPackage } from '../../src/catalogue/tarball.ts';
import { integrityOf, tarball } from '../fakes/npm-registry.ts';

const body = Buffer.from('a network'.repeat(300));
const other = Buffer.from('something else');
const good = tarball([
  { path: 'package/package.json', body: other },
  { path: 'package/../../model/net.onnx', body: other },
  { path: 'package/model/net.onnx', body },
]);
const from = (bytes: Uint8Array, path = 'model/net.onnx') => ({
  ...{ name: 'faces', version: '1.0.0', path, bytes: bytes.length },
  integrity: integrityOf(bytes),
});

it('the file of that path comes out, byte for byte', async () => expect(await fileInPackage(good, from(good), body.length)).toEqual(body));

it('a package with one other bit is refused before anything of it is looked at', async () => {
  const changed = Buffer.from(good);
  changed.writeUInt8(changed.readUInt8(changed.length - 9) ^ 1, changed.length - 9);
  await expect(fileInPackage(changed, from(good), body.length)).rejects.toMatchObject({
    code: 'model-damaged',
    message: expect.stringMatching(/not the one that the catalogue knows.*Nothing of it was unpacked/),
  });
});

describe('refused, although the integrity fits', () => {
  const refused = async (bytes: Uint8Array, message: RegExp, path?: string) =>
    expect(fileInPackage(bytes, from(bytes, path), body.length)).rejects.toMatchObject({
      code: 'model-damaged',
      message: expect.stringMatching(message),
    });

  it('no such file', () => refused(good, /has no file model\/other\.onnx/, 'model/other.onnx'));
  it('the file has another size', () =>
    refused(tarball([{ path: 'package/model/net.onnx', body: other }]), /has no file model\/net\.onnx of 2700 bytes/));
  it('a link of that name', () =>
    refused(tarball([{ path: 'package/model/net.onnx', body: Buffer.alloc(0), size: 2700, type: '2' }]), /has no file/));
  it('it ends within the file', () => refused(gzipSync(Buffer.concat([tarball([]).subarray(0, 0), Buffer.alloc(512)])), /has no file/));
  it('what is not a tar archive', () => refused(gzipSync(Buffer.alloc(2048, 7)), /not a tar archive/));
  it('what is not compressed', () => refused(body, /cannot be unpacked/));
  it('a size beyond any package', () => refused(tarball([{ path: 'package/big', body: other, size: 0o77777777777 }]), /not a tar archive/));
});
