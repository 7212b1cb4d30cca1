/** A whole running door before which a crowd stands; it knows Ada, whose face is at 10°. Four pictures a second. */

import { openLog } from '../../src/base/log.ts';
import type { Event } from '../../src/events.ts';
import { wire } from '../../src/wire.ts';
import { fakeCamera } from './camera.ts';
import { fakeClock } from './clock.ts';
import { doorConfig } from './config.ts';
import { crowd, crowdReader, type InCrowd } from './crowd.ts';
import { fakeRelay } from './relay.ts';

/** `state`: its state folder. */
export async function openCrowdDoor(state: string, settings: Readonly<Record<string, unknown>> = {}) {
  const flags = { 'state.folder': state, 'identity.policy': 'paper', 'face.idleFps': 0, ...settings };
  const config = doorConfig(flags);
  const clock = fakeClock();
  const camera = fakeCamera(clock);
  const events: Event[] = [];
  const onEvent = (event: Event) => events.push(event);
  const house = await wire(config, openLog('silent'), { clock, camera, relay: fakeRelay(), reader: crowdReader(), onEvent });
  const picture = crowd([{ face: 10, x: 320, width: 200 }], 'enrolled');
  const template = (await house.reader.read(picture)).faces[0]?.embedding as Float32Array;
  house.gallery.enrol({ name: 'Ada', pictures: [{ picture, template, source: 'test' }] });
  const end = new AbortController();
  const running = house.run(end.signal);
  let shown = 0;
  const show = async (seconds: number, faces: (second: number) => readonly InCrowd[]) => {
    for (let i = 0; i < seconds * 4; i++) {
      await camera.push(crowd(faces(i / 4), ++shown));
      await clock.advance(250);
    }
  };
  const stop = async () => {
    end.abort();
    await running;
    await house[Symbol.asyncDispose]();
  };
  return { house, events, show, stop };
}
