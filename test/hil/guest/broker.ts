/** A real mosquitto in a network of its own, behind a cable that can be cut or made slow, with a subscriber that misses nothing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { run, succeeds, until } from './tools.ts';

export const brokerUrl = 'mqtt://10.9.0.2:1883';
const inside = ['netns', 'exec', 'broker'] as const;

export interface Message {
  readonly topic: string;
  readonly payload: { readonly seq?: number; readonly [key: string]: unknown };
}

export function openBroker() {
  let server: ChildProcess | undefined;
  let subscriber: ChildProcess | undefined;
  const messages: Message[] = [];
  const reachable = () => succeeds('ip', ...inside, 'mosquitto_pub', '-t', 'hil/ping', '-m', '1');
  const start = async () => {
    server = spawn('ip', [...inside, 'mosquitto', '-c', '/run/hil-mosquitto.conf'], { stdio: 'ignore' });
    await until('the broker reachable', reachable, 30_000, 200);
  };
  const pid = async () => Number((await run('pidof', 'mosquitto')).trim().split(' ')[0]);
  return {
    messages,
    /** Distinct sequence numbers heard. */
    heard: () =>
      new Set(messages.flatMap(({ topic, payload }) => (topic.includes('/event/') && payload.seq !== undefined ? [payload.seq] : []))),
    begin: async () => {
      messages.length = 0;
      writeFileSync(
        '/run/hil-mosquitto.conf',
        'listener 1883 0.0.0.0\nallow_anonymous true\npersistence true\npersistence_location /run/\nuser root\n',
      );
      await succeeds('ip', 'netns', 'add', 'broker');
      await succeeds('ip', 'link', 'add', 'hil0', 'type', 'veth', 'peer', 'name', 'hil1', 'netns', 'broker');
      for (const args of [
        ['addr', 'add', '10.9.0.1/24', 'dev', 'hil0'],
        ['link', 'set', 'hil0', 'up'],
        ['-n', 'broker', 'addr', 'add', '10.9.0.2/24', 'dev', 'hil1'],
        ['-n', 'broker', 'link', 'set', 'hil1', 'up'],
        ['-n', 'broker', 'link', 'set', 'lo', 'up'],
      ])
        await succeeds('ip', ...args);
      await start();
      subscriber = spawn(
        'ip',
        [...inside, 'mosquitto_sub', '-V', '5', '-i', 'hil-witness', '-c', '-x', '3600', '-q', '1', '-t', 'facelatch/#', '-F', '%t %p'],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      createInterface({ input: subscriber.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        const at = line.indexOf(' ');
        try {
          messages.push({ topic: line.slice(0, at), payload: JSON.parse(line.slice(at + 1)) });
        } catch {
          messages.push({ topic: line.slice(0, at), payload: {} }); // `status` is a word
        }
      });
    },
    start,
    kill: async (signal: 'SIGTERM' | 'SIGSTOP' | 'SIGCONT') => {
      process.kill(await pid(), signal);
      if (signal === 'SIGTERM') await until('the broker gone', async () => !(await succeeds('pidof', 'mosquitto')), 20_000);
    },
    cut: () => run('ip', 'link', 'set', 'hil0', 'down'),
    mend: () => run('ip', 'link', 'set', 'hil0', 'up'),
    slow: () => run('tc', 'qdisc', 'add', 'dev', 'hil0', 'root', 'netem', 'delay', '300ms', '100ms', 'loss', '15%'),
    quick: () => run('tc', 'qdisc', 'del', 'dev', 'hil0', 'root'),
    stop: async () => {
      subscriber?.kill('SIGKILL');
      if (server) await succeeds('sh', '-c', 'kill -9 $(pidof mosquitto)');
      server = undefined;
      subscriber = undefined;
      await succeeds('ip', 'netns', 'del', 'broker');
      await succeeds('ip', 'link', 'del', 'hil0');
    },
  };
}
