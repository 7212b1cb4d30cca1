/** Removes a person for good: says what goes, takes the name as the confirmation, and shows the proof afterwards. */
import { html, nothing } from 'lit';
import { ask } from '../api.js';
import { said } from '../said.js';
import { t } from '../words.js';
import { DialogElement } from './dialog.js';

class PersonErase extends DialogElement {
  static properties = {
    ...DialogElement.properties,
    ...{ person: {}, consents: {}, held: { state: true }, typed: { state: true }, working: { state: true } },
    ...{ problem: { state: true }, erased: { state: true }, withdraw: { state: true } },
  };

  constructor() {
    super();
    /** @type {any} */
    this.person = undefined;
    /** @type {any[]} */
    this.consents = [];
    /** @type {any} */
    this.held = undefined;
    this.typed = '';
    this.withdraw = false;
    this.working = false;
    this.problem = '';
    /** What people.erase answered. @type {any} */
    this.erased = undefined;
  }

  get canWithdraw() {
    return this.consents.some(({ withdrawnAt, endedAt }) => !withdrawnAt && !endedAt);
  }

  /** @param {boolean} withdraw */
  async begin(withdraw) {
    this.withdraw = withdraw;
    this.typed = '';
    this.problem = '';
    this.held = undefined;
    this.open = true;
    try {
      this.held = await ask('people.held', { person: this.person.id });
    } catch (error) {
      this.problem = said(error);
    }
  }

  /** @param {SubmitEvent} event */
  async erase(event) {
    event.preventDefault();
    this.working = true;
    this.problem = '';
    try {
      this.erased = await ask('people.erase', { person: this.person.id, name: this.typed, withdraw: this.withdraw });
      this.open = false;
      this.dispatchEvent(new CustomEvent('erased'));
      await this.updateComplete;
      /** @type {HTMLElement | null} */ (this.querySelector('.proof'))?.focus();
    } catch (error) {
      this.problem = said(error);
    } finally {
      this.working = false;
    }
  }

  render() {
    if (this.erased) return html`${this.proof()}`;
    return html`<section class="card">
      <h2>${t('people.erase.title')}</h2>
      <p class="quiet">${t('people.erase.about')}</p>
      <div class="row">
        <button class="danger" @click=${() => this.begin(false)}>${t('people.erase')}</button>
        ${this.canWithdraw ? html`<button class="danger" @click=${() => this.begin(true)}>${t('people.withdraw')}</button>` : nothing}
      </div>
      ${this.dialog(t(this.withdraw ? 'people.withdraw.ask' : 'people.erase.ask', { name: this.person.name }), this.asked())}
    </section>`;
  }

  asked() {
    const { held } = this;
    return html`
      ${
        held
          ? html`<p>${t('people.erase.goes')}</p>
              <ul>
                <li>${t('people.erase.pictures', { count: held.pictures })}</li>
                ${held.keptPictures > 0 ? html`<li>${t('people.erase.kept', { count: held.keptPictures })}</li>` : nothing}
                ${held.networks > 0 ? html`<li>${t('people.erase.networks', { count: held.networks })}</li>` : nothing}
                ${held.training ? html`<li>${t('people.erase.training')}</li>` : nothing}
                <li>${t('people.erase.rules')}</li>
                <li>${t('people.erase.key')}</li>
              </ul>
              <p>${t(held.consents > 0 ? 'people.erase.stays-consent' : 'people.erase.stays')}</p>`
          : nothing
      }
      ${this.problem ? html`<p class="notice bad" role="alert">${this.problem}</p>` : nothing}
      <form @submit=${this.erase}>
        <label
          >${t('people.erase.type', { name: this.person.name })}<input
            name="name"
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            .value=${this.typed}
            @input=${(/** @type {any} */ event) => (this.typed = event.target.value)}
        /></label>
        <div class="row">
          <button type="button" @click=${() => (this.open = false)}>${t('people.cancel')}</button>
          <button class="danger" ?disabled=${this.working || this.typed.trim() !== this.person.name}>
            ${t(this.working ? 'people.erase.working' : 'people.erase.now')}
          </button>
        </div>
      </form>
    `;
  }

  proof() {
    const { proof, searching } = this.erased;
    const clean = proof && proof.found.length === 0 && proof.unread.length === 0;
    return html`<section class="card proof" tabindex="-1" role="status">
      <h2>${t('people.proof.title', { name: this.person.name })}</h2>
      ${
        proof
          ? html`<p class=${clean ? 'notice good' : 'notice'}>
                ${t('people.proof.searched', { files: proof.files, megabytes: Math.ceil(proof.bytes / 1e6) })}
                ${t(proof.found.length === 0 ? 'people.proof.nothing' : 'people.proof.found', { count: proof.found.length })}
              </p>
              ${this.places(proof)}
              <p>${t('people.proof.key', { epoch: proof.epoch })}</p>`
          : html`<p class="notice">${t(searching ? 'people.proof.searching' : 'people.proof.impossible')}</p>`
      }
      <p class="quiet">${t('people.proof.backups')}</p>
      <p><a class="button main" href="#/people">${t('people.back')}</a></p>
    </section>`;
  }

  /** @param {any} proof */
  places({ found, unread, beside }) {
    if (found.length + unread.length + beside.length === 0) return nothing;
    return html`<ul>
      ${found.map(
        (/** @type {any} */ { file, kinds }) =>
          html`<li><code>${file}</code>: ${kinds.map((/** @type {string} */ kind) => t(`people.proof.kind.${kind}`)).join('; ')}</li>`,
      )}
      ${unread.map((/** @type {string} */ file) => html`<li><code>${file}</code>: ${t('people.proof.unread')}</li>`)}
      ${beside.map((/** @type {string} */ folder) => html`<li><code>${folder}</code>: ${t('people.proof.beside')}</li>`)}
    </ul>`;
  }
}
customElements.define('person-erase', PersonErase);
