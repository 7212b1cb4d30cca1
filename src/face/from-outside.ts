/**
 * Pictures that the door's own camera did not take. An encoded picture of unknown origin goes in; a plain JPEG, made
 * again in a process of its own, comes out. Nothing else of what came from outside is read or kept at the door.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Fault } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import { Compile, Type } from '../base/schema.ts';
import { serialQueue } from '../base/serial.ts';
import { requireFromOutside } from './header.ts';
import type { OutsidePictures } from './port.ts';

export interface OutsideOptions {
  /** A picture that takes longer is refused, milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  /** The program of the process; a test brings another. */
  readonly program?: string;
  /** Ends a process under way; no other is started. */
  readonly signal?: AbortSignal;
}

const refused = Compile(Type.Object({ code: Type.String(), message: Type.String({ maxLength: 2000 }) }));
/** A JPEG of 1280×1280 pixels is smaller, bytes. */
const mostOut = 16 * 2 ** 20;

/** The way in for pictures from outside: one at a time, each in a process of lowest priority that ends with it. */
export function picturesFromOutside({
  timeoutMs = 30_000,
  program = fileURLToPath(new URL('./outside-process.ts', import.meta.url)),
  signal = new AbortController().signal,
}: OutsideOptions = {}): OutsidePictures {
  const inTurn = serialQueue();
  return {
    clean: async (encoded) => {
      requireFromOutside(encoded);
      return await inTurn(() => decodedApart(encoded, { program, timeoutMs, signal }));
    },
  };
}

function decodedApart(encoded: Uint8Array, { program, timeoutMs, signal }: Required<OutsideOptions>): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--max-old-space-size=64', program],
      {
        ...{ encoding: 'buffer', timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: mostOut, signal, cwd: '/' },
        // Nothing of the daemon's environment: it may hold passwords, and the socket of systemd.
        env: { MALLOC_ARENA_MAX: '1', UV_THREADPOOL_SIZE: '1' },
      },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        const said = parseJson(stderr);
        if (refused.Check(said)) {
          const { code, message } = said;
          if (code === 'bad-picture' || code === 'picture-damaged') return reject(new Fault(code, message, error));
          return reject(new Fault('reader-failed', `Pictures from outside cannot be decoded on this machine: ${message}`, error));
        }
        if (signal.aborted) return reject(new Fault('bad-picture', 'The picture was not read: the door is stopping', error));
        const why = error.killed ? `it took longer than ${timeoutMs / 1000} s` : 'it needs more memory or time than is allowed';
        reject(new Fault('bad-picture', `The picture cannot be read: ${why}. Convert it to a JPEG of 2000 pixels`, error));
      },
    );
    // A process that ended early does not take all of it; its end says why.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(encoded);
  });
}
