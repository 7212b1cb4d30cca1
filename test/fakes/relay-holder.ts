/** A daemon that does nothing but pulse a kept relay for a minute, and then waits, or hangs in a busy loop: for tests that take it away. */
import { openLog } from '../../src/base/log.ts';
import { type KeptRelayOptions, openKeptRelay } from '../../src/relay/kept-relay.ts';

const options = JSON.parse(process.argv[2] ?? '') as Omit<KeptRelayOptions, 'log'>;
const relay = await openKeptRelay({ ...options, log: openLog('silent') });
await relay.pulse(60_000);
if (process.argv[3] === 'spin') for (;;);
setInterval(() => undefined, 1000);
