/** The thread that looks for what is left of a removed person: traces come in, what was found goes out. */
import { answerRequests } from '../base/side-thread.ts';
import { type Searched, searchFolder, type Traces } from './shredding.ts';

export interface SearchRequest {
  readonly folder: string;
  readonly traces: Traces;
}

answerRequests(({ folder, traces }: SearchRequest): Searched => searchFolder(folder, traces));
