/** A registry for the npm client: packages by name in, an HTTP server on this machine out. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** A tarball as npm makes it. `size`: what a header states instead of the length of the body. */
export function tarball(
  files: readonly { readonly path: string; readonly body: Uint8Array; readonly size?: number; readonly type?: string }[],
) {
  const parts = files.flatMap(({ path, body, size = body.length, type = '0' }) => {
    const header = Buffer.alloc(512);
    header.write(path, 0, 100, 'latin1');
    header.write('0000644\0', 100);
    header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
    header.write('        ', 148);
    header.write(type, 156);
    header.write('ustar\u000000', 257);
    const sum = header.reduce((total, value) => total + value, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)]));
}

export const integrityOf = (bytes: Uint8Array): string => `sha512-${createHash('sha512').update(bytes).digest('base64')}`;

export interface NpmRegistry extends AsyncDisposable {
  readonly address: string;
  /** The paths that were asked for. */
  readonly asked: string[];
}

export interface Published {
  readonly name: string;
  readonly version: string;
  readonly tarball: Uint8Array;
  /** What the registry states of it, where that is not so. */
  readonly integrity?: string;
}

export async function npmRegistry(published: readonly Published[]): Promise<NpmRegistry> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    asked.push(path);
    const found = published.find(({ name }) => path === `/${name}` || path.startsWith(`/${name}/-/`));
    if (!found) return response.writeHead(404).end('{}');
    if (path.includes('/-/')) return response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(found.tarball);
    const { name, version, tarball: bytes, integrity = integrityOf(bytes) } = found;
    const dist = { tarball: `${address}${name}/-/${name}-${version}.tgz`, integrity };
    const document = { name, 'dist-tags': { latest: version }, versions: { [version]: { name, version, dist } } };
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    address,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
