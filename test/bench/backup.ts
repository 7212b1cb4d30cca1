/**
 * A backup of a door with 1,000 people of five pictures: how long it takes, and how much later the door opens meanwhile.
 * The backups follow one another without a pause, in a process of the lowest priority, as the schedule starts them.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backupTaskOf } from '../../src/adapters/backup.ts';
import { galleryOf, modelFolder } from '../../src/adapters/basics.ts';
import { vaultOf } from '../../src/adapters/vault.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Camera } from '../../src/camera/port.ts';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import { openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { dryRelay } from '../../src/relay/dry.ts';
import { type Config, loadConfig } from '../../src/settings/load.ts';
import { takeBackupApart } from '../../src/vault/backup/process.ts';
import { wire } from '../../src/wire.ts';
import { captureToRelay } from './daemon.ts';
import { randomEmbeddings } from './match.ts';
import { pictureOf } from './scene.ts';

const people = 1000;
const picturesEach = 5;
/** What a camera of 1080 lines gives. */
const pictureBytes = 60_000;

export async function benchBackup(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  try {
    const { config } = loadConfig({
      flags: new Map<string, unknown>(
        Object.entries({
          ...{ 'state.folder': join(folder, 'state'), 'liveness.policy': 'off', 'camera.source': 'replay' },
          ...{ 'relay.pulseMs': 50, 'access.cooldownMs': 0 },
        }),
      ),
    });
    await enrolResidents(config);
    const to = join(folder, 'door.age');
    const alone = [await backupMs(config, to), await backupMs(config, to), await backupMs(config, to)];
    const without = await captureToRelay(15, (camera) => runDoor(config, camera));
    let taken = 0;
    const during = await captureToRelay(15, async (camera) => {
      const over = new AbortController();
      const backups = (async () => {
        for (; !over.signal.aborted; taken++) await backupMs(config, to);
      })();
      const run = await runDoor(config, camera);
      over.abort();
      await backups;
      return run;
    });
    const [before, after] = [quantile(without, 0.95), quantile(during, 0.95)];
    const what = `backup of ${people} people of ${picturesEach} pictures`;
    return [
      {
        what: `${what}, ${Math.round((people * picturesEach * pictureBytes) / 1e6)} MB`,
        value: quantile(alone, 0.5) / 1000,
        unit: 's',
        target: 10,
      },
      {
        what: `first frame captured → relay edge, p95, during ${taken} backups`,
        value: after,
        unit: 'ms',
        baseline: { what: 'without', value: before },
      },
      { what: '… times that without', value: after / before, unit: '×', target: 1.1 },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function enrolResidents(config: Config): Promise<void> {
  const folder = modelFolder(config.face.embedder);
  const embedder = openEmbedderNetwork(folder).info;
  await using reader = await openFaceReader({
    detector: modelFolder(config.face.detector),
    embedder: folder,
    threads: 1,
    provider: 'cpu',
    limits: config.face.quality,
  });
  // Among so many people the threshold is strict: with the picture that comes to the door, too.
  const own = await Promise.all(
    ['p01-neutral', 'p01-smiling'].map(async (name) => {
      const picture = pictureOf(name);
      const template = (await reader.read(picture)).faces[0]?.embedding;
      if (!template) throw new Error('the bench person has no face');
      return { picture, template, source: 'bench' };
    }),
  );
  using vault = vaultOf(config);
  using gallery = galleryOf(config, embedder, vault);
  gallery.enrol({ name: 'p01', pictures: own });
  const templates = randomEmbeddings(people * picturesEach, embedder.dimension);
  for (let i = 0; i < people; i++)
    gallery.enrol({
      name: `Resident ${i}`,
      pictures: templates.splice(0, picturesEach).map((each) => ({ picture: randomBytes(pictureBytes), template: each, source: 'bench' })),
    });
}

async function backupMs(config: Config, to: string): Promise<number> {
  using vault = vaultOf(config);
  const task = await backupTaskOf(config, vault, { to, by: 'bench' });
  const fromMs = performance.now();
  await takeBackupApart({ ...task, keep: undefined }, new AbortController().signal);
  return performance.now() - fromMs;
}

async function runDoor(config: Config, camera: Camera) {
  const relay = dryRelay({ clock: systemClock, ...config.relay });
  await using house = await wire(config, openLog('silent'), { camera, relay, clock: systemClock });
  await house.run(new AbortController().signal);
  return relay;
}
