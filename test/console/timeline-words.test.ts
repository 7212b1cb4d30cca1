/** Every kind of event, and every reason of a denial, has its text in each language; and no text lacks its translation. */
import { expect, it } from 'vitest';
import { challengeKinds, denials, likenessBands, spoofKinds } from '../../src/events.ts';
import { eventFields } from '../../src/mqtt/messages.ts';
import { marks } from '../../src/retrain/port.ts';

const catalogueOf = async (language: string): Promise<Readonly<Record<string, string>>> =>
  (await import(String(new URL(`../../src/console/pages/words/${language}.js`, import.meta.url))))[language];
const [en, de] = [await catalogueOf('en'), await catalogueOf('de')];

const needed = [
  ...Object.keys(eventFields).map((kind) => `timeline.event.${kind}`),
  ...denials.map((reason) => `denial.${reason}`),
  ...likenessBands.map((band) => `timeline.band.${band}`),
  ...spoofKinds.map((kind) => `timeline.spoof.${kind}`),
  ...marks.map((mark) => `timeline.mark.${mark}`),
  ...challengeKinds.map((kind) => `timeline.challenge.${kind}`),
  ...['live', 'unsure', 'spoof', 'not-checked'].map((verdict) => `timeline.live.${verdict}`),
  ...['open', 'hold', 'release', 'arm', 'disarm', 'lockout-reset'].map((request) => `timeline.request.${request}`),
];

it.each([
  ['English', en],
  ['German', de],
])('%s has every text of the timeline', (_language, catalogue) => {
  expect(needed.filter((key) => !(key in catalogue))).toEqual([]);
});

it('both languages have the same texts of the timeline and of learning, with the same places for values', () => {
  const own = (catalogue: Readonly<Record<string, string>>) =>
    Object.entries(catalogue)
      .filter(([key]) => key.startsWith('timeline.') || key.startsWith('learning.'))
      .map(([key, text]) => `${key} ${[...text.matchAll(/\{\w+\}/g)].map(([place]) => place).toSorted()}`)
      .toSorted();
  expect(own(de)).toEqual(own(en));
});
