import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLog } from '../../../src/base/log.ts';
import { shelfIn } from '../../../src/base/model/shelf.ts';
import { farmOf } from '../../../src/learning/parts.ts';
import { loadConfig } from '../../../src/settings/load.ts';
import { lastLink } from '../../fakes/recipe.ts';
import { openRedis } from '../../fakes/redis.ts';
import { inventedData } from '../../farm/set.ts';
import { facelatch, jsonOf, root, start, temporaryFolder } from '../facelatch.ts';

test('a trainer and a door that know each other by their cards work together', { timeout: 120_000 }, async () => {
  await using redis = await openRedis({ tls: true });
  using folder = temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const write = (name: string, content: object | string) => {
    writeFileSync(at(name), typeof content === 'string' ? content : JSON.stringify(content));
    return at(name);
  };
  const made = await facelatch(['trainer', 'key', 'create', '--name', 'gpu-1', '--out', at('trainer-key.json')]);
  expect(made.code).toBe(0);
  const card = jsonOf(made);
  expect(card).toMatchObject({ trainer: 'gpu-1', sign: { crv: 'Ed25519' }, encrypt: { crv: 'X25519' } });
  expect(made.stdout).not.toContain(JSON.parse(readFileSync(at('trainer-key.json'), 'utf8')).sign.d);
  const farm = { url: redis.url, caFile: write('ca.pem', redis.ca!) };
  const door = write('door.json', {
    state: { folder: at('state') },
    farm: { ...farm, trainers: [write('gpu-1.json', card)] },
  });
  const doorCard = write('front-door.json', (await facelatch(['key', 'door', '--config', door])).stdout);
  const trainer = write('trainer.json', {
    farm,
    trainer: { name: 'gpu-1', keyFile: at('trainer-key.json'), doors: [doorCard], folder: at('work'), leaseMs: 3000, checkpointMs: 100 },
  });
  expect((await facelatch(['trainer', 'list', '--config', door])).code).toBe(1);
  const running = start(['trainer', '--config', trainer, '--workshop', join(root, 'test/fakes/chain-workshop.ts'), '--json']);
  await running.said(/"kind":"ready"/);
  const listed = await facelatch(['trainer', 'list', '--config', door, '--json']);
  expect(listed.code).toBe(0);
  expect(jsonOf(listed).trainers).toMatchObject([{ name: 'gpu-1', there: true, device: 'cpu', recipes: ['adapt'] }]);
  const base = at('base');
  mkdirSync(base);
  writeFileSync(join(base, 'manifest.json'), '{}');
  writeFileSync(join(base, 'twin.onnx'), 'the base');
  const data = inventedData();
  const { config } = loadConfig({ files: [door] });
  const place = await farmOf(config, openLog('silent'));
  const signal = new AbortController().signal;
  const run = { data, base, out: shelfIn(at('out')), seed: 3, signal, onProgress: () => undefined };
  const result = await place!.train({ id: 'a-job', recipe: 'adapt', seed: 3 }, run);
  expect(JSON.parse(readFileSync(join(result.folder, 'manifest.json'), 'utf8')).link).toBe(await lastLink(data, base, 3, 20));
  running.child.kill('SIGTERM');
  const { code, stderr } = await running.done;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

test('what is missing is named', { timeout: 120_000 }, async () => {
  using folder = temporaryFolder();
  const said = async (...args: string[]) => {
    const { code, stderr } = await facelatch(['trainer', '--set', `trainer.keyFile=${join(folder.path, 'none')}`, ...args]);
    expect(code).toBe(2);
    return stderr;
  };
  const url = ['--set', 'farm.url=rediss://farm.example'];
  expect(await said()).toContain('farm.url is empty');
  expect(await said(...url)).toContain('trainer.doors is empty');
  expect(await said(...url, '--set', 'trainer.doors=none.json')).toContain('facelatch trainer key create');
  expect(await said('--set', 'farm.url=https://farm.example')).toContain('rediss://');
});
