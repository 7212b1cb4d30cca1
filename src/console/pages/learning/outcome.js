/**
 * What came of a training, a measurement or a way back. In: the door's sentence, which is English. Out: the texts that
 * say the same in the reader's language, one after the other, with their values. Pure.
 */

/** @typedef {{ readonly key: string, readonly values: Readonly<Record<string, string>> }} Part */
/** @typedef {readonly (readonly [string, RegExp])[]} Forms by the text that says the same; groups are its values */

/** Each may stand before a sentence, in this order. @type {Forms} */
const openings = [
  ['forced', /^against the comparison: /],
  ['forced-unmeasured', /^not measured: /],
  ['nothing-trained', /^nothing was trained, because a new network could not be measured: /],
  ['confusable-more', /^it would take (?<pairs>.+) and (?<more>\d+) more pairs for one another, which the champion does not; /],
  ['confusable', /^it would take (?<pairs>.+) for one another, which the champion does not; /],
  ['worse-on-cohort', /^it is worse on the cohort; /],
  ['no-gain', /^no gain: the network in use stays; /],
];

const number = '-?[\\d.,]+(?:e-?\\d+)?';
/** @type {Forms} */
const sentences = [
  [
    'figures',
    new RegExp(
      `^FNMR (?<after>${number}) % against the champion's (?<before>${number}) % on (?<pictures>\\d+) frozen pictures of (?<people>\\d+) people ` +
        `\\(difference (?<difference>${number}) points, 95 % interval (?<low>${number}) to (?<high>${number}), upper 95 % bound (?<upper>${number}), ` +
        `at most (?<most>${number}) allowed; (?<impostors>[\\d,]+) impostor comparisons\\)`,
    ),
  ],
  [
    'too-few',
    /^the frozen set has (?<pictures>\d+) pictures? of (?<people>\d+) (?:person|people): at least (?<leastPictures>\d+) pictures of (?<leastPeople>\d+) people are needed to compare/,
  ],
  ['guards-already', /^it guards the door already$/],
  ['few-templates', /^only (?<made>\d+) of (?<all>\d+) templates can be made with it$/],
  ['other-base', /^it was trained from another embedder than face\.embedder names now$/],
  ['cancelled', /^cancelled by (?<by>.+)$/],
  ['asked', /^asked for$/],
  ['two-names', /^it took a face for one person, the network before for another$/],
  ['differed', /^(?<differed>\d+) of (?<decisions>\d+) decisions differed from those of the network before$/],
];

/** Each may stand behind a sentence, in this order. @type {Forms} */
const endings = [
  [
    'on-cohort',
    new RegExp(
      `^; on the cohort (?<after>${number}) % against (?<before>${number}) % \\(95 % interval of the difference (?<low>${number}) to (?<high>${number}) points\\)`,
    ),
  ],
  ['enrol-more', /^\. Enrol more people, with three or more pictures each$/],
];

/**
 * @param {unknown} detail the door's sentence
 * @returns {readonly Part[] | undefined} undefined for one that is not known, in whole or in part
 */
export function outcomeOf(detail) {
  if (typeof detail !== 'string') return undefined;
  /** @type {Part[]} */
  const parts = [];
  let rest = detail;
  /** @param {Forms} forms @param {boolean} several */
  const take = (forms, several) => {
    for (const [key, form] of forms) {
      const found = form.exec(rest);
      if (!found) continue;
      const { pairs, ...values } = found.groups ?? {};
      parts.push({ key: `outcome.${key}`, values: { ...values, ...(pairs !== undefined && { pairs: pairs.replaceAll(' and ', ' – ') }) } });
      rest = rest.slice(found[0].length);
      if (!several) return;
    }
  };
  take(openings, true);
  take(sentences, false);
  take(endings, true);
  return rest === '' && parts.length > 0 ? parts : undefined;
}
