/**
 * Who signed a payload, found out in a thread of its own, because a signature costs a thousand times what it costs to
 * send one. The desk's opener owns it; it ends with that.
 */
import { Fault, type FaultCode } from '../base/errors.ts';
import { sideThread } from '../base/side-thread.ts';
import type { Proof, ProofParts, Prover } from './proof.ts';

export interface ToProve {
  readonly payload: Uint8Array;
}
export type Proved = { readonly proof: Proof } | { readonly fault: { readonly code: FaultCode; readonly message: string } };

export function openProver(parts: ProofParts): Prover {
  const thread = sideThread<ToProve, Proved>({
    module: new URL('./worker.ts', import.meta.url),
    data: parts,
    ...{ mostWaiting: 32, patienceMs: 5000, heapMb: 96 },
  });
  return {
    prove: async (payload, ahead) => {
      const proved = await thread.ask({ payload: Uint8Array.from(payload) }, { ahead });
      if (proved && 'fault' in proved) throw new Fault(proved.fault.code, proved.fault.message);
      return proved?.proof;
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}
