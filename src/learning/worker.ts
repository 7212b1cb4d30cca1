/** The thread that checks the networks on disk for whoever asks from afar; network-list.ts starts and ends it. */
import { answerRequests } from '../base/side-thread.ts';
import type { Config } from '../settings/load.ts';
import { networks } from './networks.ts';

answerRequests((config: Pick<Config, 'face' | 'liveness' | 'state'>) => networks(config));
