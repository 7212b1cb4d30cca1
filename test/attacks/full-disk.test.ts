/** What makes a door safer is done at once and stays done, on a real disk that is full; what would open it is refused. */
import { afterEach, expect, it } from 'vitest';
import { openEntrance } from '../../src/access/entrance.ts';
import { ruler } from '../../src/access/person-rules.ts';
import { openLog } from '../../src/base/log.ts';
import { runTime } from '../../src/base/time.ts';
import { openGallery } from '../../src/identity/sqlite.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { openPost } from '../command/post.ts';
import { face, person, smallEmbedder, smallPolicy } from '../contracts/gallery.ts';
import { fakeClock } from '../fakes/clock.ts';
import { doorConfig } from '../fakes/config.ts';
import { eventOf } from '../fakes/events.ts';
import { fakeRelay } from '../fakes/relay.ts';
import { fillDisk, mountSmallDisk, unmountDisk } from '../fakes/small-disk.ts';
import { memoryVault } from '../fakes/vault.ts';

const disk = mountSmallDisk('2m') ?? '';
const { TMPDIR: before } = process.env;
afterEach(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  if (disk) unmountDisk(disk);
});

/** SQLite has room in what it has allocated; this takes it. */
async function untilRefused(write: () => unknown): Promise<void> {
  for (let i = 0; i < 5000; i++)
    try {
      if ((await write()) === 'refused') return;
    } catch {
      return;
    }
  throw new Error('the disk is never full');
}

it('on a full disk a door is disarmed, a hold ends and a person is kept out; nothing else is taken, and nothing is taken twice', async ({
  skip,
}) => {
  if (!disk) skip('no disk may be mounted here');
  process.env.TMPDIR = disk; // where the desk keeps which commands were used
  const clock = fakeClock();
  const relay = fakeRelay();
  using journal = openJournal({ file: `${disk}/journal.sqlite`, clock });
  using vault = memoryVault();
  const galleryOptions = { vault, file: `${disk}/people.sqlite`, embedder: smallEmbedder, policy: smallPolicy, clock };
  using gallery = openGallery(galleryOptions);
  const ada = gallery.enrol(person('Ada', face()));
  const bob = gallery.enrol(person('Bob', face()));
  const { access, relay: lock, liveness } = doorConfig();
  const threshold = { policy: 'target-fmr', logit: 8, fmr: 1e-5, extrapolated: false } as const;
  const { controller, door, people, tick } = openEntrance({
    ...{ vault, journal, relay, gallery, clock, rules: { ...access, liveness }, log: openLog('silent') },
    policy: () => ({ ...access, pulseMs: lock.pulseMs, threshold }),
    premises: () => ({ ...access, ...lock }),
    synchronised: () => true,
    boot: runTime(clock, 'first'),
  });
  const rule = ruler({ gallery: people, journal, names: { schedules: [], groups: [] } });
  using post = await openPost({ clock, ports: { door, gallery, rule } });
  await post.send('operator', 'door.hold', { durationMs: 60_000 });
  expect(controller.premises.hold).toBeDefined();
  const [armLater, disarm] = [await post.senders.operator.request('arm', {}), await post.senders.operator.request('disarm', {})];

  const makeRoom = fillDisk(disk, 0);
  await untilRefused(() => journal.append({ ...eventOf['daemon.stopped'], reason: 'x'.repeat(2000) }));
  await untilRefused(() => gallery.setRules(bob.id, { validUntil: '2030-01-01T00:00Z' }));
  await untilRefused(async () => {
    await clock.advance(1000);
    return (await post.send('admin', 'lockout.reset')).error?.code === 'failed' ? 'refused' : 'taken';
  });

  await clock.advance(1000);
  expect(await post.say('disarm', disarm.payload)).toEqual(expect.any(String));
  expect(controller.premises.armed).toBe(false);
  expect(await post.send('operator', 'door.release')).toMatchObject({ ok: true });
  expect(controller.premises.hold).toBeUndefined();
  expect((await post.send('admin', 'people.disable', { person: 'Ada' })).error?.message).toContain('is not let in any more');
  expect(people.rules(ada.id)).toMatchObject({ enabled: false });
  for (const [name, args] of [['arm'], ['door.open'], ['door.hold', { durationMs: 1000 }], ['people.enable', { person: 'Ada' }]] as const)
    expect(await post.send('admin', name, args), name).toMatchObject({ ok: false });
  expect([controller.premises.armed, controller.premises.hold, people.rules(ada.id).enabled]).toEqual([false, undefined, false]);

  makeRoom();
  // What was signed before is not carried out after, and what was carried out is not carried out again.
  expect(controller.premises.armed).toBe(false);
  await post.say('arm', armLater.payload);
  await post.say('disarm', disarm.payload);
  expect(controller.premises.armed).toBe(false);
  await clock.advance(10_000);
  tick();
  controller.record(eventOf['daemon.stopped']);
  using again = openGallery(galleryOptions);
  expect(again.rules(ada.id)).toMatchObject({ enabled: false });
  const asked = journal.query({ kinds: ['request.granted'] }).map(({ event }) => (event.kind === 'request.granted' ? event.what : ''));
  expect(asked.filter((what) => what === 'disarm' || what === 'release')).toEqual(['disarm', 'release']);
  expect(journal.verify()).toMatchObject({ ok: true });
}, 60_000);
