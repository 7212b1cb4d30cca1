/**
 * A called thread that notes what it began of a call while another was in hand. Calls that start with `wait` can wait.
 * It answers none before all calls of the test have arrived.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { answerCalls } from '../../src/base/process/called-thread.ts';

const { calls } = workerData as { calls: number };
const notes: string[] = [];
let arrived = 0;
parentPort?.on('message', () => arrived++);

await answerCalls<undefined, string, readonly string[], string>(async () => ({
  info: undefined,
  begin: (request) => {
    notes.push(`begin ${request}`);
    return `begun ${request}`;
  },
  canWait: (request) => request.startsWith('wait'),
  answer: async (request, steps, begun = 'nothing') => {
    while (arrived < calls) await new Promise((resolve) => setImmediate(resolve));
    await steps.next();
    notes.push(`answer ${request} with ${begun}`);
    return [...notes];
  },
}));
