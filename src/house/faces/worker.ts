/** The thread that groups faces; album.ts starts it, and it ends when it was not needed for a while. */
import { answerRequests } from '../../base/side-thread.ts';
import { groupFaces, type ToGroup } from './groups.ts';

answerRequests((faces: ToGroup) => groupFaces(faces));
