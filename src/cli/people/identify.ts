/** `facelatch identify`: pictures in; for each who it is, and who else it resembles. */
import { Command } from 'commander';
import { galleryOf } from '../../adapters/basics.ts';
import { vaultOf } from '../../adapters/vault.ts';
import { isBadPicture } from '../../base/errors.ts';
import { type FilePath, shownPath } from '../../base/path.ts';
import type { EmbedderInfo } from '../../face/port.ts';
import type { Identification, Match, Threshold } from '../../identity/port.ts';
import { identify } from '../../identity/threshold.ts';
import { manyDoorReaderOf } from '../../learning/parts.ts';
import type { Config } from '../../settings/load.ts';
import {
  type CommonOptions,
  checkState,
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
import { likenessHelp, likenessText, matchRateOf, thresholdText } from '../likeness-words.ts';
import { pictureFiles } from '../pictures.ts';
import { type Probe, readProbe } from '../probe.ts';
import { counted } from '../words.ts';
import { type ComparedGallery, comparedGallery, matchJson } from './likeness.ts';

interface IdentifyOptions extends CommonOptions, NetworkOptions {
  readonly top: number;
}

export function identifyCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('identify')
    .summary('who is this?')
    .description(
      'Say for each picture, or each picture of a folder, who its largest, most central face is, as the door would decide, and whom it resembles most.',
    )
    .argument('<picture|folder...>', 'picture files, or folders of them')
    .option('--top <n>', 'how many candidates to list', wholeNumber('--top', 1, 100), 3);
  withHelp(
    command,
    ['facelatch identify visitor.jpg', 'facelatch identify visits/ --top 1 --json    # one JSON line a picture'],
    'every picture was answered, whoever it shows',
    'a picture could not be compared (not a picture, no face)',
  );
  command.addHelpText('after', likenessHelp);
  return withNetworks(withCommon(command)).action(async (paths: string[], options: IdentifyOptions) =>
    exit(await identifyAll(paths, options, stop)),
  );
}

async function identifyAll(paths: readonly string[], options: IdentifyOptions, stop: AbortSignal): Promise<number> {
  const { config } = configOf(options, networksOf(options));
  checkState(config);
  const files = pictureFiles(paths);
  await using reader = await manyDoorReaderOf(config, files.length);
  using vault = vaultOf(config);
  using gallery = galleryOf(config, reader.embedder, vault);
  const comparison = await comparedGallery(gallery, reader, config, stop);
  const nameOf = (id: string) => gallery.find(id)?.name ?? id;
  let code: number = exitCodes.yes;
  for (let from = 0; from < files.length; from += reader.atOnce) {
    stop.throwIfAborted();
    const probes = files.slice(from, from + reader.atOnce).map((file) => probeOf(file, () => readProbe(file, reader, config)));
    for (const probe of await Promise.all(probes)) {
      const found = find(probe, comparison, config, options.top);
      if (found.answer !== 'compared') code = exitCodes.no;
      print(options, foundJson(found, nameOf, reader.embedder), () => foundText(found, nameOf, comparison.threshold));
    }
  }
  if (!options.json)
    print(options, undefined, () => `threshold: ${thresholdText(comparison.threshold)}, for ${counted(comparison.templates, 'template')}`);
  return code;
}

/** A file that is not a picture is an answer too: the other files still get theirs. */
async function probeOf(
  file: FilePath,
  read: () => Promise<Probe>,
): Promise<Probe | { source: string; detail: string; reasons: ['not-a-picture' | 'damaged'] }> {
  try {
    return await read();
  } catch (error) {
    if (isBadPicture(error))
      return { source: shownPath(file), detail: error.message, reasons: [error.code === 'picture-damaged' ? 'damaged' : 'not-a-picture'] };
    throw error;
  }
}

interface Found {
  readonly source: string;
  readonly answer: 'compared' | 'not-compared';
  readonly reasons: readonly string[];
  readonly detail: string;
  readonly identification: Identification;
  readonly candidates: readonly Match[];
}

function find(probe: Awaited<ReturnType<typeof probeOf>>, comparison: ComparedGallery, { identity }: Config, top: number): Found {
  const { source, reasons, detail } = probe;
  const embedding = 'embedding' in probe ? probe.embedding : undefined;
  const matches = embedding ? comparison.match(embedding) : [];
  const identification = identify(matches, comparison.threshold, identity.ambiguityMargin);
  return { source, reasons, detail, identification, answer: embedding ? 'compared' : 'not-compared', candidates: matches.slice(0, top) };
}

type NameOf = (id: string) => string;

function foundJson({ source, answer, reasons, detail, identification, candidates }: Found, nameOf: NameOf, embedder: EmbedderInfo): object {
  const person = identification.kind === 'person' ? identification.match.personId : undefined;
  return {
    picture: source,
    answer: answer === 'compared' ? identification.kind : answer,
    person: person === undefined ? null : { id: person, name: nameOf(person) },
    reasons,
    detail,
    candidates: candidates.map((match) => matchJson(match, nameOf, matchRateOf(embedder))),
  };
}

function foundText({ source, answer, detail, identification, candidates }: Found, nameOf: NameOf, threshold: Threshold): string {
  const who = {
    person: () => (identification.kind === 'person' ? nameOf(identification.match.personId) : ''),
    ambiguous: () =>
      identification.kind === 'ambiguous' ? `could be ${identification.matches.map((m) => nameOf(m.personId)).join(' or ')}` : '',
    nobody: () => 'like nobody enrolled enough',
  }[identification.kind]();
  if (answer === 'not-compared') return `${source}: not compared: ${detail}`;
  return [
    `${source}: ${who}${detail ? ` (${detail})` : ''}`,
    ...candidates.map((match, i) => `  ${i + 1}. ${nameOf(match.personId)}: ${likenessText(match, threshold)}`),
  ].join('\n');
}
