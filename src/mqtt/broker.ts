/**
 * A broker of our own for the demo and the tests: a port goes in, a running MQTT 3.1.1 broker on loopback comes out. It asks for no
 * password and keeps everything in memory, so it listens on loopback only; a real door uses a real broker.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Aedes } from 'aedes';
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

/** Starts the broker. Throws Fault `bad-config` when the port cannot be had. */
export async function openBroker({ port, host = '127.0.0.1' }: EmbeddedOptions): Promise<Broker> {
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
      `The embedded broker cannot have port ${port} (${messageOf(error)}); set mqtt.embeddedPort to a free port above 1023, or stop what uses this one.`,
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
      // Ends the clients' connections, without which the server would stay open.
      await closeAedes();
      await closed;
    },
  };
}
