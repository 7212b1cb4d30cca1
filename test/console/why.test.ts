/** What the door says of a visitor whom it does not let in: the console says the same, as exact, in each language. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { admit, type DoorRules } from '../../src/access/admission.ts';
import { answerMissing, notAlive, pinMissing, remedyOf, withoutPin } from '../../src/access/alive/words.ts';
import { begun, denial } from '../../src/access/presentation.ts';
import { parseSchedule, type Schedule } from '../../src/base/schedule.ts';
import { denials, unsureReasons } from '../../src/events.ts';
import { facePolicy } from '../fakes/policy.ts';

const page = (name: string) => import(String(new URL(`../../src/console/pages/${name}`, import.meta.url)));
const { whyOf } = (await page('timeline/why.js')) as {
  whyOf(detail: unknown): { readonly key: string; readonly values: Readonly<Record<string, string>> } | undefined;
};
const { en } = (await page('words/en.js')) as { en: Readonly<Record<string, string>> };
const { de } = (await page('words/de.js')) as { de: Readonly<Record<string, string>> };

const door: DoorRules = {
  schedules: new Map([['office', parseSchedule(['Mon-Fri 08:00-18:00']) as Schedule]]),
  calendar: { timeZone: 'UTC', holidays: [] },
  groups: new Map(),
  admits: [],
  unsureClock: 'deny',
  liveness: { policy: 'off', schedules: new Map() },
};
const sunday = { wallMs: Date.parse('2026-11-22T10:00:00Z'), clockSure: true, used: 3, inside: false };

/** Of the rules of a person. */
const byRules = [
  admit({ enabled: false }, door, sunday),
  admit({ validUntil: '2026-11-20T10:00:00Z' }, door, sunday),
  admit({ validFrom: '2026-11-23T10:00:01Z' }, door, sunday),
  admit({ uses: 3 }, door, sunday),
  admit({}, door, { ...sunday, inside: true }),
  admit({ schedule: 'office' }, door, sunday),
  admit({ schedule: 'gone' }, door, sunday),
  admit({}, { ...door, admits: ['family', 'staff'] }, sunday),
  admit({ schedule: 'office' }, door, { ...sunday, clockSure: false }),
].map((found) => (found.ok ? '' : found.detail));

/** Of the face, and of what it needs besides. */
const bySight = (['unknown', 'ambiguous', 'low-quality', 'stale', 'disarmed', 'locked-out', 'pin-needed', 'second-person-needed'] as const)
  .flatMap((reason) =>
    [{}, { 'several-faces': 1 }, { unfit: 1 }, { blurred: 1 }, { 'too-dark': 1 }].flatMap((quality) =>
      [0, 2].map((mostVotes) => denial({ ...begun(0, facePolicy), counts: { [reason]: 1 }, quality, mostVotes }, 0, facePolicy).detail),
    ),
  )
  .filter((detail, at, all) => all.indexOf(detail) === at);

/** Of whether it is alive. */
const byLiveness = [
  ...[notAlive, answerMissing, pinMissing],
  ...unsureReasons.map((why) => remedyOf({ verdict: 'unsure', why })),
  ...(['unsure', 'not-checked'] as const).map((verdict) => withoutPin({ verdict })),
];

it.each([...byRules, ...bySight, ...byLiveness])('"%s" has its words', (detail) => {
  const why = whyOf(detail);
  expect(why).toBeDefined();
  const { key = '', values = {} } = why ?? {};
  for (const catalogue of [en, de]) {
    const places = [...(catalogue[key] ?? '').matchAll(/\{(\w+)\}/g)].map(([, place]) => place);
    expect(places.toSorted()).toEqual(Object.keys(values).toSorted());
  }
  // Every number, time and name of the door's sentence is there.
  const exact = detail.match(/\d[\dT:.Z-]*|"[^"]*"|\((?!facelatch)([a-z, ]+)\)/g) ?? [];
  for (const part of exact) expect(Object.values(values).join(' ')).toContain(part.replaceAll(/["()]/g, ''));
});

it('sentences that stand elsewhere in the door have theirs too', () => {
  const root = new URL('../../src/', import.meta.url);
  const inFile = (file: string, sentence: RegExp) =>
    [...readFileSync(new URL(file, root), 'utf8').matchAll(sentence)].map(([, detail = '']) => detail);
  const found = [
    ...inFile('access/decide.ts', /detail: '([^']+)'/g),
    ...inFile('access/entrance.ts', /detail: '([^']+)'/g),
    ...inFile('access/controller.ts', /(?:detail: |Detail = )'([^']+)'/g),
    ...inFile('access/premises.ts', /refused\('[a-z-]+', '([^']+)'/g),
    ...inFile('access/door.ts', /'wrong-pin', (?:another \? )?'([^']+)'/g),
    ...inFile('house/standing.ts', /reason: '(?:vault-locked|gallery-down)', detail: '([^']+)'/g),
  ];
  expect(found.length).toBeGreaterThan(8);
  expect(found.filter((detail) => !whyOf(detail))).toEqual([]);
});

it('both languages have the same words, and every reason has some of its own', () => {
  const own = (catalogue: Readonly<Record<string, string>>) =>
    Object.keys(catalogue).filter((key) => /^(why|denial|quality|live)\./.test(key));
  expect(own(de).toSorted()).toEqual(own(en).toSorted());
  expect(denials.filter((reason) => !(`denial.${reason}` in de))).toEqual([]);
});

it('a sentence of a version that says it otherwise is no mistake', () => {
  expect([whyOf('something new'), whyOf(undefined), whyOf(7)]).toEqual([undefined, undefined, undefined]);
});
