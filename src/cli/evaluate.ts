/** `facelatch evaluate`: a list of picture pairs and their folder in; how often the project's own way from picture to likeness is right, out. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Command, Option } from 'commander';
import { readerOf } from '../adapters.ts';
import type { Config } from '../config.ts';
import { Fault, messageOf } from '../errors.ts';
import type { EmbedderInfo, Embedding, FaceReader } from '../face/port.ts';
import { logitOf } from '../identity/siamese.ts';
import { evaluate } from '../train/evaluate.ts';
import { type PairList, readPairs } from '../train/pairs.ts';
import {
  type CommonOptions,
  configOf,
  exitCodes,
  type NetworkOptions,
  networksOf,
  print,
  withCommon,
  withHelp,
  withNetworks,
} from './context.ts';
import { type Measured, measuredJson, measuredText } from './evaluation-report.ts';
import { statedFigures } from './networks.ts';
import { readProbe } from './probe.ts';
import { openProgress } from './progress.ts';
import { counted } from './words.ts';

const scoreKinds = ['head', 'cosine'] as const;
type ScoreKind = (typeof scoreKinds)[number];

interface EvaluateOptions extends CommonOptions, NetworkOptions {
  readonly pairs: string;
  readonly score: ScoreKind | 'both';
}

export function evaluateCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('evaluate')
    .summary('measure accuracy on a list of picture pairs')
    .description(
      'Read every picture that a list of pairs names (LFW format, View 1 or View 2) through the networks in use, and say how often pairs are told apart. ' +
        'A picture without a face is an error: its pairs count as wrong.',
    )
    .argument('<folder>', 'where the pictures lie: NAME/NAME_0001.jpg')
    .requiredOption('--pairs <file>', 'the list of pairs (pairsDevTest.txt, pairs.txt)')
    .addOption(
      new Option('--score <kind>', "which likeness: the Siamese head's logit, the cosine, or both")
        .choices([...scoreKinds, 'both'])
        .default('both'),
    );
  withHelp(
    command,
    [
      'facelatch evaluate --pairs lfw/pairs.txt lfw',
      'facelatch evaluate --pairs lfw/pairs.txt lfw --embedder ~/my-arcface --score cosine --json',
    ],
    'measured',
  );
  return withNetworks(withCommon(command)).action(async (folder: string, options: EvaluateOptions) =>
    exit(await measure(folder, options, stop)),
  );
}

async function measure(folder: string, options: EvaluateOptions, stop: AbortSignal): Promise<number> {
  const { config } = configOf(options, networksOf(options));
  const list = readPairs(readList(options.pairs), options.pairs);
  const files = picturesOf(list, folder);
  await using reader = await readerOf(config);
  const started = performance.now();
  const embeddings = await embedAll(files, folder, reader, config, stop);
  const seconds = (performance.now() - started) / 1000;
  const kinds = scoreKinds.filter((kind) => options.score === kind || options.score === 'both');
  const withoutFace = files.filter((file) => !embeddings.has(file));
  const figures = Object.fromEntries(
    kinds.map((kind) => [kind, evaluate(compared(list, embeddings, scorers[kind](reader.embedder)), withoutFace.length)]),
  );
  const stated = statedFigures(config, setOf(list, options.pairs) ?? '');
  const measured: Measured = { list, pictures: files.length, withoutFace, seconds, figures, stated, embedder: reader.embedder };
  print(options, measuredJson(measured), () => measuredText(measured));
  return exitCodes.yes;
}

function readList(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Fault('bad-argument', `The list of pairs ${file} (--pairs) cannot be read: ${messageOf(error)}`, error);
  }
}

/** Each picture once, in the order of the list. @throws Fault `not-found` when some are not there: figures on a part of a set mislead. */
function picturesOf({ pairs }: PairList, folder: string): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new Fault('not-found', `There is no folder of pictures ${folder}`);
  const files = [...new Set(pairs.flatMap(({ a, b }) => [a, b]))];
  const missing = files.filter((file) => !existsSync(join(folder, file)));
  if (missing.length === 0) return files;
  throw new Fault(
    'not-found',
    `${counted(missing.length, 'picture')} of the ${files.length} that the list names cannot be found in ${folder}, such as ${missing[0]}`,
  );
}

/** The dominant face's embedding of each picture; a picture without a face, or one that cannot be read, has none. */
async function embedAll(
  files: readonly string[],
  folder: string,
  reader: FaceReader,
  config: Config,
  stop: AbortSignal,
): Promise<Map<string, Embedding>> {
  const embeddings = new Map<string, Embedding>();
  const progress = openProgress('reading', files.length, 'pictures');
  try {
    for (const [done, file] of files.entries()) {
      stop.throwIfAborted();
      const embedding = await embeddingOf(join(folder, file), reader, config);
      if (embedding) embeddings.set(file, embedding);
      progress.update(done + 1);
    }
  } finally {
    progress.stop();
  }
  return embeddings;
}

async function embeddingOf(file: string, reader: FaceReader, config: Config): Promise<Embedding | undefined> {
  try {
    return (await readProbe(file, reader, config)).embedding;
  } catch (error) {
    if (error instanceof Fault && error.code === 'bad-picture') return undefined;
    throw error;
  }
}

type Scorer = (a: Embedding, b: Embedding) => number;

const scorers: Readonly<Record<ScoreKind, (embedder: EmbedderInfo) => Scorer>> = {
  head: (embedder) => (a, b) => logitOf(embedder.head, a, b),
  cosine: () => (a, b) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0),
};

function compared({ pairs }: PairList, embeddings: ReadonlyMap<string, Embedding>, score: Scorer) {
  return pairs.map(({ a, b, same, fold }) => {
    const [one, other] = [embeddings.get(a), embeddings.get(b)];
    return { score: one && other ? score(one, other) : null, same, fold };
  });
}

/** The name under which manifests state figures of LFW's own lists, known by their file names and sizes; undefined for any other list. */
function setOf({ view, pairs }: PairList, file: string): string | undefined {
  const known = { 1: { name: 'pairsDevTest.txt', pairs: 1000 }, 2: { name: 'pairs.txt', pairs: 6000 } }[view];
  return basename(file) === known.name && pairs.length === known.pairs ? `lfw-view${view}` : undefined;
}
