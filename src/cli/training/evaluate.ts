/**
 * `facelatch evaluate`: pictures of people and a model in; how often pairs are told apart, with 95 % intervals, out.
 */
import { relative } from 'node:path';
import { Command, Option } from 'commander';
import { Fault } from '../../base/errors.ts';
import type { Embedding } from '../../face/port.ts';
import { statedFigures } from '../../learning/networks.ts';
import { repeatedPictures } from '../../train/data/repeated-pictures.ts';
import { assess } from '../../train/figures/assessment.ts';
import { verificationRates, verificationThresholds } from '../../train/figures/verification.ts';
import { readTrainedModel } from '../../train/trained-model.ts';
import {
  type CommonOptions,
  configOf,
  exitCodes,
  type NetworkOptions,
  networksOf,
  print,
  tell,
  wholeNumber,
  withCommon,
  withHelp,
  withNetworks,
} from '../context.ts';
import { type LivenessOptions, measuredPolicies, measureLiveness } from '../liveness/evaluate-liveness.ts';
import { openProgress } from '../progress.ts';
import { type EvaluatedModel, type ModelScore, openBaseModel, openTrainedModel } from './evaluated-model.ts';
import { type EvaluationData, filesOf, listedPairs, type PeopleOptions, peoplePairs } from './evaluation-data.ts';
import { evaluationPage } from './evaluation-page.ts';
import { type Measured, measuredJson, measuredText } from './evaluation-report.ts';
import { type SeenFace, seenFace } from './promise.ts';
import { promiseOf, sittersOf } from './promised-rates.ts';
import { writeInFolder } from './training-folder.ts';

const scoreKinds = ['head', 'cosine'] as const;

interface EvaluateOptions extends CommonOptions, NetworkOptions, PeopleOptions {
  readonly pairs?: string;
  readonly model?: string;
  readonly crop?: boolean;
  readonly score: (typeof scoreKinds)[number] | 'both';
  readonly report?: string;
  readonly pictures: boolean;
  readonly liveness?: string;
  readonly policy: LivenessOptions['policy'];
  readonly fps: number;
  readonly baseline: LivenessOptions['baseline'];
  readonly anyQuality?: boolean;
}

export function evaluateCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('evaluate')
    .summary('measure a model on pairs of pictures')
    .description(
      'Read pictures of people through the networks in use (or one that facelatch train made), compare them in pairs, and say how often pairs are told apart, with 95 % intervals. ' +
        'DATA holds one folder per person, from which every pair is formed, or the pictures of a list of pairs (--pairs, LFW format, View 1 or View 2). ' +
        'A picture without a face is an error: its pairs count as wrong. ' +
        'With --liveness instead: judge clips of living faces and of attacks as the door would, and say how many were taken for the other (ISO/IEC 30107-3).',
    )
    .argument('[data]', 'pictures of people: NAME/….jpg')
    .option('--pairs <file>', 'the list of pairs (pairsDevTest.txt, pairs.txt) instead of every pair')
    .option('--model <folder>', 'a network from facelatch train, instead of the networks in use')
    .option('--crop', 'cut pictures to the face for --model (always done for a network trained with --crop)')
    .addOption(
      new Option('--part <part>', 'which pictures, where --model was trained on them: the test part (auto, test) or all')
        .choices(['auto', 'test', 'all'])
        .default('auto'),
    )
    .addOption(
      new Option('--people-by <what>', 'who a picture shows: its folder, or its file name up to the last _')
        .choices(['folder', 'name'])
        .default('folder'),
    )
    .option('--people <file>', 'measure only these people: a file with one name in each line')
    .option('--strangers <folder>', 'pictures of people who are not in DATA')
    .option('--most-pairs <n>', 'at most so many pairs of each kind, drawn at random', wholeNumber('--most-pairs', 30, 2e6), 100_000)
    .option('--seed <n>', 'seed for drawing pairs', wholeNumber('--seed', 0, 2 ** 31), 1)
    .addOption(
      new Option('--score <kind>', "which likeness: the Siamese head's logit, the cosine, or both")
        .choices([...scoreKinds, 'both'])
        .default('both'),
    )
    .option('--report <file.html>', 'write a page with curves, tables and the worst pairs, in one file')
    .option('--no-pictures', 'leave people’s pictures out of the page')
    .option('--liveness <folder>', 'measure the liveness checks on clips: <set>/<instrument>/<clip>/<frame>.jpg, or one set')
    .addOption(
      new Option('--policy <policy>', 'which checks judge the clips, with --liveness')
        .choices(measuredPolicies)
        .default('challenge-when-unsure'),
    )
    .option('--fps <n>', 'frames of a clip in a second, with --liveness', wholeNumber('--fps', 1, 60), 3)
    .addOption(
      new Option(
        '--baseline <what>',
        'the threshold of the score, with --liveness: half of the living clips set it, or those that are measured',
      )
        .choices(['none', 'half'])
        .default('none'),
    );
  command.option(
    '--any-quality',
    'with --liveness: judge faces too that the door would not compare (pictures that are cropped to the face)',
  );
  withHelp(
    command,
    [
      'facelatch evaluate --pairs lfw/pairs.txt lfw --report lfw.html',
      'facelatch evaluate people/ --embedder ~/my-arcface --score cosine --json',
      'facelatch evaluate people/ --model twin --report twin.html',
      'facelatch evaluate --liveness clips/ --baseline half --report liveness.html',
    ],
    'measured',
  );
  return withNetworks(withCommon(command)).action(async (folder: string | undefined, options: EvaluateOptions) => {
    requireFitting(options, (name) => command.getOptionValueSource(name) === 'cli');
    const { liveness } = options;
    if (liveness === undefined && folder === undefined)
      throw new Fault('bad-argument', 'Name the folder of pictures, or --liveness and a folder of clips');
    if (liveness !== undefined && folder !== undefined)
      throw new Fault('bad-argument', `--liveness measures ${liveness} alone: leave ${folder} out, or measure it without --liveness`);
    if (folder !== undefined) exit(await measure(folder, options, stop));
    else if (liveness !== undefined) {
      await measureLiveness({ ...options, liveness }, configOf(options, networksOf(options)).config, stop);
      exit(exitCodes.yes);
    }
  });
}

/** Options that contradict each other are refused: ignored in silence they would mislead. */
function requireFitting(options: EvaluateOptions, isGiven: (name: string) => boolean): void {
  const clash = (one: string, others: Readonly<Record<string, string>>, why: string) => {
    for (const [name, flag] of Object.entries(others))
      if (isGiven(name)) throw new Fault('bad-argument', `${flag} cannot be used with ${one}: ${why}`);
  };
  const people = {
    part: '--part',
    peopleBy: '--people-by',
    people: '--people',
    strangers: '--strangers',
    mostPairs: '--most-pairs',
    seed: '--seed',
  };
  const clips = { policy: '--policy', fps: '--fps', baseline: '--baseline', anyQuality: '--any-quality' };
  if (options.liveness === undefined) clash('pictures of people', clips, 'they are for the clips of --liveness');
  else
    clash(
      '--liveness',
      { ...people, pairs: '--pairs', model: '--model', crop: '--crop', score: '--score', pictures: '--no-pictures' },
      'nobody is compared',
    );
  if (options.pairs !== undefined) clash('--pairs', people, 'the list says who is compared');
  const base = { embedder: '--embedder', score: '--score' };
  if (options.crop && options.model === undefined)
    throw new Fault('bad-argument', '--crop is for --model: the networks in use look for the face themselves');
  if (options.model !== undefined) clash('--model', base, 'a trained network has its own');
  if (options.report !== undefined && !/\.html?$/i.test(options.report))
    throw new Fault('bad-argument', `--report writes .html, not ${options.report}`);
}

async function measure(folder: string, options: EvaluateOptions, stop: AbortSignal): Promise<number> {
  const { config } = configOf(options, networksOf(options));
  const trained = options.model === undefined ? undefined : await readTrainedModel(options.model);
  const data = options.pairs === undefined ? await peoplePairs(folder, options, trained) : listedPairs(options.pairs, folder);
  const kinds = scoreKinds.filter((kind) => options.score === kind || options.score === 'both');
  const isCropped = trained?.crop || options.crop;
  if (trained && !isCropped && options.detector !== undefined)
    throw new Fault('bad-argument', '--detector cannot be used with --model: this network takes whole pictures, unless --crop is given');
  await using model = trained ? await openTrainedModel(trained, isCropped ? config : undefined) : await openBaseModel(config, kinds);
  const started = performance.now();
  const read = await embedAll(filesOf(data), model, stop);
  const seconds = (performance.now() - started) / 1000;
  const stated = trained ? {} : statedFigures(config, data.set ?? '');
  const promise = model.embedder ? promiseOf(config, model.embedder, sittersOf(data, read.faces)) : [];
  const measured: Measured = { data, model, seconds, stated, promise, ...figuresOf(data, model, read) };
  print(options, measuredJson(measured), () => measuredText(measured));
  // After the figures: they are not lost if the page cannot be written.
  if (options.report !== undefined) {
    writeInFolder(options.report, await evaluationPage(measured, options.pictures));
    tell(`the report is ${options.report}${options.pictures ? ' (it shows pictures of people)' : ''}`);
  }
  return exitCodes.yes;
}

interface Read {
  readonly embeddings: ReadonlyMap<string, Embedding>;
  /** As a door sees them. */
  readonly faces: ReadonlyMap<string, SeenFace>;
  readonly withoutFace: readonly string[];
  readonly unreadable: readonly string[];
}

/** The embedding of the dominant face of each picture; none where there is no face or the picture cannot be read. */
async function embedAll(files: readonly string[], model: EvaluatedModel, stop: AbortSignal): Promise<Read> {
  const embeddings = new Map<string, Embedding>();
  const faces = new Map<string, SeenFace>();
  const [withoutFace, unreadable]: [string[], string[]] = [[], []];
  const progress = openProgress('reading', files.length, 'pictures');
  try {
    for (let from = 0; from < files.length; from += model.atOnce) {
      stop.throwIfAborted();
      const some = files.slice(from, from + model.atOnce);
      for (const [file, found] of await model.embed(some)) {
        if ('embedding' in found) {
          embeddings.set(file, found.embedding);
          faces.set(file, seenFace(found, model.embedder?.quality));
        } else (found.failure === 'no-face' ? withoutFace : unreadable).push(file);
      }
      progress.update(from + some.length);
    }
  } finally {
    progress.stop();
  }
  return { embeddings, faces, withoutFace, unreadable };
}

const worstShown = 8;

function figuresOf(data: EvaluationData, model: EvaluatedModel, { embeddings, withoutFace, unreadable }: Read) {
  const noFace = withoutFace.length + unreadable.length;
  const named = (path: string) => relative(data.folder, path);
  const comparisons = new Map(model.scores.map((score) => [score.kind, compared(data, embeddings, score)]));
  const figures = Object.fromEntries(
    model.scores.map(({ kind, at }) => {
      const thresholds = at ? verificationThresholds.map(({ detection }) => at(detection)).sort((a, b) => a - b) : [];
      return [kind, assess(comparisons.get(kind) ?? [], { noFace, thresholds, shared: data.shared, worst: worstShown })];
    }),
  ) as Measured['figures'];
  const probability = (probe: string, image: string) => {
    const [one, other] = [embeddings.get(probe), embeddings.get(image)];
    return one && other ? model.probability(one, other) : 0;
  };
  return {
    pictures: embeddings.size + noFace,
    withoutFace: withoutFace.map(named),
    unreadable: unreadable.map(named),
    repeated: repeatedPictures(filesOf(data)).map((files) => files.map(named)),
    comparisons,
    figures,
    verification: data.claims.some(({ images }) => images.length > 0) ? verificationRates(data.claims, probability) : [],
  };
}

function compared({ pairs }: EvaluationData, embeddings: ReadonlyMap<string, Embedding>, { of }: ModelScore) {
  return pairs.map(({ first, second, same, fold, people }) => {
    const [one, other] = [embeddings.get(first), embeddings.get(second)];
    return { score: one && other ? of(one, other) : null, same, fold, people };
  });
}
