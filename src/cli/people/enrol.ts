/**
 * `facelatch enrol`: pictures or a camera and a name in; a person whom the door knows out, or nothing and the reason.
 */
import { Command } from 'commander';
import { stampingWall } from '../../access/clock/stamping.ts';
import { galleryOf, stateFolder } from '../../adapters/basics.ts';
import { consentRules } from '../../adapters/consents.ts';
import { journalOf } from '../../adapters/journal.ts';
import { vaultOf } from '../../adapters/vault.ts';
import { Fault, isBadPicture } from '../../base/errors.ts';
import { type FilePath, shownPath } from '../../base/path.ts';
import { systemClock } from '../../base/time.ts';
import type { ConsentWay } from '../../events.ts';
import type { EmbedderInfo, FaceReader } from '../../face/port.ts';
import { lockChanges } from '../../host/lock.ts';
import { begunKeysOf } from '../../house/removal/begun.ts';
import { type Candidate, type JudgedPicture, readCandidate, refuse, refusePicture, withoutRepetition } from '../../identity/candidate.ts';
import { alreadyEnrolled, resemblance, variedPictures } from '../../identity/enrolment.ts';
import { withName } from '../../identity/lookalike.ts';
import { bearerOf, personName } from '../../identity/name.ts';
import type { Gallery, Match, Person, Threshold } from '../../identity/port.ts';
import { rosterOf } from '../../identity/roster.ts';
import { probabilityOf } from '../../identity/siamese.ts';
import { doorReaderOf } from '../../learning/parts.ts';
import type { Config } from '../../settings/load.ts';
import { consentGiven, consentVersion, consentWay } from '../consent.ts';
import { type CommonOptions, configOf, exitCodes, print, wholeNumber, withCommon, withHelp } from '../context.ts';
import { aboveText, likenessText } from '../likeness-words.ts';
import { pictureFiles, readPicture } from '../pictures.ts';
import { openProgress } from '../progress.ts';
import { counted } from '../words.ts';
import { cameraPictures } from './camera-pictures.ts';
import { tellStale } from './likeness.ts';

interface EnrolOptions extends CommonOptions {
  readonly camera?: boolean;
  readonly count: number;
  readonly interval: number;
  readonly strict?: boolean;
  readonly force?: boolean;
  readonly consent?: string;
  readonly how: ConsentWay;
}

export function enrolCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('enrol')
    .summary('enrol a person from pictures, a folder or the camera')
    .description(
      'Enrol a person from picture files, a folder of pictures, or the camera. Every picture is checked and the result is shown. The good ones are ' +
        'stored together at the end. If the name is enrolled already, the pictures are added to that person.',
    )
    .argument('<name>', 'the name of the person, 1 to 80 characters')
    .argument('[picture|folder...]', 'picture files, or folders of pictures (folders inside them are not searched)')
    .option('--camera', 'take the pictures with the configured camera, with prompts')
    .option('--count <n>', 'with --camera: how many pictures', wholeNumber('--count', 1, 50), 5)
    .option(
      '--interval <ms>',
      'with --camera: time between two pictures, in which to move, milliseconds',
      wholeNumber('--interval', 200, 60_000),
      1500,
    )
    .option('--consent <version>', 'the person has agreed to this version of your text on privacy; the door keeps a record', consentVersion)
    .option('--how <way>', 'with --consent: how they agreed, paper or console', consentWay, 'paper')
    .option('--strict', 'store nothing if a single picture is refused')
    .option('--force', 'skip the checks of likeness (not those of quality): for people who look alike, or unlike themselves');
  withHelp(
    command,
    [
      'facelatch enrol Ada ada-1.jpg ada-2.jpg ada-3.jpg',
      'facelatch enrol "Ada Lovelace" pictures/ada --strict',
      'facelatch enrol Ada --camera --count 5 --set camera.device=/dev/video0',
      'facelatch enrol Ada pictures/ada --consent 2026-01',
    ],
    'enrolled (refused pictures are listed)',
    'nothing stored: no picture is good enough, or the face is enrolled under another name',
  );
  return withCommon(command).action(async (name: string, paths: string[], options: EnrolOptions) => {
    exit(await enrol(personName(name), paths, options, stop));
  });
}

async function enrol(name: string, paths: readonly string[], options: EnrolOptions, stop: AbortSignal): Promise<number> {
  if (paths.length > 0 === (options.camera === true))
    throw new Fault('bad-argument', 'Say where the pictures come from: picture files, a folder, or --camera (one or the other)');
  const { config } = configOf(options);
  const files = pictureFiles(paths);
  await using reader = await doorReaderOf(config);
  using _changes = lockChanges(stateFolder(config));
  using vault = vaultOf(config);
  using gallery = galleryOf(config, reader.embedder, vault);
  using journal = journalOf(config); // before anything is stored: without a journal nobody is enrolled
  const consents = consentRules(config, vault, { wall: stampingWall(systemClock, () => journal) });
  const roster = rosterOf({ gallery, journal, keys: begunKeysOf(config, vault, journal), consents });
  const consent = consentGiven(options);
  roster.requireConsent(name, consent); // before anybody stands in front of the camera
  tellStale(gallery);
  const before = bearerOf(name, withName(gallery.list(), name));
  const taken = options.camera ? await cameraPictures(options, reader, config, stop) : await filePictures(files, reader, config, stop);

  const outcomes = options.force ? taken : withoutStrangers(taken, gallery, reader.embedder, before);
  const good = outcomes.filter((outcome) => outcome.accepted);
  const double = options.force ? undefined : doubleOf(good, gallery, before);
  const refused = good.length === 0 || double !== undefined || (options.strict === true && good.length < outcomes.length);
  stop.throwIfAborted();
  const { chosen, leftOut } = variedPictures(good, config.enrolment.keptPictures, gallery, reader.embedder, before);
  const person = refused ? undefined : roster.enrol({ name, pictures: chosen }, undefined, consent);
  const added = (person?.pictures ?? 0) - (before?.pictures ?? 0);
  print(
    options,
    {
      enrolled: person !== undefined,
      person: person ?? null,
      added: person ? added : 0,
      leftOut: person ? leftOut.map(({ source }) => source) : [],
      ...(double
        ? { alreadyEnrolledAs: { ...double.person, likeness: { logit: double.match.logit, probability: double.match.probability } } }
        : {}),
      pictures: outcomes.map(outcomeJson),
    },
    () =>
      [
        ...outcomes.map(outcomeText),
        ...(person && config.privacy.templatesOnly
          ? ['its pictures are not kept (privacy.templatesOnly): after a change of the embedder, enrol again']
          : []),
        ...(person ? leftOut.map(({ source }) => `left out  ${source}: too like the others (enrolment.keptPictures)`) : []),
        verdictText(person?.name ?? name, {
          person,
          before,
          added,
          double,
          good,
          strict: options.strict === true,
          threshold: gallery.threshold,
        }),
      ].join('\n'),
  );
  return person ? exitCodes.yes : exitCodes.no;
}

/** Each file's outcome, also of a file that is not a picture. */
async function filePictures(files: readonly FilePath[], reader: FaceReader, config: Config, stop: AbortSignal): Promise<JudgedPicture[]> {
  const progress = openProgress('reading', files.length, 'pictures');
  const outcomes: JudgedPicture[] = [];
  try {
    for (const file of files) {
      stop.throwIfAborted();
      outcomes.push(await outcomeOf(file, reader, config));
      progress.update(outcomes.length);
    }
  } finally {
    progress.stop();
  }
  return outcomes.map((outcome, i) =>
    withoutRepetition(
      outcome,
      outcomes.slice(0, i).filter((earlier) => earlier.accepted),
    ),
  );
}

/**
 * A file that is not a picture is refused like a bad picture. A file that does not exist is a slip in the command:
 * thrown.
 */
async function outcomeOf(file: FilePath, reader: FaceReader, config: Config): Promise<JudgedPicture> {
  try {
    const picture = await readPicture(file);
    return await readCandidate(shownPath(file), picture, reader, config.face.quality);
  } catch (error) {
    if (isBadPicture(error)) return refusePicture(shownPath(file), error);
    throw error;
  }
}

/** Refuses pictures that show another person than the others, or than those enrolled under the name. */
function withoutStrangers(
  outcomes: readonly JudgedPicture[],
  gallery: Gallery,
  embedder: EmbedderInfo,
  before: Person | undefined,
): JudgedPicture[] {
  const good = outcomes.filter((outcome) => outcome.accepted);
  const { belongings, bound } = resemblance(good, gallery, embedder, before?.id);
  return outcomes.map((outcome) => {
    const belonging = outcome.accepted ? belongings[good.indexOf(outcome)] : undefined;
    if (!belonging || belonging.belongs) return outcome;
    const { logit = Number.NaN } = belonging;
    return refuse(
      outcome.source,
      ['another-person'],
      `does not show the same person as the others: its likeness to them is ${aboveText(logit, bound)} for one person (--force overrules)`,
      { logit, probability: probabilityOf(logit) },
    );
  });
}

/** Somebody enrolled under another name who looks like the pictures. */
interface Double {
  readonly person: Person;
  readonly match: Match;
}

function doubleOf(good: readonly Candidate[], gallery: Gallery, before: Person | undefined): Double | undefined {
  const match = alreadyEnrolled(
    good.map((candidate) => candidate.template),
    gallery,
    before?.id,
  );
  const person = match && gallery.find(match.personId);
  return match && person ? { person, match } : undefined;
}

interface Result {
  readonly person: Person | undefined;
  readonly before: Person | undefined;
  readonly added: number;
  readonly double: Double | undefined;
  readonly good: readonly Candidate[];
  readonly strict: boolean;
  readonly threshold: Threshold;
}

function verdictText(name: string, { person, before, added, double, good, strict, threshold }: Result): string {
  if (person && before) return `${name}: ${counted(added, 'picture')} added, ${person.pictures} in all`;
  if (person) return `${name} is enrolled with ${counted(person.pictures, 'picture')}`;
  if (double) {
    const likeness = `likeness ${likenessText(double.match, threshold)}`;
    return `${name} is not enrolled: this face is enrolled as ${double.person.name} (${likeness}). To add pictures use that name. --force enrols both, and the door may then mistake one for the other`;
  }
  if (good.length > 0 && strict) return `${name} is not enrolled: with --strict every picture must be good; nothing was stored`;
  return `${name} is not enrolled: no picture is good enough; nothing was stored`;
}

function outcomeText(outcome: JudgedPicture): string {
  const sameAs = !outcome.accepted && outcome.sameAs !== undefined ? ` (${outcome.sameAs})` : '';
  return `${outcome.accepted ? 'accepted' : 'refused '}  ${outcome.source}: ${outcome.detail}${sameAs}`;
}

/** Without picture and template. */
function outcomeJson(outcome: JudgedPicture): object {
  if (outcome.accepted) return { source: outcome.source, accepted: true, reasons: [], detail: outcome.detail };
  return outcome;
}
