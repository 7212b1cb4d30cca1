/** A real notify socket in a child process, as systemd would hold it: what was sent to it, datagram by datagram. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface FakeSystemd extends AsyncDisposable {
  readonly datagrams: readonly string[];
  /** Resolves when a datagram matches (one that has come already, too). */
  received(pattern: RegExp): Promise<void>;
}

/** Listens on `address`: a path, or `@name`. */
export async function fakeSystemd(address: string): Promise<FakeSystemd> {
  const child = spawn('python3', [fileURLToPath(new URL('./notify-socket.py', import.meta.url)), address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const datagrams: string[] = [];
  const lines = createInterface(child.stdout);
  await once(lines, 'line');
  lines.on('line', (line) => datagrams.push(JSON.parse(line)));
  return {
    datagrams,
    received: async (pattern) => {
      while (!datagrams.some((datagram) => pattern.test(datagram))) await once(lines, 'line');
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
