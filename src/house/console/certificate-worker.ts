/** The thread that makes the console's next certificate; certificate.ts starts it, and it ends when it has answered. */
import { consoleTls } from '../../adapters/console.ts';
import { answerRequests } from '../../base/side-thread.ts';
import type { ConsoleSettings } from '../../console/port.ts';

answerRequests((settings: ConsoleSettings) => consoleTls(settings));
