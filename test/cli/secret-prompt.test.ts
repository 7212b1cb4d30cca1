/** A PIN is typed without being seen. */
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { askSecret } from '../../src/cli/secret-prompt.ts';

function terminal() {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (raw: boolean) => modes.push(raw) });
  const output = new PassThrough();
  let shown = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  return { input, output, modes, shown: () => shown };
}

const never = new AbortController().signal;

it('reads a line from a terminal without echo, takes back what Backspace removes, and puts the terminal back', async () => {
  const { input, output, modes, shown } = terminal();
  const asked = askSecret({ prompt: 'PIN: ', stop: never, input, output });
  for (const keys of ['48', '\x7f', '7', '11\r']) input.write(keys);
  expect(await asked).toBe('4711');
  expect(shown()).toBe('PIN: \n');
  expect(modes).toEqual([true, false]);
});

it('puts the terminal back when it is stopped', async () => {
  const { input, output, modes } = terminal();
  const stop = new AbortController();
  const asked = askSecret({ prompt: 'PIN: ', stop: stop.signal, input, output });
  input.write('47');
  stop.abort(new Error('SIGINT'));
  await expect(asked).rejects.toThrow('SIGINT');
  expect(modes).toEqual([true, false]);
});

it('reads the first line of a pipe, and asks nothing', async () => {
  const { output, shown } = terminal();
  const input = new PassThrough();
  input.end('4711\nmore\n');
  expect(await askSecret({ prompt: 'PIN: ', stop: never, input, output })).toBe('4711');
  expect(shown()).toBe('');
});

it('is empty where a pipe ends without a line', async () => {
  const input = new PassThrough();
  input.end();
  expect(await askSecret({ prompt: 'PIN: ', stop: never, input, output: new PassThrough() })).toBe('');
});
