/** The thread that finds out who signed a command; prover.ts starts and ends it. Payloads come in, proofs go out. */
import { workerData } from 'node:worker_threads';
import { asFault } from '../base/errors.ts';
import { answerRequests } from '../base/side-thread.ts';
import { type ProofParts, proofOf } from './proof.ts';
import type { Proved, ToProve } from './prover.ts';

const prove = proofOf(workerData as ProofParts);

/** Gives way to what reads faces, and is not starved by it: a door must hear `disarm` when its processors are busy. */
const niceness = 4;

answerRequests(async ({ payload }: ToProve): Promise<Proved> => {
  try {
    return { proof: await prove(payload) };
  } catch (error) {
    const { code, message } = asFault(error, 'bad-config', 'Commands cannot be checked');
    return { fault: { code, message } };
  }
}, niceness);
