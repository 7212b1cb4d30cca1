/**
 * `facelatch models cohort`: folders of pictures of strangers in; their embeddings, for retraining with your own
 * embedder, out.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { modelFolder } from '../../adapters/basics.ts';
import { Fault, isBadPicture } from '../../base/errors.ts';
import { unreadable } from '../../base/path.ts';
import type { Embedding } from '../../face/port.ts';
import { openFaceStudio } from '../../face/studio.ts';
import { versions, writeCohort } from '../../recipes/cohort.ts';
import { embedVersions } from '../../recipes/embed-versions.ts';
import { readPeople } from '../../train/data/every-pair.ts';
import {
  type CommonOptions,
  configOf,
  exitCodes,
  type NetworkOptions,
  networksOf,
  print,
  wholeNumber,
  withCommon,
  withHelp,
  withNetworks,
} from '../context.ts';
import { openProgress } from '../progress.ts';
import { counted } from '../words.ts';

interface CohortOptions extends CommonOptions, NetworkOptions {
  readonly out: string;
  readonly without?: string;
  readonly pictures: number;
  readonly licence: string;
  readonly provenance: string;
}

const fewest = 100;

export function cohortCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('cohort')
    .summary('make a cohort of strangers for retraining')
    .description(
      'Embed pictures of people who will never be enrolled (one folder for each person), with worsened versions of them, and store the embeddings: ' +
        'the impostors that a door with few people lacks when it retrains. No picture is stored.',
    )
    .argument('<data...>', 'folders with one folder for each person')
    .requiredOption('--out <folder>', 'where the cohort is written')
    .option('--without <file>', 'a file that names people to leave out, one in each line: Ada, or folder/Ada')
    .option('--pictures <count>', 'at most so many pictures of each person', wholeNumber('--pictures', 2, 100), 8)
    .option('--licence <text>', 'terms of the pictures', 'not stated')
    .option('--provenance <text>', 'where the pictures come from', 'not stated');
  withHelp(command, ['facelatch models cohort faces/ --out my-cohort --embedder ~/my-arcface'], 'the cohort is written');
  return withNetworks(withCommon(command)).action(async (data: string[], options: CohortOptions) => {
    exit(await makeCohort(data, options, stop));
  });
}

async function makeCohort(data: readonly string[], options: CohortOptions, stop: AbortSignal): Promise<number> {
  const { face } = configOf(options, networksOf(options)).config;
  const people = await peopleOf(data, options);
  const studio = await openFaceStudio({
    detector: modelFolder(face.detector),
    embedder: modelFolder(face.embedder),
    threads: face.threads,
  });
  const progress = openProgress('embedding', people.length, 'people');
  const embedded: Embedding[][] = [];
  try {
    for (const [index, files] of people.entries()) {
      const own: Embedding[] = [];
      for (const file of files) {
        stop.throwIfAborted();
        const aligned = await studio.cut(readFileSync(file)).catch(whereReadable);
        if (aligned)
          own.push(...(await embedVersions(studio, aligned, versions - 1, `cohort ${basename(dirname(file))}/${basename(file)}`)));
      }
      if (own.length >= 2 * versions) embedded.push(own);
      progress.update(index + 1);
    }
  } finally {
    progress.stop();
  }
  const count = embedded.reduce((sum, own) => sum + own.length, 0);
  if (embedded.length < fewest)
    throw new Fault(
      'bad-argument',
      `A cohort needs at least ${fewest} people with two pictures in which a face is found; there are ${embedded.length}`,
    );
  const { licence, provenance, out } = options;
  const { bytes } = writeCohort(out, { embedder: studio.network, dimension: studio.dimension, people: embedded }, { licence, provenance });
  print(
    options,
    { people: embedded.length, embeddings: count, bytes, folder: resolve(out) },
    () => `${counted(embedded.length, 'person', 'people')}, ${counted(count, 'embedding')}, ${(bytes / 1e6).toFixed(1)} MB in ${out}`,
  );
  return exitCodes.yes;
}

/** A picture that cannot be read counts as one without a face. */
function whereReadable(error: unknown): undefined {
  if (isBadPicture(error)) return undefined;
  throw error;
}

function namesIn(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/).filter(Boolean);
  } catch (error) {
    throw new Fault('bad-argument', `The list of people to leave out (--without): ${unreadable(file, error)}`, error);
  }
}

/** The paths of the first pictures of each person. */
async function peopleOf(data: readonly string[], { without, pictures }: CohortOptions): Promise<readonly (readonly string[])[]> {
  const left = new Set(without === undefined ? [] : namesIn(without));
  const all: string[][] = [];
  for (const folder of data)
    for (const { name, first, second } of (await readPeople(folder, 'folder')).subjects)
      if (!left.has(name) && !left.has(join(basename(folder), name)))
        all.push([...new Set([...first, ...second])].sort().slice(0, pictures));
  return all;
}
