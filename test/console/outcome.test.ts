/** What the door says of a training: the console says the same, with every figure, in each language. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { verdictText } from '../../src/retrain/compare.ts';
import { tooFewProbes } from '../../src/retrain/probes.ts';
import type { NetworkVerdict } from '../../src/retrain/verdict.ts';

const page = (name: string) => import(String(new URL(`../../src/console/pages/${name}`, import.meta.url)));
const { outcomeOf } = (await page('learning/outcome.js')) as {
  outcomeOf(detail: unknown): readonly { readonly key: string; readonly values: Readonly<Record<string, string>> }[] | undefined;
};
const { en } = (await page('words/en.js')) as { en: Readonly<Record<string, string>> };
const { de } = (await page('words/de.js')) as { de: Readonly<Record<string, string>> };

const interval = [-0.0125, 0.0004] as const;
const measured: NetworkVerdict = {
  ok: true,
  why: 'better',
  champion: { fnmr: 0.0312, measuredFmr: 0.0001, threshold: 12, raised: false },
  candidate: { fnmr: 0.0104, measuredFmr: 0.0001, threshold: 12, raised: false },
  difference: { value: -0.0208, interval, upper: 0.000_04 },
  confusable: [],
};
const onCohort = { champion: 0.021, candidate: 0.0205, value: -0.0005, interval, upper: 0.0003 };
const pair = ['ada', 'ben'] as const;

const byComparison = [
  measured,
  { ...measured, onCohort },
  { ...measured, ok: false, why: 'no-gain', onCohort },
  { ...measured, ok: false, why: 'worse-on-cohort', onCohort },
  { ...measured, ok: false, why: 'confusable', confusable: [pair] },
  { ...measured, ok: false, why: 'confusable', confusable: [pair, pair, pair, pair, pair] },
  { ...measured, ok: false, why: 'unmeasured' },
] as const satisfies readonly NetworkVerdict[];
const sentences = byComparison.map((verdict) => verdictText(verdict, 48, 6, 12_345));

const said = [
  ...sentences,
  ...sentences.map((sentence) => `against the comparison: ${sentence}`),
  tooFewProbes({ frozen: { people: [], strangers: [] }, enrolled: [] }) ?? '',
];

it.each(said)('"%s" has its words', (detail) => {
  const parts = outcomeOf(detail);
  expect(parts).toBeDefined();
  for (const { key, values } of parts ?? [])
    for (const catalogue of [en, de]) {
      const places = [...(catalogue[key] ?? '').matchAll(/\{(\w+)\}/g)].map(([, place]) => place);
      expect(places.toSorted()).toEqual(Object.keys(values).toSorted());
    }
  // Every figure and name of the door's sentence is there; "95 %" stands in the catalogue itself.
  const shown = (parts ?? []).flatMap(({ values }) => Object.values(values)).join(' ');
  const exact = detail.replaceAll('95 %', '').match(/-?\d[\d.,]*|\bada\b|\bben\b/g) ?? [];
  expect(exact.filter((part) => !shown.includes(part.replace(/[.,]$/, '')))).toEqual([]);
});

it('sentences that stand elsewhere in the door have theirs too', () => {
  const inFile = (file: string, sentence: RegExp) =>
    [...readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8').matchAll(sentence)].map(([, detail = '']) =>
      detail.replaceAll(/\$\{[^}]+\}/g, '3'),
    );
  const found = [
    ...inFile('retrain/promotion.ts', /detail: '([^']+)'/g),
    ...inFile('retrain/promotion.ts', /detail = '([^']+)'/g),
    ...inFile('retrain/promotion.ts', /'no-templates', `([^`]+)`/g),
    ...inFile('retrain/job-runner.ts', /state: 'cancelled', detail: `([^`]+)`/g),
    ...inFile('retrain/registry/registry.ts', /detail: '([^']+)'/g),
    ...inFile('learning/probation.ts', /'go-back', agreed, detail: '([^']+)'/g),
    ...inFile('learning/probation.ts', /const detail = `([^`]+)`/g),
  ];
  expect(found.length).toBe(7);
  expect(found.filter((detail) => !outcomeOf(detail))).toEqual([]);
});

it('both languages have the same words', () => {
  const own = (catalogue: Readonly<Record<string, string>>) => Object.keys(catalogue).filter((key) => key.startsWith('outcome.'));
  expect(own(de).toSorted()).toEqual(own(en).toSorted());
});

it('a sentence that is not known whole stays as the door says it', () => {
  const other = ['no gain: the network in use stays; something new', 'something new', undefined, 7];
  expect(other.map(outcomeOf)).toEqual([undefined, undefined, undefined, undefined]);
});
