/** The unit of a training host, put in place as docs/learn/farm.md says, with a real Redis beside it: a door's job goes to it, and back when it has to end. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Scenario } from '../bench.ts';
import { stateFolder } from '../bench.ts';
import { expect, expectSame, run, succeeds, until } from '../tools.ts';

const unit = 'facelatch-trainer';
const folder = '/etc/facelatch-trainer';
const [url, password] = ['redis://127.0.0.1:6390', 'hil'];
const demoPeople = '/usr/lib/facelatch/config/demo-people';

const show = async (property: string) => (await run('systemctl', 'show', '-p', property, '--value', unit)).trim();
const said = () => run('journalctl', '-q', '-u', unit, '-o', 'cat', '--no-pager');
const says = (what: string, pattern: RegExp, withinMs: number) => until(what, async () => pattern.test(await said()), withinMs, 1000);

async function openRedis(): Promise<AsyncDisposable> {
  const settings = ['--port', '6390', '--bind', '127.0.0.1', '--requirepass', password, '--maxmemory-policy', 'noeviction', '--save', ''];
  const server = spawn('redis-server', settings, { stdio: 'ignore', cwd: '/run' });
  await until('Redis', () => succeeds('redis-cli', '-p', '6390', '-a', password, '--no-auth-warning', 'ping'), 30_000, 300);
  return { [Symbol.asyncDispose]: async () => void server.kill('SIGKILL') };
}

/** Four pictures each of four people who do not exist, for there are two of each: those, and mirrored and darker. */
async function picturesOf(person: string): Promise<string> {
  const into = `/run/hil-people/${person}`;
  mkdirSync(into, { recursive: true });
  for (const name of [`${person}-neutral`, `${person}-smiling`]) {
    const from = `${demoPeople}/${name}.jpg`;
    await run('cp', from, into);
    await run('ffmpeg', '-loglevel', 'error', '-y', '-i', from, '-vf', 'hflip,eq=brightness=-0.06', '-q:v', '2', `${into}/${name}-2.jpg`);
  }
  return into;
}

export const trainerScenarios: readonly Scenario[] = [
  {
    name: 'trainer',
    title:
      'the unit of a training host waits until it is configured, comes back after kill -9, takes a door’s job, and gives it back when told to end; exposed at most 2.0',
    limitMs: 900_000,
    run: async ({ service, configure, note }) => {
      await using _redis = await openRedis();
      try {
        await run('systemctl', 'enable', '--now', unit);
        expectSame('before it is configured', [await show('ActiveState'), await show('ConditionResult')], ['inactive', 'no']);

        mkdirSync('/run/hil-farm', { recursive: true });
        writeFileSync('/run/hil-farm/password', password);
        await run('install', '-m', '600', '/run/hil-farm/password', `${folder}/redis-password`);
        await run('install', '-m', '400', '-o', 'facelatch', '/run/hil-farm/password', '/run/hil-farm/door-password');
        const keys = ['trainer', 'key', 'create', '--name', 'gpu-1', '--out', `${folder}/trainer-key.json`];
        writeFileSync('/run/hil-farm/gpu-1.json', await run('facelatch', ...keys));
        const farm = { url, passwordFile: '/run/hil-farm/door-password', trainers: ['/run/hil-farm/gpu-1.json'] };
        configure('gpiod', { farm, retrain: { where: 'farm', recipe: 'adapt' } });
        writeFileSync(`${folder}/front-door.json`, await service.facelatch('key', 'door'));
        writeFileSync(`${folder}/trainer.json`, JSON.stringify({ farm: { url }, trainer: { name: 'gpu-1', doors: ['front-door.json'] } }));

        await run('systemctl', 'start', unit);
        await says('that it waits for jobs', /"kind":"ready"/, 120_000);
        // One that systemd made up for it (systemd.exec, DynamicUser): 61184 to 65519, whose name only those hosts know that ask systemd.
        const user = Number((await run('ps', '-o', 'uid=', '-p', await show('MainPID'))).trim());
        expect('a user of its own', user >= 61_184 && user <= 65_519, user);
        expectSame('its folder', (await run('stat', '-L', '-c', '%a %u', '/run/facelatch-trainer')).trim(), `700 ${user}`);
        const score = Number(/exposure level.*: ([\d.]+)/.exec(await run('systemd-analyze', 'security', unit, '--no-pager'))?.[1]);
        note(`systemd-analyze security ${unit}: ${score}`);
        expect('an exposure of at most 2.0', score <= 2, score);
        expect('it there', /gpu-1 +waiting/.test(await service.facelatch('trainer', 'list')));

        const before = Number(await show('NRestarts'));
        await run('systemctl', 'kill', '-s', 'KILL', unit);
        await until(
          'its restart',
          async () => Number(await show('NRestarts')) > before && (await show('ActiveState')) === 'active',
          120_000,
          1000,
        );

        for (const person of ['p02', 'p03', 'p04', 'p05']) await service.facelatch('enrol', person, await picturesOf(person));
        // An emulated processor would learn for an hour: that the unit has the job in hand and gives it back is what is its own.
        const asked = spawn('runuser', ['-u', 'facelatch', '--', 'facelatch', 'retrain', 'start', '--where', 'farm'], { stdio: 'ignore' });
        try {
          await says('that it takes the job', /"kind":"taken"/, 240_000);
          await says('how far it is', /"kind":"progress"/, 240_000);
          await run('systemctl', 'stop', unit);
        } finally {
          asked.kill();
        }
        expect('the job given back', /"kind":"gave-back"/.test(await said()), (await said()).slice(-1000));
        expectSame('how it ended', [await show('ActiveState'), await show('Result')], ['inactive', 'success']);
        expect('nothing of the job left', !existsSync('/run/facelatch-trainer'));
      } catch (error) {
        note((await said()).slice(-3000));
        throw error;
      } finally {
        await succeeds('systemctl', 'disable', '--now', unit);
        await run('find', folder, '-mindepth', '1', '-delete');
        rmSync('/run/hil-farm', { recursive: true, force: true });
        await succeeds('chown', '-R', 'facelatch:', stateFolder);
      }
    },
  },
];
