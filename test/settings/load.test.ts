import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/settings/load.ts';
import { envName, leaves } from '../../src/settings/schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'facelatch-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;
const fileOf = (content: unknown) => {
  const file = join(folder, `${++count}.json`);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};
const complaint = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    expect(error).toMatchObject({ name: 'Fault', code: 'bad-config' });
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
};

describe('weight of sources', () => {
  const files = [fileOf({ camera: { fps: 5, width: 800 } }), fileOf({ camera: { fps: 6 } })];
  const env = { FACELATCH_CAMERA_FPS: '7', PATH: '/bin' };

  it('defaults, files in order, environment, flags', () => {
    expect(loadConfig({}).config.camera.fps).toBe(15);
    expect(loadConfig({ files }).config.camera).toMatchObject({ fps: 6, width: 800 });
    expect(loadConfig({ files, env }).config.camera.fps).toBe(7);
    expect(loadConfig({ files, env, flags: new Map([['camera.fps', '8']]) }).config.camera.fps).toBe(8);
  });

  it('says where each value came from', () => {
    const { sources } = loadConfig({ files, env, flags: new Map([['door.id', 'back']]) });
    expect(sources.get('camera.fps')).toMatchObject({ value: 7, source: 'environment FACELATCH_CAMERA_FPS' });
    expect(sources.get('camera.width')).toMatchObject({ value: 800, source: `file ${files[0]}` });
    expect(sources.get('door.id')).toMatchObject({ source: 'flag' });
    expect(sources.get('camera.height')).toMatchObject({ source: 'default' });
  });

  it('takes the state folder from systemd where nothing else says it', () => {
    expect(loadConfig({ env: { STATE_DIRECTORY: '/var/lib/facelatch' } }).config.state.folder).toBe('/var/lib/facelatch');
    expect(
      loadConfig({ env: { STATE_DIRECTORY: '/var/lib/facelatch' }, flags: new Map([['state.folder', 'here']]) }).config.state.folder,
    ).toBe('here');
  });

  it('reads lists and booleans from text', () => {
    const { config } = loadConfig({ env: { FACELATCH_CAMERA_REPLAY_ENROLLED: 'p02, p04', FACELATCH_ACCESS_ARMED: 'false' } });
    expect(config.camera.replay.enrolled).toEqual(['p02', 'p04']);
    expect(config.access.armed).toBe(false);
  });
});

describe('refusals', () => {
  it('lists every problem at once: path, value, what is allowed, where it came from', () => {
    const file = fileOf({ camera: { fps: 'fast', sorce: 'v4l2' }, identity: { targetFmr: 2 }, door: 'front' });
    const text = complaint(() =>
      loadConfig({
        files: [file],
        env: { FACELATCH_ACCESS_VOTES: '2.5', FACELATCH_ACESS_VOTES: '3' },
        flags: new Map([['relay.kind', 'magic']]),
      }),
    );
    expect(text).toContain('7 problems');
    expect(text).toContain(`camera.fps: "fast" is not allowed; it must be a number from 1 to 60 (from file ${file})`);
    expect(text).toContain('door: is a group of settings');
    expect(text).toContain('camera.sorce: no such setting');
    expect(text).toContain('did you mean camera.source?');
    expect(text).toContain(
      'access.votes: 2.5 is not allowed; it must be a whole number from 1 to 50 (from environment FACELATCH_ACCESS_VOTES)',
    );
    expect(text).toContain('did you mean FACELATCH_ACCESS_VOTES?');
    expect(text).toContain('relay.kind: "magic" is not allowed; it must be dry | gpiod | onoff | http | mqtt (from flag)');
  });

  it.each([
    [{ access: { votes: 5, window: 3 } }, 'access.votes'],
    [{ camera: { source: 'rtsp' } }, 'camera.url'],
    [{ camera: { source: 'rtsp', url: 'rtsp://cam/live' } }, 'camera.url'],
    [{ camera: { source: 'rtsp', url: 'http://cam/live' } }, 'camera.url'],
    [{ camera: { source: 'rtsp', url: 'rtsps://cam/live', urlFile: '/etc/facelatch/camera' } }, 'camera.urlFile'],
    [
      {
        camera: {
          zones: {
            ignore: [
              [
                [0, 0],
                [1, 0],
              ],
            ],
          },
        },
      },
      'camera.zones',
    ],
    [
      {
        camera: {
          zones: {
            ignore: [
              [
                [0, 0],
                [1, 1],
                [0.5, 0.5],
              ],
            ],
          },
        },
      },
      'camera.zones',
    ],
    [
      {
        camera: {
          zones: {
            ignore: [
              [
                [0, 0],
                [640, 0],
                [640, 480],
              ],
            ],
          },
        },
      },
      'camera.zones',
    ],
    [{ camera: { zones: { ignored: [] } } }, 'camera.zones'],
    [{ camera: { retryMinMs: 5000, retryMaxMs: 100 } }, 'camera.retryMinMs'],
    [{ relay: { pulseMs: 20_000, maxMs: 1000 } }, 'relay.pulseMs'],
    [{ privacy: { unusedDays: 80, unusedNoticeDays: 14, journalDays: 90 } }, 'privacy.unusedDays'],
    [{ relay: { kind: 'gpiod', line: 'GPIO17' } }, 'relay.chip'],
    [{ relay: { kind: 'mqtt', device: { model: 'zigbee2mqtt', address: 'zigbee2mqtt/lock' } } }, 'relay.kind'],
    [{ relay: { kind: 'http', device: { address: '192.168.1.20' } } }, 'relay.device.address'],
    [{ relay: { kind: 'http', device: { address: 'http://me:secret@192.168.1.20' } } }, 'relay.device.address'],
    [{ relay: { kind: 'http', device: { model: 'zigbee2mqtt', address: 'http://a' } } }, 'relay.device.model'],
    [{ relay: { kind: 'mqtt', trustBroker: true, device: { model: 'shelly-gen1', address: 'shelly' } } }, 'relay.device.model'],
    [{ relay: { kind: 'mqtt', trustBroker: true, device: { address: 'door/#' } } }, 'relay.device.address'],
    [{ relay: { kind: 'http', wiring: 'fail-safe', device: { address: 'http://a' } } }, 'relay.wiring'],
    [
      { relay: { kind: 'http', device: { address: 'http://a', passwordFile: '/run/credentials/facelatch.service/x' } } },
      'relay.device.passwordFile',
    ],
    [
      {
        mqtt: { passwordFile: '/run/credentials/facelatch.service/x' },
        relay: { kind: 'mqtt', trustBroker: true, device: { address: 'a' } },
      },
      'mqtt.passwordFile',
    ],
    [{ relay: { kind: 'http', activeLow: true, device: { address: 'http://a' } } }, 'relay.activeLow'],
    [{ relay: { kind: 'http', device: { model: 'own', release: 'GET http://a/on', lock: 'GET http://a/off' } } }, 'relay.device.release'],
    [{ relay: { kind: 'http', device: { model: 'own', release: 'a/on {s}', lock: 'GET http://a/off' } } }, 'relay.device.release'],
    [
      { relay: { kind: 'mqtt', trustBroker: true, device: { model: 'own', release: 'a/on {s}', lock: 'a/off 1', reports: 'a' } } },
      'relay.device.ask',
    ],
    [{ inputs: { kind: 'gpiod', exit: 'GPIO22' } }, 'inputs.chip'],
    [{ inputs: { activeLow: ['bell'] } }, 'inputs.activeLow'],
    [{ door: { id: 'a/b' } }, 'door.id'],
    [{ access: { timeZone: 'Mars/Base' } }, 'access.timeZone'],
    [{ access: { holidays: ['25.12.2026'] } }, 'access.holidays'],
    [{ access: { schedules: { office: ['Mon 25:00-26:00'] } } }, 'access.schedules'],
    [{ access: { groups: { cleaners: { schedule: 'office' } } } }, 'access.groups'],
    [{ access: { groups: { cleaners: { hours: 'office' } } } }, 'access.groups'],
    [{ access: { groups: { cleaners: { liveness: 'sometimes' } } } }, 'access.groups'],
    [{ access: { groups: { cleaners: { toString: true } } } }, 'access.groups'],
    [{ access: { admits: ['cleaners'] } }, 'access.admits'],
    [{ liveness: { policy: 'on' } }, 'liveness.policy'],
    [{ liveness: { schedules: { night: 'challenge' } } }, 'liveness.schedules: "night" is not a schedule in access.schedules'],
    [{ access: { schedules: { night: ['daily 22:00-06:00'] } }, liveness: { schedules: { night: 'strict' } } }, 'liveness.schedules'],
    [{ liveness: { challenges: ['jump'] } }, 'liveness.challenges'],
    [{ liveness: { challenges: ['blink', 'blink'] } }, 'none twice'],
    [{ mqtt: { url: 'mqtt://user:secret@host' } }, 'mqtt.url'],
    [{ mqtt: { prefix: 'a/#' } }, 'mqtt.prefix'],
    ...['a//b', '/a', 'a/', '/', '$SYS', 'x\u0001y', ' a', 'x'.repeat(65), 'a/b/c/d/e/f/g/h/i'].flatMap((prefix): [object, string][] => [
      [{ mqtt: { prefix } }, 'mqtt.prefix'],
      [{ mqtt: { homeAssistant: { prefix } } }, 'mqtt.homeAssistant.prefix'],
    ]),
    [{ relay: { line: 'GPIO\u001b[2J' } }, 'relay.line'],
    [{ access: { admits: ['staff\u0007'] } }, 'access.admits'],
    [
      { access: { schedules: { office: ['Mon-Wed-Fri 08:00-18:00'] } } },
      'in "office", "Mon-Wed-Fri 08:00-18:00" has "Mon-Wed-Fri": a range has two ends',
    ],
    [{ access: { schedules: { office: ['Mon 8:00-18:00'] } } }, 'two digits for hours'],
    [{ retrain: { where: 'farm' } }, 'farm.url: is empty'],
    [{ retrain: { where: 'farm' }, farm: { url: 'rediss://farm.lan' } }, 'farm.trainers: is empty'],
    [{ farm: { url: 'redis://user:word@farm.lan' } }, 'farm.url'],
  ])('%j: values that are each allowed or not, and together make no sense', (content, path) => {
    expect(complaint(() => loadConfig({ files: [fileOf(content)] }))).toContain(path);
  });

  it('a file that is not there, not JSON, or not an object', () => {
    expect(complaint(() => loadConfig({ files: ['/nonexistent.json'] }))).toContain('/nonexistent.json does not exist');
    expect(complaint(() => loadConfig({ files: [fileOf('{ "camera": ')] }))).toContain('is not JSON');
    expect(complaint(() => loadConfig({ files: [fileOf('[1]')] }))).toContain('must hold one JSON object');
  });

  it('takes a file that begins with a byte order mark, as Windows editors write it', () => {
    expect(loadConfig({ files: [fileOf('\ufeff{"door":{"id":"x"}}')] }).config.door.id).toBe('x');
  });

  it('takes several levels as the beginning of topics', () => {
    for (const prefix of ['facelatch', 'site/north/doors', 'häuser/ground floor'])
      expect(loadConfig({ files: [fileOf({ mqtt: { prefix } })] }).config.mqtt.prefix).toBe(prefix);
  });

  it('never prints a secret', () => {
    const { sources } = loadConfig({ flags: new Map([['mqtt.password', 'hunter2']]) });
    expect(sources.get('mqtt.password')?.sensitive).toBe(true);
    const text = complaint(() => loadConfig({ files: [fileOf({ mqtt: { password: 12_345 } })] }));
    expect(text).not.toContain('12345');
    const address = complaint(() =>
      loadConfig({ files: [fileOf({ relay: { kind: 'http', device: { address: 'http://me:hunter2@a' } } })] }),
    );
    expect(address).toContain('relay.device.passwordFile');
    expect(address).not.toContain('hunter2');
  });

  it('a key that would reach into the prototype changes nothing', () => {
    expect(
      complaint(() => loadConfig({ files: [fileOf('{"__proto__": {"armed": false}, "constructor": {"prototype": {"x": 1}}}')] })),
    ).toContain('no such setting');
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});

it('every setting has a help text and a name in the environment of its own', () => {
  const all = [...leaves()];
  expect(all.every(([, { doc }]) => /[.)]$/.test(doc))).toBe(true);
  expect(new Set(all.map(([path]) => envName(path))).size).toBe(all.length);
});

it('takes a relay on the network: by its address, behind a broker that is trusted, and by commands of its own', () => {
  for (const relay of [
    { kind: 'http', device: { address: 'http://192.168.1.20' } },
    { kind: 'mqtt', trustBroker: true, device: { model: 'zigbee2mqtt', address: 'zigbee2mqtt/front-lock' } },
    { kind: 'http', device: { model: 'own', release: 'GET http://a/on?t={ms}', lock: 'GET http://a/off' } },
    { kind: 'http', device: { model: 'own', release: 'POST http://a/on {"on":true}', lock: 'GET http://a/off', endsItself: true } },
  ])
    expect(loadConfig({ files: [fileOf({ relay })] }).config.relay).toMatchObject(relay);
});
