/** `facelatch enrol`: pictures or a camera and a name in; a person the door knows out, in one transaction, or nothing and why. */
import { Command } from 'commander';
import { galleryOf, journalOf } from '../../adapters/basics.ts';
import { Fault } from '../../base/errors.ts';
import type { EmbedderInfo, FaceReader } from '../../face/port.ts';
import { type Candidate, type JudgedPicture, readCandidate, refuse, withoutRepetition } from '../../identity/candidate.ts';
import { alreadyEnrolled, resemblance } from '../../identity/enrolment.ts';
import { personName } from '../../identity/name.ts';
import type { Gallery, Match, Person } from '../../identity/port.ts';
import { rosterOf } from '../../identity/roster.ts';
import { probabilityOf } from '../../identity/siamese.ts';
import { doorReaderOf } from '../../learning/parts.ts';
import type { Config } from '../../settings/load.ts';
import { type CommonOptions, configOf, exitCodes, print, wholeNumber, withCommon, withHelp } from '../context.ts';
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
}

export function enrolCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('enrol')
    .summary('enrol a person from pictures, a folder or the camera')
    .description(
      'Enrol a person from picture files, a folder of pictures, or the camera. Every picture is judged and its outcome told; the good ones are ' +
        'stored together at the end, or nothing is. A name that is enrolled already gets the pictures added.',
    )
    .argument('<name>', 'the name to show for the person, 1 to 80 characters')
    .argument('[picture|folder...]', 'picture files, or folders whose pictures (not those in folders below) are taken')
    .option('--camera', 'take the pictures with the configured camera, with prompts')
    .option('--count <n>', 'with --camera: how many pictures', wholeNumber('--count', 1, 50), 5)
    .option(
      '--interval <ms>',
      'with --camera: time to move between two pictures, milliseconds',
      wholeNumber('--interval', 200, 60_000),
      1500,
    )
    .option('--strict', 'refuse everything when a single picture is refused')
    .option('--force', 'overrule judgements of likeness (not those of quality): enrol people who look alike, or unlike themselves');
  withHelp(
    command,
    [
      'facelatch enrol Ada ada-1.jpg ada-2.jpg ada-3.jpg',
      'facelatch enrol "Ada Lovelace" pictures/ada --strict',
      'facelatch enrol Ada --camera --count 5 --set camera.device=/dev/video0',
    ],
    'enrolled (pictures that were refused are listed)',
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
  using gallery = galleryOf(config, reader.embedder);
  using journal = journalOf(config); // opened first: without a journal nobody is enrolled
  tellStale(gallery);
  const before = gallery.list().find((person) => person.name === name);
  const taken = options.camera ? await cameraPictures(options, reader, config, stop) : await filePictures(files, reader, config, stop);

  const outcomes = options.force ? taken : withoutStrangers(taken, gallery, reader.embedder, before);
  const good = outcomes.filter((outcome) => outcome.accepted);
  const twin = options.force ? undefined : twinOf(good, gallery, before);
  const refused = good.length === 0 || twin !== undefined || (options.strict === true && good.length < outcomes.length);
  stop.throwIfAborted();
  const person = refused ? undefined : rosterOf({ gallery, journal }).enrol({ name, pictures: good });
  const added = (person?.pictures ?? 0) - (before?.pictures ?? 0);
  print(
    options,
    {
      enrolled: person !== undefined,
      person: person ?? null,
      added: person ? added : 0,
      ...(twin
        ? { alreadyEnrolledAs: { ...twin.person, likeness: { logit: twin.match.logit, probability: twin.match.probability } } }
        : {}),
      pictures: outcomes.map(outcomeJson),
    },
    () =>
      [...outcomes.map(outcomeText), verdictText(name, { person, before, added, twin, good, strict: options.strict === true })].join('\n'),
  );
  return person ? exitCodes.yes : exitCodes.no;
}

/** Each file's outcome; a file that is no picture is one of them. */
async function filePictures(files: readonly string[], reader: FaceReader, config: Config, stop: AbortSignal): Promise<JudgedPicture[]> {
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

/** A file that cannot be read as one is refused like any bad picture; one that is not there is a slip in the command and thrown. */
async function outcomeOf(file: string, reader: FaceReader, config: Config): Promise<JudgedPicture> {
  try {
    const picture = await readPicture(file);
    return await readCandidate(file, picture, reader, config.face.quality);
  } catch (error) {
    if (error instanceof Fault && error.code === 'bad-picture') return refuse(file, ['not-a-picture'], error.message);
    throw error;
  }
}

/** Refuses the pictures that show someone else than the others, or than those already enrolled under the name. */
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
      `does not show the same person as the others: its greatest likeness to them is ${logit.toFixed(1)}, at least ${bound.toFixed(1)} is expected (--force overrules)`,
      { logit, probability: probabilityOf(logit) },
    );
  });
}

interface Twin {
  readonly person: Person;
  readonly match: Match;
}

function twinOf(good: readonly Candidate[], gallery: Gallery, before: Person | undefined): Twin | undefined {
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
  readonly twin: Twin | undefined;
  readonly good: readonly Candidate[];
  readonly strict: boolean;
}

function verdictText(name: string, { person, before, added, twin, good, strict }: Result): string {
  if (person && before) return `${name}: ${counted(added, 'picture')} added, ${person.pictures} in all`;
  if (person) return `${name} is enrolled with ${counted(person.pictures, 'picture')}`;
  if (twin) {
    const likeness = `likeness ${twin.match.logit.toFixed(1)}`;
    return `${name} is not enrolled: already enrolled as ${twin.person.name} (${likeness}). To add pictures use that name; --force enrols both, and the door may then take one for the other`;
  }
  if (good.length > 0 && strict) return `${name} is not enrolled: with --strict every picture must be good; nothing was stored`;
  return `${name} is not enrolled: no picture is good enough; nothing was stored`;
}

function outcomeText(outcome: JudgedPicture): string {
  return `${outcome.accepted ? 'accepted' : 'refused '}  ${outcome.source}: ${outcome.detail}`;
}

/** Without picture and template. */
function outcomeJson(outcome: JudgedPicture): object {
  if (outcome.accepted) return { source: outcome.source, accepted: true, reasons: [], detail: outcome.detail };
  return outcome;
}
