/**
 * `facelatch verify`: one picture against one person (1:1) or against everyone enrolled (1:N); the exit code is the
 * answer.
 */
import { Command } from 'commander';
import { galleryOf } from '../../adapters/basics.ts';
import { vaultOf } from '../../adapters/vault.ts';
import type { FaceReader } from '../../face/port.ts';
import type { Identification, Match, Person, Threshold } from '../../identity/port.ts';
import { identify, thresholdsOf } from '../../identity/threshold.ts';
import { doorReaderOf } from '../../learning/parts.ts';
import {
  type CommonOptions,
  checkState,
  configOf,
  exitCodes,
  type NetworkOptions,
  networksOf,
  print,
  withCommon,
  withHelp,
  withNetworks,
} from '../context.ts';
import { likenessHelp, likenessText, matchRateOf, matchRateText, thresholdText } from '../likeness-words.ts';
import { findPerson } from '../person.ts';
import { requirePicture } from '../pictures.ts';
import { type Probe, readProbe } from '../probe.ts';
import { counted, table } from '../words.ts';
import { comparedGallery, matchJson } from './likeness.ts';

interface VerifyOptions extends CommonOptions, NetworkOptions {
  readonly person?: string;
}

export function verifyCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('verify')
    .summary('is this the person? (exit 0 yes, 1 no)')
    .description(
      'Compare the largest, most central face in a picture with one person (--person) at the false-match rate of the configuration, ' +
        'or with everyone enrolled, as the door does. Problems with the picture are shown, and it is compared all the same.',
    )
    .argument('<picture>', 'a picture file')
    .option('-p, --person <name|id>', 'the person whom it should show');
  withHelp(command, ['facelatch verify visitor.jpg --person Ada', 'facelatch verify visitor.jpg --json'], 'accepted', 'not accepted');
  command.addHelpText('after', likenessHelp);
  return withNetworks(withCommon(command)).action(async (picture: string, options: VerifyOptions) =>
    exit(await verify(picture, options, stop)),
  );
}

async function verify(file: string, options: VerifyOptions, stop: AbortSignal): Promise<number> {
  const { config } = configOf(options, networksOf(options));
  checkState(config);
  await requirePicture(file);
  await using reader = await doorReaderOf(config);
  using vault = vaultOf(config);
  using gallery = galleryOf(config, reader.embedder, vault);
  const claimed = options.person === undefined ? undefined : findPerson(gallery, options.person);
  const probe = await readProbe(file, reader, config);
  const comparison = await comparedGallery(gallery, reader, config, stop);
  stop.throwIfAborted();
  const all = probe.embedding ? comparison.match(probe.embedding) : [];
  const matches = claimed ? all.filter((match) => match.personId === claimed.id) : all;
  const threshold = claimed ? thresholdsOf(config.identity, reader.embedder)(claimed.pictures) : comparison.threshold;
  const answer: Answer = {
    probe,
    claimed,
    threshold,
    templates: claimed?.pictures ?? comparison.templates,
    found: identify(matches, threshold, config.identity.ambiguityMargin),
  };
  const nameOf = (id: string) => gallery.find(id)?.name ?? id;
  print(options, answerJson(answer, nameOf, reader), () => answerText(answer, nameOf, reader));
  return answer.found.kind === 'person' ? exitCodes.yes : exitCodes.no;
}

interface Answer {
  readonly probe: Probe;
  readonly claimed: Person | undefined;
  readonly threshold: Threshold;
  /** Compared with. */
  readonly templates: number;
  readonly found: Identification;
}

const bestOf = (found: Identification): Match | undefined =>
  found.kind === 'person' ? found.match : found.kind === 'nobody' ? found.best : found.matches[0];

function answerJson({ probe, claimed, threshold, templates, found }: Answer, nameOf: NameOf, { embedder }: FaceReader): object {
  const best = bestOf(found);
  const rate = matchRateOf(embedder);
  return {
    picture: probe.source,
    accepted: found.kind === 'person',
    answer: probe.embedding ? found.kind : 'no-face',
    mode: claimed ? '1:1' : '1:N',
    reasons: probe.reasons,
    ...(claimed ? { claimed: { id: claimed.id, name: claimed.name } } : {}),
    ...(best ? matchJson(best, nameOf, rate) : { person: null }),
    ...(found.kind === 'ambiguous' ? { candidates: found.matches.map((match) => matchJson(match, nameOf, rate)) } : {}),
    threshold: { ...threshold, templates },
    embedder: { name: embedder.name, version: embedder.version },
  };
}

type NameOf = (id: string) => string;

function headline({ probe, claimed, found }: Answer, nameOf: NameOf): string {
  if (!probe.embedding) return `not accepted: ${probe.detail}`;
  if (found.kind === 'person') return `accepted: ${claimed ? 'this is' : 'identified as'} ${nameOf(found.match.personId)}`;
  if (found.kind === 'ambiguous') return `not accepted: this could be ${found.matches.map((match) => nameOf(match.personId)).join(' or ')}`;
  return `not accepted: ${claimed ? `not like enough to be ${claimed.name}` : 'not like enough to anyone enrolled'}`;
}

function answerText(answer: Answer, nameOf: NameOf, { embedder }: FaceReader): string {
  const { probe, claimed, threshold, templates, found } = answer;
  const best = bestOf(found);
  const rows = [
    ...(best && !claimed ? [['most alike', nameOf(best.personId)]] : []),
    ...(best
      ? [
          ['likeness', likenessText(best, threshold)],
          ['false-match rate', matchRateText(matchRateOf(embedder)(best.logit), embedder)],
        ]
      : []),
    ['threshold', `${thresholdText(threshold)}, for ${counted(templates, 'template')}`],
    ...(probe.embedding && probe.detail ? [['picture', `${probe.detail} (the door would not compare it)`]] : []),
  ];
  return `${headline(answer, nameOf)}\n${table(rows, '  ')}`;
}
