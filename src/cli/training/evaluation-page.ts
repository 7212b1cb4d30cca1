/**
 * The result of `facelatch evaluate` as one self-contained HTML page: tables, curves and the worst pairs; light or
 * dark.
 */
import { basename, relative, resolve } from 'node:path';
import { squareThumbnail } from '../../train/data/pictures.ts';
import { failureToAcquire } from '../../train/figures/assessment.ts';
import { detPlot, type NamedCurve, rocPlot, scorePlot } from '../../train/figures/error-curves.ts';
import { plotSvg } from '../../train/figures/plots.ts';
import { counted } from '../words.ts';
import {
  figureRows,
  type Measured,
  notesOf,
  rateWords,
  thresholdRows,
  verificationRows,
  type WorstPair,
  worstPairs,
} from './evaluation-report.ts';
import { promiseNote, promiseRows } from './promised-rates.ts';
import { escaped, htmlTable, listOf, reportPage, section } from './report-page.ts';

/** The page. With `pictures`, people's pictures are in it as data URIs, else only their names. */
export async function evaluationPage(measured: Measured, pictures: boolean): Promise<string> {
  const { data, model, withoutFace, unreadable } = measured;
  const place = basename(resolve(data.folder));
  const acquired = failureToAcquire(withoutFace.length + unreadable.length, measured.pictures);
  const kind = measured.figures.head ? 'head' : 'cosine';
  const { impostors, mates } = worstPairs(measured, kind);
  const gallery = (title: string, pairs: readonly WorstPair[]) => galleryOf(title, pairs, data.folder, pictures);
  const failed = [...withoutFace, ...unreadable];
  const parts = [
    section('How often pairs are told apart', htmlTable(figureRows(measured)), listOf(notesOf(measured))),
    section('Taken as one person above a probability', htmlTable(thresholdRows(measured))),
    section('Promised and measured', `<p>${escaped(promiseNote)}.</p>`, htmlTable(promiseRows(measured.promise))),
    section(
      'The paper’s verification',
      '<p>One probe against up to 50 pictures of a person: verified when the share of scores above the detection threshold is above the verification threshold. Intervals take tries as independent.</p>',
      htmlTable(verificationRows(measured)),
    ),
    `<section><h2>Curves</h2><div class="plots">${plotsOf(measured)
      .map((svg) => `<figure>${svg}</figure>`)
      .join('')}</div></section>`,
    await gallery('Two people, most alike', impostors),
    await gallery('One person, least alike', mates),
    `<section><h2>Failures to acquire</h2><p>${acquired ? rateWords(acquired) : '–'} of ${counted(measured.pictures, 'picture')}</p>${listOf(failed)}</section>`,
    `<section><h2>Words</h2>${listOf(words)}</section>`,
  ];
  return reportPage(
    `${model.name} on ${place}`,
    `${model.name} ${model.version} · ${data.about} · ${counted(measured.pictures, 'picture')}`,
    parts,
  );
}

const words = [
  'FMR, false-match rate: pairs of two people taken as one. FNMR, false non-match rate: pairs of one person taken as two; a pair of which a picture gave no face counts as one of these. True accept rate: 1 − FNMR.',
  'Equal error rate: where the two are equal. Failure to acquire: a picture in which no face was found, or that cannot be read (ISO/IEC 19795-1).',
  'FMR below 3 / pairs of two people cannot be told (rule of three), so such thresholds are refused.',
];

function plotsOf({ figures, comparisons }: Measured): string[] {
  const entries = Object.entries(figures) as [keyof typeof figures, NonNullable<(typeof figures)['head']>][];
  const curves = entries.map(([name, { roc, genuine }]): NamedCurve => {
    const impostors = (comparisons.get(name) ?? []).filter(({ same, score }) => !same && score !== null).length;
    return { name, roc, impostors, genuine };
  });
  const told = curves.filter(({ impostors, genuine }) => impostors > 0 && genuine > 0);
  const scores = entries.map(([name]) => scorePlot(name, comparisons.get(name) ?? []));
  return [...(told.length > 0 ? [rocPlot(told), detPlot(told)] : []), ...scores].map((plot) => plotSvg(plot, 'page'));
}

async function galleryOf(title: string, pairs: readonly WorstPair[], folder: string, pictures: boolean): Promise<string> {
  if (pairs.length === 0) return '';
  const image = async (path: string) => {
    const small = pictures ? await squareThumbnail(path, thumbnailSide) : undefined;
    return small
      ? `<img alt="" width="${thumbnailSide}" height="${thumbnailSide}" src="data:image/jpeg;base64,${small.toString('base64')}">`
      : '';
  };
  const figures = pairs.map(async ({ a, b, score }) => {
    const [one, other] = await Promise.all([image(a), image(b)]);
    const names = [a, b].map((path) => escaped(relative(folder, path))).join('<br>');
    return `<figure><div class="pair">${one}${other}</div><figcaption>${score.toPrecision(4)}<br><small>${names}</small></figcaption></figure>`;
  });
  return `<section><h2>${title}</h2><div class="gallery">${(await Promise.all(figures)).join('')}</div></section>`;
}

const thumbnailSide = 112;
