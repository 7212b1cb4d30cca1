/** A thread that answers in capitals; `throw` ends it, and `never` is never answered. */
import { answerRequests } from '../../src/base/side-thread.ts';

answerRequests(async (text: string) => {
  if (text === 'throw') throw new Error('asked to');
  if (text === 'never') await new Promise(() => undefined);
  return text.toUpperCase();
});
