/**
 * `facelatch models calibrate`: folders of labelled pictures and an ONNX embedder in; its manifest, with head,
 * thresholds and quality head, and what was measured, out.
 */
import { Command } from 'commander';
import { modelFolder } from '../../adapters/basics.ts';
import { type Calibrated, calibrateNetwork, fewestPeople } from '../../learning/own/calibrate.ts';
import { type CommonOptions, configOf, exitCodes, print, wholeNumber, withCommon, withHelp } from '../context.ts';
import { openProgress, type ProgressBar } from '../progress.ts';
import { counted, oneIn, people, percent, table } from '../words.ts';

interface ModelsCalibrateOptions extends CommonOptions {
  readonly network: string;
  readonly detector?: string;
  readonly pictures: number;
}

export function calibrateCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('calibrate')
    .summary('give a network of your own its thresholds')
    .description(
      'Learn from labelled pictures (one folder for each person) what an ONNX embedder needs at a door: the head that compares two faces, the thresholds for false-match rates, a measure of quality, and rules by which enrolment notices masks and sunglasses (they are drawn on the pictures). ' +
        'Everything is measured on people from whom the head did not learn, and written to manifest.json in the folder of the network. ' +
        'What a manifest there does not say of how the network is fed is found by trying. Several folders count as several populations: the strictest decides.',
    )
    .argument('<folder...>', `pictures of people: NAME/….jpg, at least ${fewestPeople} people with two pictures each`)
    .requiredOption('--network <folder>', 'the folder with the ONNX file')
    .option('--detector <name|folder>', 'the face detector (face.detector)')
    .option('--pictures <count>', 'at most so many pictures of each person', wholeNumber('--pictures', 2, 200), 20);
  withHelp(
    command,
    [
      'facelatch models calibrate people/ --network ~/my-arcface',
      'facelatch models calibrate people/ colleagues/ --network ~/my-arcface --json',
    ],
    'the manifest is written',
  );
  return withCommon(command).action(async (folders: string[], options: ModelsCalibrateOptions) => {
    const { face } = configOf(options, { 'face.detector': options.detector }).config;
    using bars = stageBars();
    const done = await calibrateNetwork({
      ...{ folders, network: options.network, pictures: options.pictures, threads: face.threads, signal: stop },
      detector: modelFolder(face.detector),
      onProgress: bars.update,
    });
    bars[Symbol.dispose]();
    print(options, json(done), () => text(done));
    exit(exitCodes.yes);
  });
}

/** One bar after the other: a stage begins with its first step. */
function stageBars(): Disposable & { update(stage: string, done: number, total: number): void } {
  let [now, bar] = ['', undefined as ProgressBar | undefined];
  return {
    update: (stage, done, total) => {
      if (stage !== now) {
        bar?.stop();
        [now, bar] = [stage, openProgress(stage, total, 'steps')];
      }
      bar?.update(done);
    },
    [Symbol.dispose]: () => bar?.stop(),
  };
}

function json({ quality, cover, head, calibration, ...rest }: Calibrated) {
  return {
    ...rest,
    head: { kind: head.head.kind, missedAtOnePercent: head.missed },
    calibration,
    quality: typeof quality === 'object' ? { door: quality.door, enrolment: quality.enrolment, refused: quality.refused } : quality,
    cover: typeof cover === 'object' ? { faces: cover.shares } : cover,
  };
}

const mostNamed = 20;

function text(done: Calibrated): string {
  const { network, pictures, mislabelled, alike, head, calibration, manifest } = done;
  return [
    `${network.name}: ${network.dimension} numbers for a face${network.feed === '' ? '' : `; fed with ${network.feed} (tried)`}`,
    `${counted(pictures.used, 'picture')}; the head learned from ${people(done.people.learned)}, measured on ${done.people.measured} others`,
    ...named(pictures.withoutFace, 'without a face'),
    ...named(
      mislabelled.map(({ picture, nearer }) => `${picture}, nearer to ${nearer}`),
      'probably mislabelled, left out: correct them and calibrate again',
    ),
    ...named(
      alike.map(([one, other]) => `${one} and ${other}`),
      'as alike as one person, counted as two: is it one person in two folders?',
    ),
    headText(head),
    '',
    table([
      ['false matches', 'logit', 'missed', '95 % interval', 'missed there', 'asked for by'],
      ...calibration.table.map(({ fmr, logit, fnmr, fnmrInterval: [low, high], fnmrThere, set }) => {
        return [oneIn(fmr), logit.toFixed(2), percent(fnmr), `${percent(low)} to ${percent(high)}`, percent(fnmrThere), set];
      }),
    ]),
    '',
    ...qualityText(done.quality),
    ...coverText(done.cover),
    `${manifest} is written. Measure the network on other pictures (facelatch evaluate), then take it in: facelatch models add`,
  ].join('\n');
}

function named(what: readonly string[], words: string): string[] {
  if (what.length === 0) return [];
  const more = what.length > mostNamed ? [`  and ${what.length - mostNamed} more (--json names all)`] : [];
  return [`${what.length} ${words}:`, ...what.slice(0, mostNamed).map((each) => `  ${each}`), ...more];
}

function headText({ head, missed: { learned, cosine } }: Calibrated['head']): string {
  const figures = `missed at one false match in 100: ${percent(learned)} with a learned head, ${percent(cosine)} with the cosine`;
  return head.kind === 'cosine' ? `compared by the cosine (${figures})` : `compared by a learned head (${figures})`;
}

function qualityText(quality: Calibrated['quality']): string[] {
  if (quality === 'output') return ['Quality: the network has an output of its own.', ''];
  if (quality === 'none')
    return [
      'Quality: a head could tell nothing from these embeddings, so none is written. Faces are judged by light, size and sharpness only.',
      '',
    ];
  const rows = quality.refused.map(({ what, faces, door, enrolment }) => {
    const cell = ({ rate, interval: [low, high] }: typeof door) => `${percent(rate)} (${percent(low)} to ${percent(high)})`;
    return [what, String(faces), cell(door), cell(enrolment)];
  });
  return [
    table([['quality refuses', 'faces', `at the door (below ${quality.door})`, `at enrolment (below ${quality.enrolment})`], ...rows]),
    '',
  ];
}

function coverText(cover: Calibrated['cover']): string[] {
  if (cover === 'none')
    return [
      'Covered faces: no rule for them could be found with this network and these pictures, so none is written. Masks and sunglasses are not noticed at enrolment.',
      '',
    ];
  const rows = cover.shares.map(({ kind, faces, fit, passed }) => [kind, String(faces), percent(fit / faces), percent(passed / faces)]);
  return [table([['covered faces (drawn)', 'faces', 'enrolled by quality alone', 'enrolled'], ...rows]), ''];
}
