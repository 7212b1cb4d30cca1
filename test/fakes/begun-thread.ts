/** A called thread that notes what it began of a call while another was in hand. Calls that start with `wait` can wait. */
import { answerCalls } from '../../src/base/process/called-thread.ts';

const notes: string[] = [];

await answerCalls<undefined, string, readonly string[], string>(async () => ({
  info: undefined,
  begin: (request) => {
    notes.push(`begin ${request}`);
    return `begun ${request}`;
  },
  canWait: (request) => request.startsWith('wait'),
  answer: async (request, steps, begun = 'nothing') => {
    await steps.next();
    await new Promise((resolve) => setImmediate(resolve));
    notes.push(`answer ${request} with ${begun}`);
    return [...notes];
  },
}));
