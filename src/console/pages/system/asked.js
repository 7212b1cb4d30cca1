/** What a part of the system view shares: an answer of the door, or the reason why there is none. */
import { html } from 'lit';
import { ask } from '../api.js';
import { said } from '../said.js';
import { t } from '../words.js';

/**
 * @param {string} name @param {object} [args]
 * @returns {Promise<{ result?: any, problem?: string, code?: string }>}
 */
export async function asked(name, args) {
  try {
    return { result: await ask(name, args) };
  } catch (error) {
    return { problem: said(error), code: /** @type {Error & { code?: string }} */ (error).code };
  }
}

/** @param {string | undefined} problem */
export const problemNotice = (problem) =>
  html`<div aria-live="assertive">${problem ? html`<p class="notice bad">${problem}</p>` : ''}</div>`;

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

/** @param {number} bytes */
export function bytesText(bytes) {
  const at = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** at;
  const form = { style: 'unit', unit: units[at], maximumFractionDigits: value < 10 && at > 0 ? 1 : 0 };
  return new Intl.NumberFormat(document.documentElement.lang, /** @type {Intl.NumberFormatOptions} */ (form)).format(value);
}

/** A command or lines of a file, to copy. @param {string} text @param {string} label */
export const copyBlock = (text, label) => html`<div class="copy">
  <pre tabindex="0" role="region" aria-label=${label}>${text}</pre>
  <button type="button" @click=${(/** @type {Event} */ event) => copy(text, /** @type {HTMLElement} */ (event.currentTarget))}>${t('system.copy')}</button>
</div>`;

/** Without TLS a browser gives no clipboard: then the text is selected. @param {string} text @param {HTMLElement} button */
async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = t('system.copied');
  } catch {
    const pre = button.parentElement?.querySelector('pre');
    if (pre) getSelection()?.selectAllChildren(pre);
  }
}
