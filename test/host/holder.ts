/** A process of its own for the tests: takes the lock of the state folder named in argv, says so and holds it until it is killed. */
import { setTimeout } from 'node:timers/promises';
import { lockState } from '../../src/host/lock.ts';

using _lock = lockState(process.argv[2] ?? '');
process.stdout.write('locked\n');
await setTimeout(600_000);
