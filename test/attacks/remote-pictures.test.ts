/** Hostile pictures sent to a running door: none reaches its reader, each is answered, and what is read was made by the door's own process. */

import { randomUUID } from 'node:crypto';
import { connectAsync, type MqttClient } from 'mqtt';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { type House, wire } from '../../src/wire.ts';
import { demoPicture, temporaryFolder } from '../cli/facelatch.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { type Mosquitto, openMosquitto } from '../fakes/mosquitto.ts';
import { drawing, drawingReader } from '../fakes/reader.ts';

const folder = temporaryFolder();
const end = new AbortController();
/** What the door's reader was given. */
const read: Uint8Array[] = [];
let broker: Mosquitto;
let client: MqttClient;
let house: House;
let running: Promise<unknown>;
let session: string;

/** An unsigned command and its answer. */
async function ask(name: string, args: object) {
  const id = randomUUID();
  const responseTopic = `facelatch/front-door/reply/${id}`;
  const answered = new Promise<Buffer>((resolve) => client.on('message', (topic, payload) => topic === responseTopic && resolve(payload)));
  const payload = JSON.stringify({ id, args });
  await client.publishAsync(`facelatch/front-door/cmd/${name.replace('.', '/')}`, payload, { qos: 1, properties: { responseTopic } });
  return JSON.parse((await answered).toString('utf8'));
}
const send = async (picture: Uint8Array) => (await ask('enrol.add', { session, picture: Buffer.from(picture).toString('base64') })).result;

beforeAll(async () => {
  broker = await openMosquitto();
  client = await connectAsync(broker.url, { protocolVersion: 5 });
  const settings = {
    'state.folder': folder.path,
    'identity.policy': 'paper',
    'mqtt.enabled': true,
    'mqtt.url': broker.url,
    'mqtt.clockCheck': false,
    'mqtt.allowUnsigned': ['enrol.start', 'enrol.add', 'enrol.status'],
  };
  const config = doorConfig(settings);
  const drawings = drawingReader();
  const reader = {
    ...drawings,
    read: async (picture: Uint8Array) => {
      read.push(picture);
      return await drawings.read(drawing({ face: 0, tag: `${read.length}` }));
    },
  };
  const listens = new Promise<void>((resolve) => client.on('message', (topic) => topic.endsWith('/cmd/self-test') && resolve()));
  await client.subscribeAsync('facelatch/front-door/#', { qos: 1 });
  house = await wire(config, openLog('silent'), { camera: fakeCamera(), reader });
  running = house.run(end.signal);
  await listens;
  session = (await ask('enrol.start', { name: 'Ada' })).result.session;
}, 60_000);

afterAll(async () => {
  end.abort(new Error('the test is over'));
  await running;
  await house[Symbol.asyncDispose]();
  await client.endAsync(true);
  await broker[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const plain = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: '#777' } });
/** A PNG that says it has another size. */
async function pngOf(width: number, height: number): Promise<Buffer> {
  const png = await plain(64, 48).png().toBuffer();
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  return png;
}

it('each is refused with what to do, and none reaches the reader', async () => {
  const avif = await plain(64, 64).avif({ effort: 0 }).toBuffer();
  const hostile: [Buffer, RegExp][] = [
    [avif, /This is an AVIF picture.*Convert it to JPEG/],
    [Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'), /HEIC.*Convert it to JPEG/],
    [await plain(64, 64).tiff().toBuffer(), /JPEG, PNG and WebP are taken/],
    [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'), /JPEG, PNG and WebP are taken/],
    [await pngOf(30_000, 30_000), /900 megapixels, and at most 12 are taken/],
    // What its header promises does not come.
    [await pngOf(4000, 3000), /cannot be read/],
    // The header of one format, and another behind it.
    [Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 64, 0, 64, 3]), avif]), /cannot be read|is missing or wrong/],
  ];
  for (const [picture, says] of hostile)
    expect(await send(picture)).toMatchObject({ accepted: false, detail: expect.stringMatching(says) });
  expect(read).toEqual([]);
});

it('a good one is read as the JPEG that the process made: without what was hidden in it', async () => {
  const hidden = await sharp(demoPicture(1, 'neutral'))
    .withMetadata({ exif: { IFD0: { Copyright: 'where Ada lives' } } })
    .jpeg()
    .toBuffer();
  expect(await send(hidden)).toMatchObject({ accepted: true });
  const [made] = read;
  expect(await sharp(made).metadata()).toMatchObject({ format: 'jpeg', channels: 3 });
  expect(Buffer.from(made ?? []).includes('where Ada lives')).toBe(false);
});
