/**
 * docs/openapi.json (`npm run reference`): the document of the console's API, as the server makes it from the schemas of its routes. The server that is asked here
 * listens to nobody.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBroadcast } from '../../src/console/broadcast.ts';
import { openConsoleServer } from '../../src/console/server.ts';
import { described } from '../../src/house/console/operation.ts';
import { operations } from '../../src/house/console/operations.ts';
import { leaves } from '../../src/settings/schema.ts';

export async function openApi(): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-openapi-'));
  try {
    await using server = await openConsoleServer({
      settings: {
        ...{ door: 'door', address: '127.0.0.1', port: 8620, tls: 'loopback', hosts: [], ingress: [], folder },
        ...{
          sessionHours: 168,
          idleHours: 24,
          maxPictureBytes: Number(leaves().get('enrolment.maxPictureBytes')?.default),
          browserCamera: true,
          version: '1',
        },
      },
      operations: operations.map(described),
      house: { ask: async () => ({ ok: true, result: {} }), answered: () => undefined },
      broadcast: openBroadcast(() => undefined),
      say: () => undefined,
    });
    return JSON.parse(JSON.stringify(server.document));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
