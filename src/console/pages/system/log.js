/** The last lines of the daemon's log. */
import { html, nothing } from 'lit';
import { PageElement } from '../element.js';
import { t, timeText } from '../words.js';
import { asked, problemNotice } from './asked.js';

const kinds = /** @type {Readonly<Record<string, string>>} */ ({ warn: 'warn', error: 'bad', fatal: 'bad' });

class SystemLog extends PageElement {
  static properties = { lines: { state: true }, next: { state: true }, least: { state: true }, problem: { state: true } };

  constructor() {
    super();
    /** Newest first. @type {any[] | undefined} */
    this.lines = undefined;
    /** @type {number | undefined} */
    this.next = undefined;
    this.least = 'info';
    this.problem = '';
  }

  connectedCallback() {
    super.connectedCallback();
    void this.load();
  }

  /** @param {number} [before] */
  async load(before) {
    const { result, problem } = await asked('system.log', { least: this.least, ...(before === undefined ? {} : { before }) });
    this.problem = problem ?? '';
    this.lines = [...(before === undefined ? [] : (this.lines ?? [])), ...(result?.lines ?? [])];
    this.next = result?.next;
  }

  /** @param {Event} event */
  choose(event) {
    this.least = /** @type {HTMLSelectElement} */ (event.currentTarget).value;
    void this.load();
  }

  render() {
    const { lines } = this;
    return html`<h2>${t('system.log')}</h2>
      <p>${t('system.log-what')}</p>
      <div class="row">
        <label>${t('system.log-level')}
          <select @change=${this.choose}>${['info', 'warn', 'error'].map((level) => html`<option value=${level} ?selected=${level === this.least}>${t(`system.level.${level}`)}</option>`)}</select>
        </label>
        <button @click=${() => this.load()}>${t('system.log-again')}</button>
      </div>
      ${problemNotice(this.problem)}
      ${lines && lines.length === 0 && !this.problem ? html`<p class="quiet">${t('system.log-empty')}</p>` : nothing}
      <ol class="log" aria-label=${t('system.log')}>
        ${lines?.map(
          ({ at, level, message, fields }) => html`<li>
            <time datetime=${at}>${timeText(at)}</time> <span class=${`tag ${kinds[level] ?? ''}`}>${t(`system.level.${level}`)}</span>
            <strong>${message}</strong> ${fields === '{}' ? nothing : html`<code>${fields}</code>`}
          </li>`,
        )}
      </ol>
      ${this.next === undefined ? nothing : html`<button @click=${() => this.load(this.next)}>${t('system.log-more')}</button>`}`;
  }
}
customElements.define('system-log', SystemLog);
