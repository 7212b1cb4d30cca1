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

/** Of the payloads that wait. */
const mostBytes = { ahead: 1 << 20, others: 16 << 20 } as const;

/** `maxBytes`: of one payload, which lies in the thread's memory several times while it is read. */
export function openProver(parts: ProofParts, maxBytes: number): Prover {
  const thread = sideThread<ToProve, Proved>({
    module: new URL('./worker.ts', import.meta.url),
    data: parts,
    ...{ mostWaiting: 500, patienceMs: 5000, heapMb: 32 + Math.ceil((8 * maxBytes) / 1e6) },
  });
  const waiting = { ahead: 0, others: 0 };
  const ask = async (payload: Uint8Array, ahead: boolean) => {
    const lane = ahead ? 'ahead' : 'others';
    if (waiting[lane] + payload.length > mostBytes[lane]) return undefined;
    waiting[lane] += payload.length;
    try {
      return await thread.ask({ payload: Uint8Array.from(payload) }, { ahead });
    } finally {
      waiting[lane] -= payload.length;
    }
  };
  return {
    prove: async (payload, ahead) => {
      const proved = await ask(payload, ahead);
      if (proved && 'fault' in proved) throw new Fault(proved.fault.code, proved.fault.message);
      return proved?.proof;
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}
