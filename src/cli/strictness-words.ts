/** How the layers of a threshold are told to people. In: a threshold, its embedder. Out: rows and sentences. */
import { strangersTrouble } from '../adapters/basics.ts';
import type { EmbedderInfo } from '../face/port.ts';
import type { DoorLimit, Threshold, ThresholdLevel } from '../identity/port.ts';
import { counted, oneIn, people } from './words.ts';

const limits: Readonly<Record<DoorLimit, string>> = {
  'few-people': 'it may only tighten: loosening takes 8 people',
  outdated: 'measured with other people than now: it may only tighten until it is measured again',
  bound: 'no further: evidence tightens to a tenth of the rate at the most',
  wild: 'no further: never looser than strangers of photographs ask for',
  cohort: 'no further: the cohort, as this camera sees it, asks for it',
};

/** Layer, what it rests on, rate of a comparison, likeness: one row for each layer, under a head. */
export function layerRows({ layers }: Threshold): string[][] {
  if (!layers) return [];
  const { table, chances, door } = layers;
  const row = (layer: string, on: string, { fmr, logit, extrapolated }: ThresholdLevel) => [
    layer,
    on,
    `${oneIn(fmr)}${extrapolated ? ' (continued)' : ''}`,
    logit.toFixed(2),
  ];
  const independent = chances.independent.toFixed(1);
  return [
    ['layer', 'rests on', 'comparisons', 'likeness'],
    row('calibration table', `${counted(chances.templates, 'template')}, each a chance of its own`, table),
    row('independent chances', `${independent === '1.0' ? 'one chance' : `${independent} chances`}, as strangers find them`, chances),
    door
      ? row("this door's evidence", `${people(door.people)}, ${counted(door.visits, 'unknown visitor')}: ${doorText(door)}`, door)
      : ["this door's evidence", 'none: a running door measures it (identity.doorEvidence)', '', ''],
  ];
}

function doorText({ effect, limit }: NonNullable<NonNullable<Threshold['layers']>['door']>): string {
  const does = { tightened: 'tightens', loosened: 'loosens', none: 'changes nothing' }[effect];
  return limit === undefined ? does : `${does}; ${limits[limit]}`;
}

/** The layers in one line, for `doctor` and `config`. */
export function layersText({ layers }: Threshold): string {
  if (!layers) return '';
  const { table, chances, door } = layers;
  const own = door ? `, this door's evidence ${door.logit.toFixed(2)} (${doorText(door)})` : '';
  return `table ${table.logit.toFixed(2)}, ${chances.independent.toFixed(1)} chances ${chances.logit.toFixed(2)}${own}`;
}

/** What this door's network lacks for a threshold that keeps its promise, and what follows from it. */
export function missingTexts(embedder: EmbedderInfo): readonly string[] {
  const { name, calibration } = embedder;
  if (!calibration) return [`the manifest of ${name} has no calibration: no rate can be promised`];
  return [
    ...(calibration.wild
      ? []
      : [
          `the manifest of ${name} has no strict table (calibration.table with calibration.wild beside it): people of one origin or one camera may pass more often than promised, and this door's evidence only tightens`,
        ]),
    ...missingCohort(embedder),
  ];
}

/** Of what `missingTexts` says, what is not the manifest's. */
export function missingCohort(embedder: EmbedderInfo): readonly string[] {
  const trouble = embedder.calibration && strangersTrouble(embedder);
  return trouble === undefined ? [] : [`${trouble}: templates are counted as chances, near-duplicates at most twice`];
}
