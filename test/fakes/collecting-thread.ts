/** A thread that opens the collection of memory again and again, at the same moment as its neighbours; how often that failed comes back. */
import { parentPort, workerData } from 'node:worker_threads';
import { openCollect } from '../../src/base/process/called-thread.ts';

const { ready, threads, times } = workerData as { ready: SharedArrayBuffer; threads: number; times: number };
const arrived = new Int32Array(ready);
Atomics.add(arrived, 0, 1);
Atomics.notify(arrived, 0);
for (let here = Atomics.load(arrived, 0); here < threads; here = Atomics.load(arrived, 0)) Atomics.wait(arrived, 0, here, 1000);
let failed = 0;
for (let i = 0; i < times; i++) {
  try {
    openCollect();
  } catch {
    failed++;
  }
}
parentPort?.postMessage(failed);
