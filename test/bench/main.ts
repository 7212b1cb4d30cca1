/** `npm run bench [-- NAME…]`: runs the benches by name (all by default), prints one table, exits 1 when a target is missed. */
import { parseArgs } from 'node:util';
import { isMissed, type Row, tableOf } from '../../src/cli/door/figures.ts';

// As bin/facelatch.mjs starts the program.
process.env.UV_THREADPOOL_SIZE ??= '2';

const benches: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
  frame: async () => (await import('./frame.ts')).benchFrame(),
  faces: async () => (await import('./faces.ts')).benchFaces(),
  pictures: async () => (await import('./pictures.ts')).benchPictures(),
  stillness: async () => (await import('./stillness.ts')).benchStillness(),
  gallery: async () => (await import('./gallery.ts')).benchGallery(),
  journal: async () => (await import('./journal.ts')).benchJournal(),
  match: async () => (await import('./match.ts')).benchMatch(),
  slideshow: async () => (await import('./slideshow.ts')).benchSlideshow(),
  daemon: async () => (await import('./daemon.ts')).benchDaemon(),
  start: async () => (await import('./start.ts')).benchStart(),
  mqtt: async () => (await import('./mqtt.ts')).benchMqtt(),
  'hostile-broker': async () => (await import('./hostile-broker.ts')).benchHostileBroker(),
  train: async () => (await import('./train.ts')).benchTrain(),
  tune: async () => (await import('./tune.ts')).benchTune(),
  farm: async () => (await import('./farm.ts')).benchFarm(),
  learning: async () => (await import('./daemon.ts')).benchLearning(),
  attacks: async () => (await import('./attacks.ts')).benchAttacks(),
  faults: async () => (await import('./faults.ts')).benchFaults(),
  soak: async () => (await import('./soak.ts')).benchSoak(),
  'remote-pictures': async () => (await import('./remote-pictures.ts')).benchRemotePictures(),
  promise: async () => (await import('./promise.ts')).benchPromise(),
  adapt: async () => (await import('./adapt.ts')).benchAdapt(),
  fitness: async () => (await import('./fitness.ts')).benchFitness(),
  liveness: async () => (await import('./liveness.ts')).benchLiveness(),
  residents: async () => (await import('./demo-residents.ts')).benchDemoResidents(),
  presentations: async () => (await import('./presentations.ts')).benchPresentations(),
  backup: async () => (await import('./backup.ts')).benchBackup(),
  'console-timeline': async () => (await import('./console-timeline.ts')).benchConsoleTimeline(),
  finetune: async () => (await import('./finetune.ts')).benchFinetune(),
  console: async () => (await import('./console.ts')).benchConsole(),
};
/** Minutes, or the better part of an hour: by name only. */
const long = [
  'pictures',
  'stillness',
  'learning',
  'faults',
  'attacks',
  'mqtt',
  'hostile-broker',
  'farm',
  'train',
  'tune',
  'soak',
  'fitness',
  'finetune',
  'remote-pictures',
  'promise',
  'liveness',
  'residents',
  'presentations',
  'backup',
  'console-timeline',
  'console',
];

const { positionals } = parseArgs({ allowPositionals: true, strict: true, options: {} });
const unknown = positionals.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`bench: there is no ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}
const rows: Row[] = [];
for (const name of positionals.length > 0 ? positionals : Object.keys(benches).filter((n) => !long.includes(n))) {
  console.error(`bench: ${name} …`);
  rows.push(...((await benches[name]?.()) ?? []));
}
console.log(tableOf(rows));
process.exitCode = rows.some(isMissed) ? 1 : 0;
