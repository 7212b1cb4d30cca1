/** The real program as a process: a kill, the table of the demo, a stop, a second start; and wrong words. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { vaultOf } from '../../src/adapters/vault.ts';
import { systemClock } from '../../src/base/time.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { facelatch, facelatchProcess, type Run, root, start, temporaryFolder } from '../cli/facelatch.ts';
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
  // First a stranger comes, then the only resident, both stand and look; then somebody with a printed photo of the resident.
  ...['--set', 'camera.replay.seed=410'],
];
const enrolled = (person: string) => ['--set', `camera.replay.enrolled=${person}`];
const tableOf = ({ stdout }: Run) => JSON.parse(stdout.trim().split('\n').at(-1) ?? '');

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

describe('the program', () => {
  it('after a SIGKILL during a visit has a whole journal and starts again; it opens for the enrolled and for nobody else, ends with a table, and exits 1 after a wrong opening', async () => {
    using folder = temporaryFolder();
    const args = await demoArgs(folder.path);
    const running = start([...args, ...enrolled('p01')]);
    await running.said(/access\.(granted|denied)/);
    running.child.kill('SIGKILL');
    await running.done;
    expect(journalled(folder.path).verdict.ok).toBe(true);
    const run = await facelatchProcess([...args, ...enrolled('p01'), '--visits', '3']);
    expect(run.code).toBe(0);
    expect(tableOf(run)).toMatchObject({
      ...{ visits: 3, wronglyOpened: 0 },
      rows: [
        { who: 'enrolled', opened: 1 },
        { who: 'picture', opened: 0, shut: 1 },
        { who: 'stranger', opened: 0 },
      ],
    });
    const { verdict, kinds } = journalled(folder.path);
    expect(verdict.ok).toBe(true);
    const ofThisRun = kinds.slice(kinds.lastIndexOf('daemon.started')).filter((kind) => /^(daemon|access|relay)\./.test(kind));
    expect(ofThisRun).toEqual(['daemon.started', 'access.denied', 'access.granted', 'relay.pulsed', 'access.denied', 'daemon.stopped']);
    // With hardly any threshold every stranger is taken for somebody.
    const loose = ['policy=paper', 'detection=0.000001', 'verification=0.1', 'ambiguityMargin=0'];
    const settings = loose.flatMap((setting) => ['--set', `identity.${setting}`]);
    const second = await facelatchProcess([...args, ...enrolled('p04'), '--visits', '1', ...settings]);
    expect(tableOf(second)).toMatchObject({ visits: 1, wronglyOpened: 1 });
    expect(second.code).toBe(1);
    // p01 is a stranger now.
    expect(peopleWithKeys(folder.path)).toEqual({ owners: 1, destroyed: 1 });
    expect(journalled(folder.path).kinds).toEqual(expect.arrayContaining(['person.removed', 'person.shredded']));
  }, 120_000);

  it('reports a replay folder without pictures as a missing camera, refuses a second start on its state, and ends in order on SIGTERM', async () => {
    using folder = temporaryFolder();
    const state = join(folder.path, 'state');
    mkdirSync(join(folder.path, 'empty'));
    const replay = ['--set', 'camera.source=replay', '--set', `camera.replay.from=${join(folder.path, 'empty')}`];
    const running = start(['run', '--json', '--state', state, ...replay]);
    await running.said(/camera\.failed/);
    const second = await facelatch(['run', '--json', '--state', state, ...replay]);
    expect(second.code).toBe(3);
    expect(JSON.parse(second.stderr)).toMatchObject({ error: { code: 'state-locked', message: expect.stringContaining('state.folder') } });
    running.child.kill('SIGTERM');
    expect(await running.done).toMatchObject({ code: 0, signal: null });
    const { verdict, kinds } = journalled(state);
    expect(verdict.ok).toBe(true);
    expect(kinds).toEqual(['daemon.started', 'camera.failed', 'daemon.stopped']);
  }, 30_000);
});

describe('wrong words', () => {
  it('a configuration with several mistakes names all of them, and exits 2 before anything is opened', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'wrong.json');
    writeFileSync(file, JSON.stringify({ camera: { fps: 'fast', sorce: 'v4l2' }, access: { votes: 9 } }));
    const run = await facelatch(['run', '--config', file, '--state', join(folder.path, 'state'), '--set', 'relay.kind=magic'], {
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
    const run = await facelatch(['run', '--visits', '3', '--set', 'camera.source=v4l2']);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('--visits');
  });

  it('--json puts a fault on standard error as JSON', async () => {
    using folder = temporaryFolder();
    const run = await facelatch(['run', '--json', '--set', 'face.embedder=/nonexistent', '--state', folder.path]);
    expect(run.code).toBe(3);
    expect(JSON.parse(run.stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({ error: { code: 'model-missing' } });
  });
});
