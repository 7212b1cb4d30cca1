/** The thread that scores a door; scores.ts starts it, and it ends when it was not needed for a while. */
import { answerRequests } from '../../base/side-thread.ts';
import { scoreDoor, type ToScore } from './measure.ts';

answerRequests((door: ToScore) => scoreDoor(door));
