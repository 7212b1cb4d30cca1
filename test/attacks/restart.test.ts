/** A door that is killed comes back as it was: what happened since does not push its mode out of memory. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { wire } from '../../src/wire.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { drawing, drawingReader } from '../fakes/reader.ts';
import { fakeRelay } from '../fakes/relay.ts';

// However much happens since is asked of the journal in test/access/entrance.test.ts.
it('disarmed, opened again and again by others, and killed, it is disarmed after the next start', async () => {
  using folder = temporaryFolder();
  const child = spawn(process.execPath, [fileURLToPath(new URL('disarmed-door.ts', import.meta.url)), folder.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  {
    using journal = openJournal({ file: join(folder.path, 'journal.sqlite'), clock: systemClock });
    expect(journal.verify().ok).toBe(true);
    expect(journal.query({ kinds: ['request.granted'] })).toHaveLength(31);
  }
  const camera = fakeCamera();
  const relay = fakeRelay();
  const flags = { 'state.folder': folder.path, 'identity.policy': 'paper', 'face.idleFps': 0, 'access.absenceMs': 100 };
  const config = doorConfig(flags);
  await using house = await wire(config, openLog('silent'), { camera, reader: drawingReader(), relay });
  const picture = drawing({ face: 10 });
  const template = (await house.reader.read(picture)).faces[0]!.embedding!;
  house.gallery.enrol({ name: 'Ada', pictures: [{ picture, template, source: 'test' }] });
  const end = new AbortController();
  const running = house.run(end.signal);
  for (let i = 0; i < 8; i++) await camera.push(drawing({ face: 10, tag: `${i}` }));
  for (let i = 0; i < 3; i++) await camera.push(drawing({ tag: `gone ${i}` }));
  await expect.poll(() => house.journal.query({ kinds: ['access.denied'] }).length, { timeout: 5000 }).toBe(1);
  end.abort();
  await running;
  expect(house.journal.query({ kinds: ['access.denied'] })[0]?.event).toMatchObject({ reason: 'disarmed' });
  expect(relay.pulses).toEqual([]);
}, 60_000);
