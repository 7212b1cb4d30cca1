/** A person's PIN: set, replaced, taken away. It is shown nowhere. */
import { html, nothing } from 'lit';
import { ask } from '../api.js';
import { PageElement } from '../element.js';
import { said } from '../said.js';
import { t } from '../words.js';

class PersonPin extends PageElement {
  static properties = { person: {}, digits: {}, problem: { state: true }, done: { state: true } };

  constructor() {
    super();
    /** @type {any} */
    this.person = undefined;
    this.digits = 6;
    this.problem = '';
    this.done = '';
  }

  /** @param {string | null} pin */
  async set(pin) {
    this.problem = '';
    this.done = '';
    try {
      await ask('people.pin', { person: this.person.id, pin });
      this.done = t(pin === null ? 'people.pin.removed' : 'people.pin.set');
      this.dispatchEvent(new CustomEvent('changed'));
    } catch (error) {
      this.problem = said(error);
    }
  }

  /** @param {SubmitEvent} event */
  async save(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    await this.set(String(new FormData(form).get('pin')));
    form.reset();
  }

  render() {
    const { hasPin } = this.person.rules;
    return html`<section class="card">
      <h2>${t('people.pin.title')}</h2>
      <p class="quiet">${t(hasPin ? 'people.pin.there' : 'people.pin.none')}</p>
      <form class="row" @submit=${this.save}>
        <label
          >${t('people.pin.new', { digits: this.digits })}<input
            type="password"
            name="pin"
            inputmode="numeric"
            autocomplete="off"
            required
            pattern=${`[0-9]{${this.digits},12}`}
            title=${t('people.pin.new', { digits: this.digits })}
        /></label>
        <button class="main">${t(hasPin ? 'people.pin.replace' : 'people.pin.give')}</button>
        ${hasPin ? html`<button type="button" class="danger" @click=${() => this.set(null)}>${t('people.pin.remove')}</button>` : nothing}
      </form>
      ${this.problem ? html`<p class="notice bad" role="alert">${this.problem}</p>` : nothing}
      <p class="notice good" role="status" ?hidden=${!this.done}>${this.done}</p>
    </section>`;
  }
}
customElements.define('person-pin', PersonPin);
