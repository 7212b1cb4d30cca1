/** What `facelatch doctor` says of a farm: on a real Redis with the access control lines of docs/learn/farm.md, and with trainers that sign for their presence. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messageOf } from '../../../src/base/errors.ts';
import { version } from '../../../src/base/version.ts';
import { farmChecks } from '../../../src/cli/doctor/farm.ts';
import { openFarmRedis } from '../../../src/farm/redis.ts';
import { tellPresence } from '../../../src/farm/roll.ts';
import { loadConfig } from '../../../src/settings/load.ts';
import { openRedis, type RedisServer } from '../../fakes/redis.ts';
import { type Someone, someone } from '../../farm/set.ts';
import { facelatch, jsonOf, root, temporaryFolder } from '../facelatch.ts';

const users = readFileSync(join(root, 'docs', 'learn', 'farm.md'), 'utf8')
  .split('\n')
  .filter((line) => /^user (front-door|trainers) /.test(line));
const signal = new AbortController().signal;

let folder: ReturnType<typeof temporaryFolder>;
let redis: RedisServer;
let first: Someone;
let second: Someone;
beforeAll(async () => {
  folder = temporaryFolder();
  redis = await openRedis({ tls: true, password: 'root-word', config: users });
  [first, second] = [await someone('first'), await someone('second')];
  for (const { card } of [first, second]) writeFileSync(at(`${card.name}.json`), JSON.stringify({ trainer: card.name, ...card }));
  writeFileSync(at('ca.pem'), redis.ca!);
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const at = (name: string) => join(folder.path, name);
const settings = () => ({
  'state.folder': at('state'),
  'farm.url': redis.url,
  'farm.caFile': at('ca.pem'),
  'farm.user': 'front-door',
  'farm.passwordFile': passwordFile('PASSWORD-1'),
  'farm.trainers': `${at('first.json')},${at('second.json')}`,
});
function passwordFile(password: string): string {
  writeFileSync(at(`password-${password}`), `${password}\n`);
  return at(`password-${password}`);
}

/** Name → health and words; a fault is a problem. */
async function examined(changed: Readonly<Record<string, unknown>> = {}): Promise<Record<string, string>> {
  const { config } = loadConfig({ flags: new Map<string, unknown>(Object.entries({ ...settings(), ...changed })) });
  const said: Record<string, string> = {};
  for (const { name, work } of farmChecks(config, signal))
    said[name] = await work().then(
      ({ health, found }) => `${health}: ${found}`,
      (error) => `problem: ${messageOf(error)}`,
    );
  return said;
}

/** A trainer says that it is there, as it does every few seconds. */
async function tell({ party, card }: Someone, engine = version, recipes = ['adapt']): Promise<void> {
  await using client = await openFarmRedis({
    url: redis.url,
    ca: redis.ca!,
    user: 'trainers',
    password: 'PASSWORD-3',
    clockSkewS: 5,
    signal,
  });
  await tellPresence(client, 'facelatch-farm', party, { name: card.name, device: 'cuda', recipes, engine }, 20_000);
}

describe('Redis', () => {
  it('is tried as a job would use it, and nothing is left there', async () => {
    expect((await examined()).farm).toMatch(
      /^ok: rediss:.* lets this door write, read and run scripts, \d+ ms each; evicts nothing; the clocks agree$/,
    );
    expect(await redis.client().keys('*')).toEqual([]);
  });

  it.each([
    ['a wrong password', () => ({ 'farm.passwordFile': passwordFile('wrong') }), /check farm.user and farm.passwordFile/],
    ["another door's name", () => ({ 'door.id': 'back-door' }), /give it the access control line of docs\/learn\/farm.md/],
    ['another authority', () => ({ 'farm.caFile': '' }), /set farm.caFile/],
    ['no TLS', () => ({ 'farm.url': redis.url.replace('rediss', 'redis') }), /farm.url/],
    ['a port where nobody listens', () => ({ 'farm.url': 'rediss://127.0.0.1:1' }), /is it running/],
    ['a password file that is not there', () => ({ 'farm.passwordFile': at('none') }), /farm.passwordFile: .*cannot be read/],
  ])('%s is a problem with its remedy', async (_, changed, remedy) => {
    expect((await examined(changed())).farm).toMatch(new RegExp(`^problem: .*${remedy.source}`));
  });

  it('that throws away what it holds is a problem; one that forgets, or shows a door too much, is noted', async () => {
    const root = redis.client();
    await root.config('SET', 'maxmemory-policy', 'allkeys-lru');
    expect((await examined()).farm).toMatch(/^problem: .*maxmemory-policy noeviction/);
    await root.config('SET', 'maxmemory-policy', 'noeviction');
    await root.config('SET', 'appendonly', 'no');
    const open = await examined({ 'farm.user': '', 'farm.passwordFile': passwordFile('root-word') });
    await root.config('SET', 'appendonly', 'yes');
    expect(open.farm).toMatch(/^note: .*appendonly yes.*may read what belongs to other doors/);
  });
});

describe('trainers', () => {
  it('are problems where none can do the work: nobody there, of another version, without the recipe', async () => {
    await redis.client().flushall();
    expect((await examined()).trainers).toMatch(/^problem: .*first is not running; second is not running.*facelatch trainer/);
    await tell(first, '0.0.9');
    await tell(second, version, ['paper']);
    const { trainers } = await examined();
    expect(trainers).toMatch(/^problem: .*first runs facelatch 0\.0\.9, this door .*update one.*second cannot do adapt/);
    await tell(second);
    expect((await examined()).trainers).toMatch(/^note: second \(cuda\) can do adapt; first runs facelatch 0\.0\.9/);
    await tell(first);
    expect((await examined()).trainers).toBe('ok: first (cuda), second (cuda) can do adapt');
  });

  it('whose card is not there, or is none, are named with what makes one', async () => {
    expect((await examined({ 'farm.trainers': at('none.json') })).trainers).toMatch(/none\.json.*facelatch trainer key create/);
    expect((await examined({ 'farm.trainers': at('ca.pem') })).trainers).toMatch(/ca\.pem, which is not the card of a trainer/);
    expect((await examined({ 'farm.trainers': '' })).trainers).toMatch(/trusts no trainer/);
  });
});

it('the command shows both among its checks, and neither at a door without a farm', async () => {
  await redis.client().flushall();
  await tell(first);
  const run = async (given: object) => {
    const set = Object.entries(given).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
    const { checks } = jsonOf(await facelatch(['doctor', '--no-camera', '--json', ...set]));
    return (checks as { name: string; health: string }[])
      .filter(({ name }) => name === 'farm' || name === 'trainers')
      .map(({ name, health }) => `${name} ${health}`);
  };
  expect(await run(settings())).toEqual(['farm ok', 'trainers note']);
  expect(await run({ 'state.folder': at('state') })).toEqual([]);
}, 60_000);
