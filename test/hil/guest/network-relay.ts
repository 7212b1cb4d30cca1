/** A relay on the network as a Shelly of the first generation speaks, with a password, and without the timer of its own: only being told ends a release. */
import { createServer } from 'node:http';
import { nowMs } from './board.ts';
import { until } from './tools.ts';

export const relayPort = 8099;
export const relayPassword = 'coil-31';

export function openNetworkRelay() {
  const edges: { readonly on: boolean; readonly atMs: number }[] = [];
  const isOn = () => edges.at(-1)?.on === true;
  const turn = (on: boolean) => {
    if (on !== isOn()) edges.push({ on, atMs: nowMs() });
  };
  const admitted = `Basic ${Buffer.from(`admin:${relayPassword}`).toString('base64')}`;
  const server = createServer((request, response) => {
    if (request.headers.authorization !== admitted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="relay"' }).end();
      return;
    }
    const asked = new URL(request.url ?? '/', 'http://relay').searchParams.get('turn');
    if (asked) turn(asked === 'on');
    response.end(JSON.stringify({ ison: isOn() }));
  }).listen(relayPort, '127.0.0.1');
  return {
    isOn,
    edges,
    on: (withinMs = 30_000) => until('the relay on', isOn, withinMs),
    off: async (withinMs = 30_000) => {
      await until('the relay off', () => !isOn(), withinMs);
      return edges.at(-1)?.atMs ?? 0;
    },
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
