/**
 * The process that checks labels, trains and compares. retrain/process.ts starts it: one task comes in by message,
 * progress and the result go out. It ends with the process that started it.
 */
import { argv } from 'node:process';
import { Fault, messageOf } from '../base/errors.ts';
import type { NetworkPlace } from '../base/model/place.ts';
import { shelfIn } from '../base/model/shelf.ts';
import { openFaceReader } from '../face/reader.ts';
import { logitOf } from '../identity/siamese.ts';
import { calibrationCurve } from '../identity/threshold.ts';
import { checkLabels, type LabelParts } from '../retrain/labels.ts';
import type { Workshop } from '../retrain/port.ts';
import { tooFewProbes } from '../retrain/probes.ts';
import { allPeople, readPictures, type TaskMessage, type TaskResult, type TrainingTask } from '../retrain/task.ts';
import { jobSeal } from './job-seal.ts';

const [, , workshopModule = './workshop.ts'] = argv;
const cancelled = new AbortController();
const say = (message: TaskMessage) => process.send?.(message);
// Without the daemon nobody needs the result; the checkpoint stays for the next one.
process.on('disconnect', () => process.exit(0));

async function carryOut(task: TrainingTask, { recipes, compare }: Workshop): Promise<TaskResult> {
  const { signal } = cancelled;
  const fileSeal = jobSeal(task.key);
  const { training, frozen, enrolled } = readPictures(task.pictures, fileSeal);
  const onProgress = (progress: Parameters<Parameters<typeof compare>[0]['onProgress']>[0]) => void say({ kind: 'progress', progress });
  const { networks } = task;
  const open = async (place: NetworkPlace) => ({ place, reader: await openFaceReader({ ...networks, embedder: place }) });
  if (task.kind === 'check') {
    await using stack = new AsyncDisposableStack();
    const reader = task.base === undefined ? undefined : stack.use((await open(task.base)).reader);
    const logitAt: LabelParts['logitAt'] = (calibration, fmr) => calibrationCurve(calibration).logitAt(fmr).logit;
    return { pictures: await checkLabels({ people: allPeople([training, frozen]), reader, signal, onProgress }, { logitOf, logitAt }) };
  }
  const { seed } = task;
  if (task.kind === 'train') {
    const recipe = recipes[task.recipe];
    if (!recipe)
      throw new Fault(
        'bad-argument',
        `The recipe ${task.recipe} is not in this version of facelatch: set retrain.recipe (--recipe) to ${Object.keys(recipes).join(' or ')}`,
      );
    const lacking = recipe.lacks(training);
    const apart = frozen.people.length;
    const kept =
      apart === 0 ? '' : ` (not counting ${apart === 1 ? 'one' : apart} whose pictures are kept apart to measure on: retrain.frozenShare)`;
    if (lacking !== undefined) throw new Fault('bad-argument', `${lacking}${kept}`);
    const tooFew = tooFewProbes({ frozen, enrolled });
    if (tooFew !== undefined) throw new Fault('bad-argument', tooFew);
    const { base } = task;
    const [out, checkpoint] = [shelfIn(task.out, fileSeal), shelfIn(task.checkpoint, fileSeal)];
    return recipe.run({ data: training, base, out, checkpoint, seed, threads: networks.threads, signal, onProgress });
  }
  const [champion, candidate] = [await open(task.champion), await open(task.candidate)];
  try {
    return await compare({ champion, candidate, frozen, enrolled, targetFmr: task.targetFmr, seed, signal, onProgress });
  } finally {
    await champion.reader[Symbol.asyncDispose]();
    await candidate.reader[Symbol.asyncDispose]();
  }
}

process.on('message', async (message: TrainingTask | { readonly kind: 'cancel' }) => {
  if (message.kind === 'cancel') return cancelled.abort(new Error('cancelled'));
  try {
    const { workshopOf } = (await import(workshopModule)) as { workshopOf: (options: { readonly others: string }) => Workshop };
    say({ kind: 'done', result: await carryOut(message, workshopOf({ others: message.networks.others })) });
  } catch (error) {
    if (cancelled.signal.aborted) process.exit(0);
    const code = error instanceof Fault ? error.code : 'training-failed';
    const stack = error instanceof Error && !(error instanceof Fault) ? ` ${error.stack ?? ''}` : '';
    say({ kind: 'fault', code, message: `${messageOf(error)}${stack}` });
  }
});
