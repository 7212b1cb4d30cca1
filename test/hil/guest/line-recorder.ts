/** Watches one simulated line in a thread of its own, a thousand times a second, and reports every change with its time. */
import { openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const file = openSync(workerData as string, 'r');
const one = Buffer.alloc(1);
const still = new Int32Array(new SharedArrayBuffer(4));
for (let last = -1; ; ) {
  readSync(file, one, 0, 1, 0);
  const level = one[0] === 0x31 ? 1 : 0;
  if (level !== last) parentPort?.postMessage({ level, atMs: Number(process.hrtime.bigint()) / 1e6 });
  last = level;
  Atomics.wait(still, 0, 0, 1);
}
