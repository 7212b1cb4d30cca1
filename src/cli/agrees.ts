/** A question in the terminal goes out, yes or no comes back. */
import { createInterface } from 'node:readline/promises';
import { Fault } from '../base/errors.ts';
import { shownText } from '../base/path.ts';
import { surroundings } from './surroundings.ts';

/** @throws Fault `bad-argument` where nobody can answer. */
export async function agrees(question: string, stop: AbortSignal): Promise<boolean> {
  const { stdin, stderr } = surroundings();
  if (!stdin.isTTY) throw new Fault('bad-argument', `Nobody can answer, because this is not a terminal: add --yes (${question})`);
  // Without line editing, so that Ctrl-C stays a signal.
  using lines = createInterface({ input: stdin, output: stderr, terminal: false });
  const answer = await lines.question(`${shownText(question)} [y/N] `, { signal: stop });
  return ['y', 'yes'].includes(answer.trim().toLowerCase());
}
