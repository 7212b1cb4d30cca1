/** All texts of the console: the reader's language, else English. `t('live.title')` gives one. */
import { de } from './words/de.js';
import { en } from './words/en.js';

/** @type {Readonly<Record<string, Readonly<Record<string, string>>>>} */
const catalogues = { en, de };

const chosen = () => {
  const kept = localStorage.getItem('facelatch.language');
  const wanted = [kept, ...navigator.languages].map((tag) => tag?.slice(0, 2).toLowerCase() ?? '');
  return wanted.find((tag) => Object.hasOwn(catalogues, tag)) ?? 'en';
};

export const language = chosen();
document.documentElement.lang = language;
/** With its country, where the browser says one: for times and numbers. */
const locale = navigator.languages.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;
const catalogue = catalogues[language] ?? en;

/**
 * A text with its values in place of `{name}`. A plural has the texts `key.one` and `key.other`, chosen by `count`.
 * @param {string} key @param {Readonly<Record<string, string | number>>} [values]
 */
export function t(key, values = {}) {
  const form = 'count' in values ? `${key}.${new Intl.PluralRules(language).select(Number(values.count))}` : key;
  const text = catalogue[form] ?? catalogue[`${key}.other`] ?? catalogue[key] ?? en[form] ?? en[key];
  if (text === undefined) return key;
  return text.replaceAll(/\{(\w+)\}/g, (whole, name) => (name in values ? shown(values[name] ?? '') : whole));
}

/** Whether there is a text. @param {string} key */
export const has = (key) => Object.hasOwn(catalogue, key) || Object.hasOwn(en, key);

/** @param {string | number} value */
const shown = (value) => (typeof value === 'number' ? new Intl.NumberFormat(locale).format(value) : value);

/** @param {string | number | Date} time */
export const timeText = (time) => new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(time));
/** @param {string | number | Date} time */
export const clockText = (time) => new Intl.DateTimeFormat(locale, { timeStyle: 'medium' }).format(new Date(time));
/** @param {number} share 0…1 */
export const percentText = (share, digits = 0) =>
  new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: digits }).format(share);
/** How long ago. @param {string | number | Date} time */
export function agoText(time) {
  const s = (new Date(time).getTime() - Date.now()) / 1000;
  const form = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  for (const [unit, size] of /** @type {[Intl.RelativeTimeFormatUnit, number][]} */ ([
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ]))
    if (Math.abs(s) >= size) return form.format(Math.round(s / size), unit);
  return form.format(Math.round(s), 'second');
}

/** @param {string} tag */
export function chooseLanguage(tag) {
  localStorage.setItem('facelatch.language', tag);
  location.reload();
}
export const languages = Object.keys(catalogues);
