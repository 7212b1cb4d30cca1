/** `facelatch listen` behind a real broker: the door's own messages, and those of somebody who may write there too. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/time.ts';
import { openPost, type Post } from '../../command/post.ts';
import { eventOf } from '../../fakes/events.ts';
import { type Mosquitto, openMosquitto } from '../../fakes/mosquitto.ts';
import { publishing, topics, until } from '../../mqtt/witness.ts';
import { type Begun, begin, temporaryFolder } from '../facelatch.ts';

const home = temporaryFolder();
const env = { XDG_CONFIG_HOME: home.path, HOME: home.path };
let broker: Mosquitto;
let post: Post;
let door: ReturnType<typeof publishing>;
/** Listens beside the others, where nobody speaks. */
let silent: Begun;
const listen = (...args: string[]) => begin(['listen', 'front-door', '--broker', broker.url, ...args], env);

beforeAll(async () => {
  broker = await openMosquitto();
  post = await openPost({ clock: systemClock });
  mkdirSync(join(home.path, 'facelatch', 'doors'), { recursive: true });
  writeFileSync(join(home.path, 'facelatch', 'doors', 'front-door.json'), JSON.stringify(post.keys.card));
  silent = listen('--set', 'mqtt.prefix=elsewhere', '--silence', '1', '--time', '2');
  const signer = { kid: post.keys.id, key: post.keys.sign };
  door = publishing({ journal: post.journal, broker: { url: broker.url }, signer });
  door.publication.show('door', 'locked');
  await until(() => door.status().state === 'connected');
});
afterAll(async () => {
  await door.stop();
  await broker[Symbol.asyncDispose]();
  post[Symbol.dispose]();
  home[Symbol.dispose]();
});

it('shows what the door says, and ends with 0 when all of it was the door’s', async () => {
  const running = listen('--time', '2');
  await running.said(/state\.door/);
  post.journal.append(eventOf['door.opened']);
  await running.said(/door\.opened/);
  const { code, stdout, stderr } = await running.done;
  expect(stdout).toMatch(/^ {2}\S+Z +state\.door +locked$/m);
  expect(stdout).toMatch(/^ {2}\S+Z +\d+ {2}door\.opened +expected true$/m);
  expect(stdout).not.toMatch(/^!/m);
  expect(stderr).toMatch(/\d+ messages of front-door believed, 0 not/);
  expect(code).toBe(0);
});

it('marks what somebody else wrote, as text and as JSON, and ends with 1', async () => {
  const [words, json] = [listen('--time', '2'), listen('--time', '2', '--json')];
  await Promise.all([words.said(/status/), json.said(/"status"/)]);
  const forger = await connectAsync(broker.url);
  await forger.publishAsync(topics.state('door'), '{"schema":1,"state":"released","at":"2026-01-05T12:00:00.000Z"}');
  await forger.endAsync();
  const [text, lines] = await Promise.all([words.done, json.done]);
  expect(text.stdout).toMatch(/^! 2026\S+Z +state\.door +released\n! +NOT SIGNED/m);
  const heard = lines.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(heard.filter(({ findings }) => findings.length > 0)).toEqual([
    expect.objectContaining({ what: 'state/door', findings: ['unsigned'] }),
  ]);
  expect([text.code, lines.code]).toEqual([1, 1]);
});

it('complains when nothing signed comes', async () => {
  expect(await silent.done).toMatchObject({ code: 1, stdout: expect.stringContaining('nothing that the door signed came for 1 s') });
});
