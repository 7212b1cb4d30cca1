/**
 * Relays as they stand on a network: a coil with a timer of its own behind a real HTTP server, or behind a client of a real broker, that speak as
 * Shelly, Tasmota and zigbee2mqtt do. They can be made silent, and never lose count of what the coil did.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectAsync, type IClientOptions } from 'mqtt';

export interface Coil extends Disposable {
  readonly level: 'safe' | 'active';
  /** Times it went on, with how long it was told to stay on. */
  readonly releases: (number | undefined)[];
  readonly edges: { readonly level: 'safe' | 'active'; readonly atMs: number }[];
  on(ms?: number): void;
  off(): void;
}

function coil(): Coil {
  let level: Coil['level'] = 'safe';
  let timer: NodeJS.Timeout | undefined;
  const edges: Coil['edges'] = [];
  const to = (next: Coil['level']) => {
    if (next !== level) edges.push({ level: next, atMs: performance.now() });
    level = next;
  };
  const off = () => {
    clearTimeout(timer);
    to('safe');
  };
  const made: Coil = {
    releases: [],
    edges,
    get level() {
      return level;
    },
    on: (ms) => {
      clearTimeout(timer);
      made.releases.push(ms);
      if (ms !== undefined) timer = setTimeout(off, ms);
      to('active');
    },
    off,
    [Symbol.dispose]: off,
  };
  return made;
}

export type HttpModel = 'shelly' | 'shelly-gen1' | 'tasmota';
export type MqttModel = 'shelly' | 'tasmota' | 'zigbee2mqtt';

/** PulseTime of Tasmota in milliseconds. */
const pulseTimeMs = (value: number) => (value <= 111 ? value * 100 : (value - 100) * 1000);

/** One command of Tasmota; its answer. */
function tasmota(relay: Coil, memory: { pulseMs?: number }, text: string): object {
  const answer = () => ({ POWER: relay.level === 'active' ? 'ON' : 'OFF' });
  const [name = '', ...rest] = text.trim().split(/\s+/);
  const payload = rest.join(' ');
  if (/^backlog0?$/i.test(name)) {
    for (const each of payload.split(';')) tasmota(relay, memory, each);
    return {};
  }
  if (/^pulsetime1?$/i.test(name)) {
    memory.pulseMs = pulseTimeMs(Number(payload));
    return { PulseTime1: { Set: Number(payload) } };
  }
  if (!/^power1?$/i.test(name)) return { Command: 'Unknown' };
  if (/^(1|on)$/i.test(payload)) relay.on(memory.pulseMs);
  else if (/^(0|off)$/i.test(payload)) relay.off();
  return answer();
}

export interface HttpRelay extends AsyncDisposable {
  readonly coil: Coil;
  readonly address: string;
  /** Every request line that came, in order. */
  readonly heard: string[];
  /** `silent`: takes the command and never answers; `deaf`: hears it only when it is awake again, as one whose program hangs. */
  mood: 'awake' | 'silent' | 'broken' | 'deaf';
  /** Called when it has answered what its state is. */
  onAsked?: () => void;
  /** It hears now what came while it was deaf. */
  wake(): void;
}

export async function openHttpRelay(model: HttpModel, password = ''): Promise<HttpRelay> {
  const relay = coil();
  const memory = {};
  const waiting: (() => void)[] = [];
  const handle = (url: URL): object | undefined => {
    const query = url.searchParams;
    switch (model) {
      case 'shelly':
        if (query.get('id') !== '0') return undefined;
        if (url.pathname === '/rpc/Switch.GetStatus') return { id: 0, source: 'HTTP_in', output: relay.level === 'active' };
        if (url.pathname !== '/rpc/Switch.Set') return undefined;
        return setShelly(relay, query.get('on') === 'true', query.get('toggle_after') ?? undefined);
      case 'shelly-gen1':
        if (url.pathname !== '/relay/0') return undefined;
        if (query.get('turn') === 'on') relay.on(Number(query.get('timer')) * 1000);
        if (query.get('turn') === 'off') relay.off();
        return { ison: relay.level === 'active', has_timer: query.has('timer') };
      case 'tasmota':
        return url.pathname === '/cm' ? tasmota(relay, memory, query.get('cmnd') ?? '') : undefined;
    }
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://device');
    made.heard.push(`${request.method} ${request.url}`);
    const challenge = password && !isAdmitted(request, url, model, password);
    if (challenge) {
      response.writeHead(401, model === 'tasmota' ? {} : { 'www-authenticate': challengeOf(model) }).end();
      return;
    }
    const answer = () => {
      const found = handle(url);
      if (made.mood === 'silent') return;
      response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(found ?? {}));
      if (url.pathname.endsWith('GetStatus')) made.onAsked?.();
    };
    if (made.mood === 'broken') response.writeHead(500).end();
    else if (made.mood === 'deaf') waiting.push(answer);
    else answer();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const made: HttpRelay = {
    coil: relay,
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard: [],
    mood: 'awake',
    wake: () => {
      made.mood = 'awake';
      for (const answer of waiting.splice(0)) answer();
    },
    [Symbol.asyncDispose]: async () => {
      relay[Symbol.dispose]();
      server.closeAllConnections();
      server.close();
    },
  };
  return made;
}

function setShelly(relay: Coil, on: boolean, toggleAfter: string | undefined): object {
  const wasOn = relay.level === 'active';
  if (on) relay.on(toggleAfter === undefined ? undefined : Number(toggleAfter) * 1000);
  else relay.off();
  return { was_on: wasOn };
}

const nonce = '1638291245';
const challengeOf = (model: HttpModel) =>
  model === 'shelly' ? `Digest qop="auth", realm="shellyplus1-a8032abe54dc", nonce="${nonce}", algorithm=SHA-256` : 'Basic realm="shelly1"';

/** RFC 7616, section 3.4.1, worked out here once more and independently. */
function isAdmitted({ headers, method }: IncomingMessage, url: URL, model: HttpModel, password: string): boolean {
  if (model === 'tasmota') return url.searchParams.get('user') === 'admin' && url.searchParams.get('password') === password;
  const given = headers.authorization ?? '';
  if (model === 'shelly-gen1') return given === `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
  const field = (name: string) => new RegExp(`${name}="?([^",]+)"?`).exec(given)?.[1] ?? '';
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  const expected = sha(
    `${sha(`admin:shellyplus1-a8032abe54dc:${password}`)}:${nonce}:${field('nc')}:${field('cnonce')}:auth:${sha(`${method}:${url.pathname}${url.search}`)}`,
  );
  return given.startsWith('Digest ') && field('username') === 'admin' && field('response') === expected;
}

export interface MqttRelay extends AsyncDisposable {
  readonly coil: Coil;
  readonly address: string;
  /** Topic and payload of every message that came to it. */
  readonly heard: string[];
  mood: 'awake' | 'silent';
  /** Away from the broker and back, with a session that the broker keeps for it. */
  leave(): Promise<void>;
  back(): Promise<void>;
}

export async function openMqttRelay(model: MqttModel, url: string, options: IClientOptions = {}): Promise<MqttRelay> {
  const relay = coil();
  const memory = {};
  const address = model === 'zigbee2mqtt' ? 'zigbee2mqtt/front-lock' : 'front-lock';
  const mine = { shelly: [`${address}/rpc`], tasmota: [`cmnd/${address}/+`], zigbee2mqtt: [`${address}/set`, `${address}/get`] }[model];
  const state = () => JSON.stringify({ state: relay.level === 'active' ? 'ON' : 'OFF', linkquality: 120 });
  /** What it answers, and where. */
  const handle = (topic: string, payload: string): { readonly to: string; readonly answer: string } => {
    if (model === 'tasmota') {
      const command = topic.split('/').at(-1) ?? '';
      return { to: `stat/${address}/RESULT`, answer: JSON.stringify(tasmota(relay, memory, `${command} ${payload}`)) };
    }
    const said = JSON.parse(payload);
    if (model === 'shelly') {
      const result =
        said.method === 'Switch.GetStatus'
          ? { id: 0, output: relay.level === 'active' }
          : setShelly(relay, said.params.on, said.params.toggle_after?.toString());
      return { to: `${said.src}/rpc`, answer: JSON.stringify({ id: said.id, src: address, dst: said.src, result }) };
    }
    if (topic.endsWith('/set') && said.state === 'ON') relay.on(said.on_time === undefined ? undefined : said.on_time * 1000);
    if (topic.endsWith('/set') && said.state === 'OFF') relay.off();
    return { to: address, answer: state() };
  };
  const arrive = async () => {
    const client = await connectAsync(url, {
      ...options,
      clientId: 'device',
      clean: false,
      properties: { sessionExpiryInterval: 3600 },
      protocolVersion: 5,
    });
    client.on('message', async (topic, payload) => {
      made.heard.push(`${topic} ${payload}`);
      const { to, answer } = handle(topic, payload.toString());
      if (made.mood === 'silent') return;
      // As zigbee2mqtt may be set up to: retained.
      await client.publishAsync(to, answer, { qos: 1, retain: model === 'zigbee2mqtt' }).catch(() => undefined);
    });
    await client.subscribeAsync(mine, { qos: 1 });
    return client;
  };
  const made: MqttRelay = {
    coil: relay,
    address,
    heard: [],
    mood: 'awake',
    leave: async () => void (await client.endAsync(true)),
    back: async () => {
      client = await arrive();
    },
    [Symbol.asyncDispose]: async () => {
      relay[Symbol.dispose]();
      await client.endAsync(true);
    },
  };
  let client = await arrive();
  return made;
}
