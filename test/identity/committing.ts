/** A process of its own that enrols 20 pictures of a mebibyte through a session: made to be killed in the midst of the commit, which it announces. */
import { join } from 'node:path';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import { rosterOf } from '../../src/identity/roster.ts';
import { enrolmentSessions } from '../../src/identity/sessions.ts';
import { openGallery } from '../../src/identity/sqlite.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';
import { circleEmbedder, drawing, drawingReader } from '../fakes/reader.ts';
import { vaultBeside } from '../fakes/vault.ts';

const [, , folder = '', name = '', face = '0'] = process.argv;
const policy = { policy: 'paper', targetFmr: 0.0001, detection: 0.99, verification: 0.8 } as const;
const reader = drawingReader();
const gallery = openGallery({
  vault: vaultBeside(join(folder, 'people')),
  file: join(folder, 'people.sqlite'),
  embedder: circleEmbedder,
  policy,
  clock: systemClock,
});
const journal = openJournal({ file: join(folder, 'journal.sqlite'), clock: systemClock });
const all = enrolmentSessions({
  gallery,
  roster: rosterOf({ gallery, journal }),
  journal,
  reader: () => reader,
  outside: { clean: async (picture) => picture },
  limits: qualityLimits,
  clock: systemClock,
  log: openLog('silent'),
  maxSessions: 1,
  maxPictures: 50,
  keptPictures: 50,
  maxPictureBytes: 2_000_000,
  sessionMs: 60_000,
  intervalMs: 0,
});
const sessions = all.of({ name: 'test', key: 'k-test' });
const started = await sessions.start(name);
if (!started.ok) throw new Error(started.detail);
const { session } = started.value;
for (let i = 0; i < 20; i++) {
  const picture = drawing({ face: Number(face), tag: `${name} ${i}`, padding: 'x'.repeat(1 << 20) });
  await sessions.addPicture(session, { picture, source: `${i}` });
}
process.stdout.write('committing\n');
await sessions.commit(session);
await all[Symbol.asyncDispose]();
