/** What a person agreed to, and a form to record that they agreed. */
import { html, nothing } from 'lit';
import { ask } from '../api.js';
import { PageElement } from '../element.js';
import { said } from '../said.js';
import { t, timeText } from '../words.js';

/** The fields of a consent. @param {boolean} required */
export const consentFields = (required) => html`
  <label
    >${t('people.consent.version')}<input
      name="version"
      ?required=${required}
      pattern="[A-Za-z0-9._\\-]{1,64}"
      maxlength="64"
      autocomplete="off"
      placeholder="2026-01"
  /></label>
  <label
    >${t('people.consent.how')}<select name="how">
      <option value="console">${t('people.consent.how.console')}</option>
      <option value="paper">${t('people.consent.how.paper')}</option>
    </select></label
  >
`;

class PersonConsents extends PageElement {
  static properties = { person: {}, consents: {}, problem: { state: true }, done: { state: true } };

  constructor() {
    super();
    /** @type {any} */
    this.person = undefined;
    /** @type {any[]} */
    this.consents = [];
    this.problem = '';
    this.done = '';
  }

  /** @param {SubmitEvent} event */
  async give(event) {
    event.preventDefault();
    this.problem = '';
    this.done = '';
    const target = /** @type {HTMLFormElement} */ (event.target);
    const form = new FormData(target);
    try {
      const consent = { version: String(form.get('version')), how: String(form.get('how')) };
      await ask('people.consent', { person: this.person.id, consent });
      target.reset();
      this.done = t('people.consent.recorded');
      this.dispatchEvent(new CustomEvent('changed'));
    } catch (error) {
      this.problem = said(error);
    }
  }

  render() {
    return html`<section class="card">
      <h2>${t('people.consent.title')}</h2>
      ${
        this.consents.length === 0
          ? html`<p class="quiet">${t('people.consent.none')}</p>`
          : html`<ul>
              ${this.consents.map(
                ({ version, how, by, givenAt, withdrawnAt }) => html`<li>
                  ${t('people.consent.given', { version, how: t(`people.consent.how.${how}`), by, time: timeText(givenAt) })}
                  ${withdrawnAt ? t('people.consent.withdrawn', { time: timeText(withdrawnAt) }) : nothing}
                </li>`,
              )}
            </ul>`
      }
      <details>
        <summary>${t('people.consent.record')}</summary>
        <form @submit=${this.give}>
          ${consentFields(true)}
          <button class="main">${t('people.consent.save')}</button>
        </form>
      </details>
      ${this.problem ? html`<p class="notice bad" role="alert">${this.problem}</p>` : nothing}
      <p class="notice good" role="status" ?hidden=${!this.done}>${this.done}</p>
    </section>`;
  }
}
customElements.define('person-consents', PersonConsents);
