/** What `facelatch evaluate --liveness` found, for programs (JSON), for people (tables), and as a page. */
import { plotSvg, type Series } from '../../train/figures/plots.ts';
import type { CountedShare, CurvePoint, InstrumentFigures, PresentationFigures } from '../../train/figures/presentation-attacks.ts';
import { htmlTable, listOf, reportPage, section } from '../training/report-page.ts';
import { counted, percent, table } from '../words.ts';
import type { JudgedClip } from './measure.ts';

export interface MeasuredSet {
  readonly name: string;
  /** Living clips that set the threshold, where half of them do. */
  readonly baseline: number;
  readonly figures: PresentationFigures;
  readonly clips: readonly JudgedClip[];
}

export interface MeasuredLiveness {
  readonly networks: { readonly name: string; readonly version: string };
  readonly policy: string;
  readonly fps: number;
  /** Whether faces were judged too that the door would not compare. */
  readonly anyQuality: boolean;
  /** BPCER at which APCER is compared, 0…1. */
  readonly target: number;
  readonly sets: readonly MeasuredSet[];
  readonly frames: number;
  readonly unreadable: readonly string[];
  readonly seconds: number;
}

export function livenessJson({ sets, ...rest }: MeasuredLiveness): object {
  return {
    ...rest,
    sets: sets.map(({ name, baseline, figures, clips }) => ({ set: name, baseline, ...figures, clips })),
  };
}

/** `2.5 % (0.1–13.2)`: the interval is 95 %. */
const shareWords = ({ of, rate, interval: [low, high] }: CountedShare): string => {
  const number = (share: number) => (100 * share).toFixed(1);
  return of === 0 ? '–' : `${number(rate)} % (${number(low)}–${number(high)})`;
};

/** One row for the living faces and one for each instrument; the first row is the heading. */
function rowsOf({ figures: { live, attacks, worst, atTarget } }: MeasuredSet, target: number): string[][] {
  const row = (name: string, figures: InstrumentFigures, atTargetShare: CountedShare | undefined) => [
    name,
    String(figures.presentations),
    shareWords(figures.error),
    shareWords(figures.unsure),
    shareWords(figures.nonResponse),
    atTargetShare ? shareWords(atTargetShare) : '–',
  ];
  const marked = (name: string) => (name === worst ? `${name} (worst)` : name);
  return [
    ['', 'clips', 'APCER (live: BPCER)', 'unsure', 'no response', `by score, BPCER ${100 * target} %`],
    row('live', live, atTarget?.bpcer),
    ...attacks.map((each) => row(marked(each.instrument), each, atTarget?.apcer[each.instrument])),
  ];
}

function leadOf({ networks, policy, fps, anyQuality, frames, seconds }: MeasuredLiveness): string {
  const quality = anyQuality ? ', faces of any quality' : '';
  return `${networks.name} ${networks.version}, policy ${policy}${quality}, ${counted(frames, 'frame')} at ${fps}/s in ${seconds.toFixed(0)} s`;
}

function setLead({ name, baseline, figures }: MeasuredSet): string {
  const { live, attacks } = figures;
  const attackClips = attacks.reduce((sum, { presentations }) => sum + presentations, 0);
  const from = baseline > 0 ? `, the threshold from ${counted(baseline, 'other live clip')}` : '';
  return `${name}: ${counted(live.presentations, 'live clip')}, ${counted(attackClips, 'attack')}${from}`;
}

const notes = [
  'APCER: attacks that were taken for a living face, by instrument; the worst counts. BPCER: living faces that were taken for an attack (ISO/IEC 30107-3).',
  'Unsure opens nothing: the door asks for a challenge or a PIN, as its policy says. No response: no face was found in any frame, or nothing was checked.',
  'Intervals are 95 %, exact (Clopper and Pearson), with clips taken as independent; clips of one person are not, so the truth may lie further off.',
];

export function livenessText(measured: MeasuredLiveness): string {
  const { sets, target, unreadable } = measured;
  return [
    leadOf(measured),
    ...sets.flatMap((set) => ['', setLead(set), table(rowsOf(set, target), '  ')]),
    ...(unreadable.length > 0
      ? ['', `${counted(unreadable.length, 'picture')} that cannot be read:`, ...unreadable.map((file) => `  ${file}`)]
      : []),
    '',
    ...notes,
  ].join('\n');
}

export function livenessPage(measured: MeasuredLiveness): string {
  const { sets, target, unreadable } = measured;
  return reportPage('Attacks and living faces', leadOf(measured), [
    ...sets.flatMap((set) => [
      section(setLead(set), htmlTable(rowsOf(set, target)), `<div class="plots"><figure>${plotSvg(curvePlot(set), 'page')}</figure></div>`),
      section(`${set.name}: clips that were taken for the other`, listOf(mistakesOf(set))),
    ]),
    section('Pictures that cannot be read', listOf(unreadable)),
    section('Words', listOf(notes)),
  ]);
}

function mistakesOf({ clips }: MeasuredSet): string[] {
  const wrong = clips.filter(({ instrument, verdict }) => verdict === (instrument === 'live' ? 'spoof' : 'live'));
  return wrong.map(
    ({ instrument, name, verdict, why, score }) =>
      `${instrument}/${name}: ${verdict}${why ? ` (${why})` : ''}${score === undefined ? '' : `, score ${score.toFixed(2)}`}`,
  );
}

/** APCER over BPCER as the threshold of the score moves: the nearer to the corner the better. */
function curvePlot({ name, figures: { curve, attacks } }: MeasuredSet): Parameters<typeof plotSvg>[0] {
  const marks = [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5].map((at) => ({ at, label: percent(at) }));
  return {
    title: `${name}: attacks taken for living faces, over living faces taken for attacks`,
    x: 'BPCER',
    y: 'APCER',
    range: [0, 1],
    ticks: { x: marks, y: [0, 0.2, 0.4, 0.6, 0.8, 1].map((at) => ({ at, label: percent(at) })) },
    series: attacks.map(({ instrument }): Series => ({ name: instrument, points: stairs(curve, instrument) })),
  };
}

function stairs(curve: readonly CurvePoint[], instrument: string): { x: number; y: number }[] {
  const points = curve.map(({ bpcer, apcer }) => ({ x: bpcer, y: apcer[instrument] ?? 0 })).filter(({ x }) => x <= 0.5);
  return points.flatMap((point, index) => {
    const before = points[index - 1];
    if (!before || (before.x === point.x && before.y === point.y)) return before ? [] : [point];
    return before.x !== point.x && before.y !== point.y ? [{ x: point.x, y: before.y }, point] : [point];
  });
}
