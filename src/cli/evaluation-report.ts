/** What `facelatch evaluate` found, for programs (JSON) and for people (a table). */
import type { EmbedderInfo } from '../face/port.ts';
import type { Evaluation } from '../train/evaluate.ts';
import type { PairList } from '../train/pairs.ts';
import type { StatedFigures } from './networks.ts';
import { counted, percent, table } from './words.ts';

export interface Measured {
  readonly list: PairList;
  readonly pictures: number;
  readonly withoutFace: readonly string[];
  readonly seconds: number;
  readonly figures: Readonly<Partial<Record<'head' | 'cosine', Evaluation>>>;
  readonly stated: Readonly<Record<string, StatedFigures>>;
  readonly embedder: EmbedderInfo;
}

/** At the top the figures of the head, which is what the door goes by, unless only the cosine was asked for; beside them each score's own. */
export function measuredJson({ list, pictures, withoutFace, seconds, figures, stated, embedder }: Measured): object {
  const main = figures.head ?? figures.cosine;
  return {
    score: figures.head ? 'head' : 'cosine',
    accuracy: main?.accuracy ?? null,
    standardError: main?.standardError ?? null,
    noFace: withoutFace.length,
    rates: main?.rates ?? [],
    pairs: list.pairs.length,
    view: list.view,
    pictures,
    withoutFace,
    ...figures,
    stated,
    embedder: { name: embedder.name, version: embedder.version },
    seconds,
  };
}

export function measuredText({ list, pictures, withoutFace, seconds, figures, stated, embedder }: Measured): string {
  const columns = Object.entries(figures);
  const rows = [
    ['', ...columns.map(([kind]) => kind)],
    ['accuracy', ...columns.map(([, figure]) => accuracyText(figure.accuracy, figure.standardError))],
    ...(Object.keys(stated).length > 0
      ? [['  stated by the manifest', ...columns.map(([kind]) => accuracyText(stated[kind]?.accuracy, stated[kind]?.se))]]
      : []),
    ['equal error rate', ...columns.map(([, { eer }]) => (eer === null ? '–' : percent(eer)))],
    ...(columns[0]?.[1].rates ?? []).map(({ fmr }, i) => [`FNMR at FMR ${fmr}`, ...columns.map(([, { rates }]) => rateText(rates[i]))]),
  ];
  const notes = columns.flatMap(([, { reason, rates }]) => [
    ...(reason ? [`accuracy: ${reason}`] : []),
    ...rates.flatMap((rate) => (rate.fnmr === null ? [`FMR ${rate.fmr}: ${rate.reason}`] : [])),
  ]);
  return [
    `${counted(list.pairs.length, 'pair')} (${list.view === 1 ? 'one list, cross-validated in ten parts' : 'ten folds'}), ${counted(pictures, 'picture')} read in ${seconds.toFixed(0)} s by ${embedder.name} ${embedder.version}`,
    table(rows, '  '),
    `${counted(withoutFace.length, 'picture')} without a face${withoutFace.length > 0 ? ':' : ''}`,
    ...withoutFace.map((file) => `  ${file}`),
    ...new Set(notes),
  ].join('\n');
}

/** Both in percent. */
function accuracyText(accuracy: number | null | undefined, error: number | null | undefined): string {
  if (accuracy === null || accuracy === undefined) return '–';
  return `${accuracy.toFixed(2)} %${typeof error === 'number' ? ` ± ${error.toFixed(2)}` : ''}`;
}

/** `6.80 % (4.76 to 9.38)`: the interval is 95 %. */
function rateText(rate: Evaluation['rates'][number] | undefined): string {
  if (!rate?.fnmr) return '–';
  const [low, high] = rate.fnmr.interval;
  return `${percent(rate.fnmr.rate)} (${percent(low)} to ${percent(high)})`;
}
