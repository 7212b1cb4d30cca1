/** A process that trains, promotes and takes back without end on one state folder, until it is killed: `node training-door.ts STATE [one]`; with `one`, a single job to its end. Each line it writes is one step done. */
import { argv, stdout } from 'node:process';
import { Fault } from '../../src/base/errors.ts';
import { candidate, openBenchDoor, stepsRecipe } from './bench-door.ts';
import { shelfOfPeople } from './faults.ts';

const [, , state = '', how = ''] = argv;
const say = (text: string) => stdout.write(`${text}\n`);
const door = await openBenchDoor({
  state,
  shelf: shelfOfPeople(),
  run: stepsRecipe(20, (step) => void say(`step ${step}`)),
  onEvent: ({ kind }) => void say(kind),
});
say('ready');
for (let round = 0; how !== 'one' || round === 0; round++) {
  try {
    const job = door.jobs.status();
    if (!job || job.endedAt !== undefined) door.jobs.start({ recipe: 'adapt', where: 'door', by: 'test' });
    await door.runner.runOne(new AbortController().signal);
    say(`ended ${door.jobs.status()?.state} ${door.jobs.status()?.detail ?? ''}`);
    if (how === 'one') break;
    await candidate(door, `more-${round % 3}`);
    if (round % 3 === 2) await door.promotion.rollback('test');
    door.registry.prune(2);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    say(`fault ${error.code}`);
    if (how === 'one') break;
  }
}
door[Symbol.dispose]();
