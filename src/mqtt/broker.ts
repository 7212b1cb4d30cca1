/**
 * An embedded MQTT 3.1.1 broker for the demo and the tests. It asks for no password and keeps everything in memory,
 * so it listens on loopback only; a real door uses a real broker. Whoever opens it ends it by disposing it.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Fault, messageOf } from '../base/errors.ts';

export interface Broker extends AsyncDisposable {
  readonly port: number;
  /** What clients on this machine connect to. */
  readonly url: string;
}

export interface EmbeddedOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly host?: '127.0.0.1' | '::1';
}

/** Starts the broker. Throws Fault `bad-config` when it cannot listen on the port. */
export async function openBroker({ port, host = '127.0.0.1' }: EmbeddedOptions): Promise<Broker> {
  const { Aedes } = await import('aedes'); // loaded now: a door with a broker of its own has no use for it (2 MB)
  const aedes = await Aedes.createBroker();
  const server = createServer(aedes.handle);
  const closeAedes = () => new Promise<void>((resolve) => aedes.close(resolve));
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    await closeAedes();
    throw new Fault(
      'bad-config',
      `The embedded broker cannot listen on port ${port} (${messageOf(error)}); set mqtt.embeddedPort to a free port above 1023, or stop the program that uses this one.`,
      error,
    );
  }
  const taken = (server.address() as AddressInfo).port;
  return {
    port: taken,
    url: `mqtt://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      // This ends the clients' connections, which would keep the server open.
      await closeAedes();
      await closed;
    },
  };
}
