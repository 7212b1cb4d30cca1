/** A way to a broker that a test or a bench can close, or cut. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Gate extends AsyncDisposable {
  readonly url: string;
  /** While false nobody comes through, and who is inside is thrown out. */
  open: boolean;
  /** Throws out who is inside, in the middle of whatever they say; false where nobody is. */
  cut(): boolean;
}

/** A way to the broker at `port` that a test can close: the publisher comes in only when the witness is there. It listens on `at`. */
export async function openGate(port: number, at = 0): Promise<Gate> {
  const inside = new Set<Socket>();
  const gate = { open: true };
  const server = createServer((client) => {
    if (!gate.open) return void client.destroy();
    const broker = connect(port, '127.0.0.1');
    client.pipe(broker).pipe(client);
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      inside.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        inside.delete(socket);
        other.destroy();
      });
    }
  }).listen(at, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get open() {
      return gate.open;
    },
    set open(value) {
      gate.open = value;
      if (!value) for (const socket of inside) socket.destroy();
    },
    cut: () => {
      const some = inside.size > 0;
      for (const socket of inside) socket.destroy();
      return some;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of inside) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
