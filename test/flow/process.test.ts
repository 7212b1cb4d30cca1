/** The real program as a process: the demo's table, stops and kills at any time, a second start, wrong words. */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { vaultOf } from '../../src/adapters/vault.ts';
import { systemClock } from '../../src/base/time.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { facelatchProcess, jsonOf, root, start, temporaryFolder } from '../cli/facelatch.ts';
import { doorConfig } from '../fakes/config.ts';
import { freePort } from '../fakes/mosquitto.ts';

const demo = join(root, 'config', 'demo.json');
const demoArgs = async (state: string) => [
  'run',
  '--config',
  demo,
  '--state',
  state,
  '--json',
  '--set',
  `mqtt.embeddedPort=${await freePort()}`,
];

function journalled(state: string) {
  using journal = openJournal({ file: join(state, 'journal.sqlite'), clock: systemClock });
  return { verdict: journal.verify(), kinds: journal.query({}).map((entry) => entry.event.kind) };
}

/** Of how many people the vault has a key, and of how many it had one. */
function peopleWithKeys(state: string) {
  using vault = vaultOf(doorConfig({ 'state.folder': state }));
  const owners = vault.owners().filter((owner) => owner !== 'door' && 'person' in owner);
  return { owners: owners.length, destroyed: vault.destroyed().length };
}

describe('the demo', () => {
  it('opens for the enrolled and for nobody else, and ends with a table; a stranger of the next run is removed with their key', async () => {
    using folder = temporaryFolder();
    const args = await demoArgs(folder.path);
    const run = await facelatchProcess([...args, '--visits', '4']);
    expect(run.code).toBe(0);
    const result = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '');
    expect(result).toMatchObject({ visits: 4, wronglyOpened: 0 });
    const opened = result.rows.filter((row: { opened: number }) => row.opened > 0);
    expect(opened.length).toBeGreaterThan(0);
    expect(opened.every((row: { who: string }) => row.who === 'enrolled')).toBe(true);
    const { verdict, kinds } = journalled(folder.path);
    expect(verdict.ok).toBe(true);
    expect(kinds.filter((k) => k === 'access.granted')).toHaveLength(kinds.filter((k) => k === 'relay.pulsed').length);
    const before = peopleWithKeys(folder.path);
    expect(await facelatchProcess([...args, '--visits', '1', '--set', 'camera.replay.enrolled=p04'])).toMatchObject({ code: 0 });
    expect(before.owners).toBeGreaterThan(1);
    // p04 was a stranger before.
    expect(peopleWithKeys(folder.path)).toEqual({ owners: 1, destroyed: before.owners });
    expect(journalled(folder.path).kinds).toEqual(expect.arrayContaining(['person.removed', 'person.shredded']));
  }, 120_000);

  it('exits 1 when somebody was let in who should not have been', async () => {
    using folder = temporaryFolder();
    // With hardly any threshold every stranger is taken for somebody.
    const loose = [
      '--set',
      'identity.policy=paper',
      '--set',
      'identity.detection=0.000001',
      '--set',
      'identity.verification=0.1',
      '--set',
      'identity.ambiguityMargin=0',
    ];
    const run = await facelatchProcess([...(await demoArgs(folder.path)), '--visits', '1', ...loose]);
    expect(JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '').wronglyOpened).toBeGreaterThan(0);
    expect(run.code).toBe(1);
  }, 120_000);
});

describe('stops', () => {
  it('SIGKILL at any time leaves a whole journal, and the next start works; SIGTERM ends it in order', async () => {
    using folder = temporaryFolder();
    for (const moment of [/daemon\.started/, /access\.(granted|denied)/]) {
      const running = start(await demoArgs(folder.path));
      await running.said(moment);
      running.child.kill('SIGKILL');
      await running.done;
      expect(journalled(folder.path).verdict.ok).toBe(true);
    }
    const again = start(await demoArgs(folder.path));
    await again.said(/daemon\.started/);
    const second = await facelatchProcess(await demoArgs(folder.path));
    expect(second.code).toBe(3);
    expect(second.stderr).toMatch(/state\.folder/);
    await again.said(/access\.granted/);
    again.child.kill('SIGTERM');
    expect(await again.done).toMatchObject({ code: 0, signal: null });
    const { verdict, kinds } = journalled(folder.path);
    expect(verdict.ok).toBe(true);
    expect(kinds.at(-1)).toBe('daemon.stopped');
  }, 90_000);
});

describe('wrong words', () => {
  it('a configuration with several mistakes names all of them, and exits 2 before anything is opened', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'wrong.json');
    writeFileSync(file, JSON.stringify({ camera: { fps: 'fast', sorce: 'v4l2' }, access: { votes: 9 } }));
    const run = await facelatchProcess(['run', '--config', file, '--state', join(folder.path, 'state'), '--set', 'relay.kind=magic'], {
      FACELATCH_MQTT_ENABLED: 'perhaps',
    });
    expect(run.code).toBe(2);
    for (const path of [
      'camera.fps',
      'camera.sorce',
      'did you mean camera.source',
      'relay.kind',
      'mqtt.enabled',
      'FACELATCH_MQTT_ENABLED',
      file,
    ])
      expect(run.stderr).toContain(path);
  });

  it('--visits without the demo is refused', async () => {
    const run = await facelatchProcess(['run', '--visits', '3', '--set', 'camera.source=v4l2']);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('--visits');
  });

  it('a replay folder without pictures is a camera that is missing: reported, journalled and tried again', async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, 'empty'));
    const running = start([
      'run',
      '--json',
      '--state',
      join(folder.path, 'state'),
      '--set',
      'camera.source=replay',
      '--set',
      `camera.replay.from=${join(folder.path, 'empty')}`,
    ]);
    await running.said(/camera\.failed/);
    running.child.kill('SIGTERM');
    await once(running.child, 'exit');
    expect(journalled(join(folder.path, 'state')).kinds).toEqual(['daemon.started', 'camera.failed', 'daemon.stopped']);
  }, 30_000);

  it('--json puts a fault on standard error as JSON', async () => {
    const run = await facelatchProcess(['run', '--json', '--set', 'face.embedder=/nonexistent', '--state', '/tmp/facelatch-never']);
    expect(run.code).toBe(3);
    expect(JSON.parse(run.stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({ error: { code: 'model-missing' } });
    expect(() => jsonOf({ code: 3, signal: null, stdout: '', stderr: '' })).toThrow();
  });
});
