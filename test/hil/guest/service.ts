/** The installed service: its configuration, drop-ins, state, and what it wrote. */
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { run, until } from './tools.ts';

const dropIns = '/etc/systemd/system/facelatch.service.d';
const unit = 'facelatch.service';

export interface Logged {
  readonly kind?: string;
  readonly seq?: number;
  readonly msg?: string;
  readonly [key: string]: unknown;
}

export function openService() {
  const show = async (property: string) => (await run('systemctl', 'show', '-p', property, '--value', unit)).trim();
  const mainPid = async () => Number(await show('MainPID'));
  let since = '';
  const sinceThen = () => ['-q', '-u', unit, '-o', 'cat', ...(since ? [`--after-cursor=${since}`] : [])];
  const logged = async (): Promise<readonly Logged[]> => {
    const lines = await run('journalctl', ...sinceThen(), '--no-pager');
    return lines.split('\n').flatMap((line) => {
      try {
        return line.startsWith('{') ? [JSON.parse(line) as Logged] : [];
      } catch {
        return [];
      }
    });
  };
  const service = {
    show,
    mainPid,
    restarts: async () => Number(await show('NRestarts')),
    /** What the daemon wrote since `forget`. */
    logged,
    text: () => run('journalctl', ...sinceThen(), '--no-pager'),
    /** The same into a file, and what it writes from now on as it is written. */
    follow: (file: string) =>
      void spawn('journalctl', [...sinceThen(), '--follow', '--no-tail'], { stdio: ['ignore', openSync(file, 'w'), 'ignore'] }),
    /** Waits for an event of that kind. */
    event: async (kind: string, withinMs = 90_000, matches: (event: Logged) => boolean = () => true) => {
      let found: Logged | undefined;
      await until(
        `the event ${kind}`,
        async () => {
          found = (await logged()).find((entry) => entry.kind === kind && matches(entry));
          return found !== undefined;
        },
        withinMs,
        200,
      );
      return found as Logged;
    },
    forget: async () => {
      const shown = await run('journalctl', '-q', '-n', '0', '--show-cursor', '--no-pager');
      since = /cursor: (.*)/.exec(shown)?.[1] ?? since;
    },
    configure: (settings: object) => writeFileSync('/etc/facelatch/facelatch.json', JSON.stringify(settings)),
    dropIn: async (name: string, text: string) => {
      mkdirSync(dropIns, { recursive: true });
      writeFileSync(`${dropIns}/${name}.conf`, text);
      await run('systemctl', 'daemon-reload');
    },
    noDropIn: async (name: string) => {
      rmSync(`${dropIns}/${name}.conf`, { force: true });
      await run('systemctl', 'daemon-reload');
    },
    /** Resolves when READY=1 has come. */
    start: () => run('systemctl', 'start', unit),
    stop: () => run('systemctl', 'stop', unit),
    restart: () => run('systemctl', 'restart', unit),
    active: async () => (await show('ActiveState')) === 'active',
    /** Waits for a start after that many, and its READY; asks seldom, as asking costs an emulated processor more than the daemon waits. */
    restarted: (before: number, withinMs = 120_000) => {
      const asked = () => run('systemctl', 'show', '-p', 'NRestarts,ActiveState', unit);
      const done = (shown: string) => Number(/NRestarts=(\d+)/.exec(shown)?.[1]) > before && /ActiveState=active/.test(shown);
      return until('the restart', async () => done(await asked()), withinMs, 1000);
    },
    ready: (withinMs = 120_000) => until('the service active', async () => (await show('ActiveState')) === 'active', withinMs, 100),
    /** Process ids of the service other than the main one whose command line matches. */
    children: async (pattern: RegExp): Promise<number[]> => {
      const main = await mainPid();
      return readdirSync('/proc').flatMap((name) => {
        if (!/^\d+$/.test(name) || Number(name) === main) return [];
        try {
          const mine = readFileSync(`/proc/${name}/cgroup`, 'utf8').includes(unit);
          return mine && pattern.test(readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')) ? [Number(name)] : [];
        } catch {
          return []; // gone meanwhile
        }
      });
    },
    /** `facelatch …` as the service's user. */
    facelatch: (...args: readonly string[]) => run('runuser', '-u', 'facelatch', '--', 'facelatch', ...args),
  };
  return service;
}
