/** One line that must not be seen: asked for on a terminal without echo, else the first line of standard input. */
import { createInterface } from 'node:readline';
import { type InStream, surroundings } from './surroundings.ts';

export interface SecretPrompt {
  readonly prompt: string;
  readonly stop: AbortSignal;
  readonly input?: InStream;
  readonly output?: NodeJS.WritableStream;
}

/** The line; empty where the input ended without one. Rejects with the reason of `stop`. */
export async function askSecret({
  prompt,
  stop,
  input = surroundings().stdin,
  output = surroundings().stderr,
}: SecretPrompt): Promise<string> {
  stop.throwIfAborted();
  if (!input.isTTY || !input.setRawMode) return await firstLine(input, stop);
  output.write(prompt);
  input.setRawMode(true);
  try {
    return await typedLine(input, stop);
  } finally {
    input.setRawMode(false);
    input.pause();
    output.write('\n');
  }
}

async function firstLine(input: NodeJS.ReadableStream, stop: AbortSignal): Promise<string> {
  const lines = createInterface({ input, terminal: false });
  const abort = () => lines.close();
  stop.addEventListener('abort', abort, { once: true });
  try {
    for await (const line of lines) return line;
    stop.throwIfAborted();
    return '';
  } finally {
    stop.removeEventListener('abort', abort);
    lines.close();
  }
}

/** What is typed up to Enter, where the terminal passes on every key: also those that it handles itself otherwise. */
function typedLine(input: NodeJS.ReadableStream, stop: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed = '';
    const done = (settle: () => void) => {
      input.off('data', onData);
      stop.removeEventListener('abort', onStop);
      settle();
    };
    const onStop = () => done(() => reject(stop.reason));
    const onData = (data: Buffer | string) => {
      for (const key of data.toString()) {
        if (key === '\r' || key === '\n' || key === endOfInput) return done(() => resolve(typed));
        if (key === interrupt) process.kill(process.pid, 'SIGINT');
        else if (key === '\x7f' || key === '\b') typed = typed.slice(0, -1);
        else typed += key;
      }
    };
    stop.addEventListener('abort', onStop, { once: true });
    input.on('data', onData);
    input.resume();
  });
}

/** Ctrl-C and Ctrl-D. */
const [interrupt, endOfInput] = ['\x03', '\x04'];
