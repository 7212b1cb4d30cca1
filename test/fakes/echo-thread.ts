/** A thread that answers in capitals; `throw` ends it, `never` is never answered, and `asked` says how much it was asked. */
import { answerRequests } from '../../src/base/side-thread.ts';

const seen = { asked: 0 };

answerRequests(async (text: string) => {
  seen.asked++;
  if (text === 'throw') throw new Error('asked to');
  if (text === 'never') await new Promise(() => undefined);
  return text === 'asked' ? String(seen.asked) : text.toUpperCase();
});
