/** Every setting with its value and its meaning; those that may change while the door runs can be changed here. */
import { html, nothing } from 'lit';
import { PageElement } from '../element.js';
import { t } from '../words.js';
import { asked, problemNotice } from './asked.js';

class SystemSettings extends PageElement {
  static properties = {
    me: {},
    settings: { state: true },
    wanted: { state: true },
    onlyChanged: { state: true },
    problem: { state: true },
    done: { state: true },
  };

  constructor() {
    super();
    /** @type {any} */
    this.me = undefined;
    /** @type {any[] | undefined} */
    this.settings = undefined;
    this.wanted = '';
    this.onlyChanged = true;
    this.problem = '';
    this.done = '';
  }

  connectedCallback() {
    super.connectedCallback();
    void this.load();
  }

  async load() {
    const { result, problem } = await asked('system.settings');
    this.problem = problem ?? '';
    this.settings = result?.settings;
  }

  /** @param {SubmitEvent} event @param {string} path */
  async change(event, path) {
    event.preventDefault();
    const value = Number(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get('value'));
    const { result, problem } = await asked('config.set', { path, value });
    this.problem = problem ?? '';
    this.done = result ? t('system.setting-changed', { path, value: String(value) }) : '';
    if (result) await this.load();
  }

  /** @param {any} setting */
  fits({ path, meaning, usual, value }) {
    const text = this.wanted.toLowerCase();
    if (text !== '') return path.toLowerCase().includes(text) || meaning.toLowerCase().includes(text);
    return !this.onlyChanged || JSON.stringify(usual) !== JSON.stringify(value);
  }

  render() {
    const found = this.settings?.filter((setting) => this.fits(setting)) ?? [];
    return html`<h2>${t('system.settings')}</h2>
      <p>${t('system.settings-what')}</p>
      <search>
        <label>${t('system.settings-search')}<input type="search" maxlength="80" .value=${this.wanted} @input=${(/** @type {any} */ event) => (this.wanted = event.target.value)} /></label>
        <label><input type="checkbox" .checked=${this.onlyChanged} ?disabled=${this.wanted !== ''} @change=${(/** @type {any} */ event) => (this.onlyChanged = event.target.checked)} /> ${t('system.settings-changed')}</label>
      </search>
      ${problemNotice(this.problem)}
      <div aria-live="polite">${this.done ? html`<p class="notice good">${this.done}</p>` : nothing}</div>
      ${this.settings ? html`<p role="status">${t('system.settings-count', { count: found.length })}</p>` : html`<p class="loading">${t('app.loading')}</p>`}
      <ul class="settings">${found.map((setting) => this.row(setting))}</ul>`;
  }

  /** @param {any} setting */
  row({ path, meaning, allowed, live, secret, usual, value }) {
    const isUsual = JSON.stringify(usual) === JSON.stringify(value);
    return html`<li class="card">
      <h3><code>${path}</code></h3>
      ${secret ? html`<p class="quiet">${t('system.setting-secret')}</p>` : html`<p><code class="value">${JSON.stringify(value)}</code> ${isUsual ? html`<span class="quiet">${t('system.setting-usual')}</span>` : html`<span class="tag">${t('system.setting-differs', { usual: JSON.stringify(usual) })}</span>`}</p>`}
      <p lang="en">${withCode(meaning)}</p>
      <p class="quiet" lang="en">${t('system.setting-allowed', { allowed })}</p>
      ${
        live && this.me?.caller?.role === 'admin'
          ? html`<form class="row" @submit=${(/** @type {SubmitEvent} */ event) => this.change(event, path)}>
              <label>${t('system.setting-live')}<input name="value" type="number" step="any" required .value=${String(value)} /></label>
              <button>${t('system.setting-set')}</button>
            </form>`
          : nothing
      }
    </li>`;
  }
}
customElements.define('system-settings', SystemSettings);

/** Text with names of settings and values between backticks. @param {string} text */
const withCode = (text) => text.split('`').map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part));
