/** A screen with one stranger's picture after the other, without a gap, before a running door. */

import { connectAsync } from 'mqtt';
import { expect, it } from 'vitest';
import { hashPin } from '../../src/access/pin.ts';
import { vaultOf } from '../../src/adapters/vault.ts';
import { openLog } from '../../src/base/log.ts';
import type { Requester } from '../../src/events.ts';
import type { FaceReader } from '../../src/face/port.ts';
import { publicEntry } from '../../src/mqtt/codec.ts';
import { wire } from '../../src/wire.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { near, randomOf, unitVector } from '../fakes/embeddings.ts';
import { openMosquitto } from '../fakes/mosquitto.ts';
import { drawing, drawingReader } from '../fakes/reader.ts';
import { fakeRelay } from '../fakes/relay.ts';

const dimension = 48;
const keypad: Requester = { kind: 'keypad', via: 'mqtt' };

/** Reads a drawing's `face` as the number of a person; each frame of a person is a little different. */
function crowdReader(): FaceReader {
  const drawn = drawingReader();
  const random = randomOf(50);
  const embeddingOf = (person: number) => near(unitVector(randomOf(person), dimension), 0.1, random);
  return {
    ...drawn,
    embedder: { ...drawn.embedder, dimension },
    read: async (picture) => {
      const reading = await drawn.read(picture);
      const { face } = JSON.parse(Buffer.from(picture).toString('utf8'));
      return { ...reading, faces: reading.faces.map((each) => ({ ...each, embedding: embeddingOf(face) })) };
    },
  };
}

it('is stopped within fifty attempts; nothing tells how alike anybody was; a resident gets in with a PIN, and then by face', async () => {
  using folder = temporaryFolder();
  const camera = fakeCamera();
  const relay = fakeRelay();
  await using broker = await openMosquitto();
  const states: string[] = [];
  const listener = await connectAsync(broker.url);
  listener.on('message', (_, payload) => void states.push(JSON.parse(payload.toString()).state));
  await listener.subscribeAsync('facelatch/front-door/state/face');
  const flags = {
    ...{ 'state.folder': folder.path, 'identity.policy': 'paper', 'face.idleFps': 0, 'access.absenceMs': 100 },
    ...{ 'mqtt.enabled': true, 'mqtt.url': broker.url },
  };
  const config = doorConfig(flags);
  await using house = await wire(config, openLog('silent'), { camera, reader: crowdReader(), relay });
  const picture = drawing({ face: 1 });
  const template = (await house.reader.read(picture)).faces[0]!.embedding!;
  const ada = house.gallery.enrol({ name: 'Ada', pictures: [{ picture, template, source: 'test' }] });
  using vault = vaultOf(config);
  house.gallery.setRules(ada.id, { pin: await hashPin(vault, '271828'), pinOpens: true });
  const end = new AbortController();
  const running = house.run(end.signal);
  await expect.poll(() => states, { timeout: 5000 }).toEqual(['working']);
  let shown = 0;
  const show = async (face: number | undefined, frames = 4) => {
    for (let i = 0; i < frames; i++) await camera.push(drawing({ ...(face === undefined ? {} : { face }), tag: `${shown++}` }));
  };
  const count = (kind: 'access.stopped' | 'access.granted') => house.journal.query({ kinds: [kind] }).length;
  let pictures = 0;
  while (count('access.stopped') === 0 && pictures < 500) await show(1000 + pictures++);
  expect(pictures).toBeLessThanOrEqual(60);
  const denied = house.journal.query({ kinds: ['access.denied'] });
  expect(denied.length).toBe(50);
  // The door's own journal knows exactly; what leaves it does not.
  expect(denied.every(({ event }) => event.kind === 'access.denied' && event.likeness !== undefined)).toBe(true);
  const told = denied.map((entry) => publicEntry(entry, 'front-door'));
  expect(told.every((each) => !('likeness' in each) && !('bestPersonId' in each))).toBe(true);
  expect(told.every((each) => 'band' in each && each.band === 'far-below')).toBe(true);
  await expect.poll(() => states, { timeout: 5000 }).toEqual(['working', 'stopped']);
  // Now nobody is let in, whoever comes.
  await show(1, 8);
  expect(count('access.granted')).toBe(0);
  expect(relay.pulses).toEqual([]);
  expect(await house.door.enterPin(keypad, '271828', 'Ada')).toMatchObject({ ok: true });
  await show(1, 8);
  await expect.poll(() => count('access.granted'), { timeout: 5000 }).toBe(1);
  await expect.poll(() => states, { timeout: 5000 }).toEqual(['working', 'stopped', 'working']);
  await listener.endAsync();
  end.abort();
  await running;
  expect(house.journal.query({ kinds: ['access.resumed'] })[0]?.event).toEqual({ kind: 'access.resumed', why: 'pin' });
});
