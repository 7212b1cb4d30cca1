/** Which fault a call ends with. */
import { Fault } from '../../src/base/errors.ts';

/** The code of the Fault that `work` throws; `none` where it throws nothing. Other errors are thrown on. */
export function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return 'none';
}
