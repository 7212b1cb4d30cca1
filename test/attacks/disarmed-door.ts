/**
 * A process of its own for the tests: a door in the state folder of argv that is disarmed, then opened 30 times. It
 * says so and waits to be killed.
 */

import { writeSync } from 'node:fs';
import { openLog } from '../../src/base/log.ts';
import type { Requester } from '../../src/events.ts';
import { wire } from '../../src/wire.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { drawingReader } from '../fakes/reader.ts';
import { fakeRelay } from '../fakes/relay.ts';

const [state = ''] = process.argv.slice(2);
const by: Requester = { kind: 'operator', name: 'olga', via: 'cli', requestId: 'r' };
const config = doorConfig({ 'state.folder': state, 'identity.policy': 'paper' });
const house = await wire(config, openLog('silent'), { camera: fakeCamera(), reader: drawingReader(), relay: fakeRelay() });
void house.run(new AbortController().signal);
await house.door.disarm(by);
for (let i = 0; i < 30; i++) await house.door.open(by);
writeSync(1, 'opened\n');
