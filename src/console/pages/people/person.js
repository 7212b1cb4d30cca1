/** One person: how they stand, rules, PIN, pictures, consent, export and removal. */
import { html, nothing } from 'lit';
import { ask } from '../api.js';
import { PageElement } from '../element.js';
import { listenTo } from '../live-stream.js';
import { agoText, t, timeText } from '../words.js';
import './consents.js';
import './erase.js';
import './export.js';
import { said } from '../said.js';
import './pictures.js';
import './pin.js';
import './rules.js';
import { stateTags } from './state.js';
import './face.js';

class PersonPage extends PageElement {
  static properties = {
    ...{ who: {}, isAdmin: {}, found: { state: true }, choices: { state: true }, problem: { state: true } },
    ...{ done: { state: true }, renaming: { state: true }, erased: { state: true } },
  };

  constructor() {
    super();
    this.who = '';
    this.isAdmin = false;
    /** @type {any} */
    this.found = undefined;
    /** @type {any} */
    this.choices = undefined;
    this.problem = '';
    this.done = '';
    this.renaming = false;
    /** The person is gone, and the proof of it is on the page. */
    this.erased = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.until(listenTo('event', ({ kind, personId }) => void (personId === this.found?.person.id && this.heard(kind))));
  }

  /** @param {string} kind */
  heard(kind) {
    if (!this.erased && kind !== 'person.removed' && kind !== 'person.shredded') void this.load();
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (!changed.has('who')) return;
    this.found = undefined;
    this.erased = false;
    void this.load();
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has('isAdmin') && this.isAdmin && !this.choices) void this.loadChoices();
  }

  async loadChoices() {
    try {
      this.choices = await ask('people.choices');
    } catch (error) {
      this.problem = said(error);
    }
  }

  async load() {
    try {
      this.found = await ask('people.person', { person: this.who });
      this.problem = '';
    } catch (error) {
      this.problem = /** @type {any} */ (error).code === 'not-found' ? t('people.gone') : said(error);
    }
  }

  /** @param {string} name @param {object} args @param {string} done */
  async change(name, args, done) {
    this.done = '';
    this.problem = '';
    try {
      await ask(name, args);
      this.done = done;
      await this.load();
    } catch (error) {
      this.problem = said(error);
    }
  }

  /** @param {SubmitEvent} event */
  async rename(event) {
    event.preventDefault();
    const name = String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get('name')).trim();
    await this.change('people.rename', { person: this.found.person.id, name }, t('people.renamed'));
    this.renaming = this.problem !== '';
  }

  render() {
    const person = this.found?.person;
    return html`
      <p><a href="#/people">${t('people.back')}</a></p>
      ${person ? this.head(person) : html`<h1 tabindex="-1">${t('people.title')}</h1>`}
      <p class="notice good" role="status" ?hidden=${!this.done}>${this.done}</p>
      ${this.problem ? html`<p class="notice bad" role="alert">${this.problem}</p>` : nothing}
      ${person && !this.erased ? this.parts(person) : nothing}
      ${
        person && this.isAdmin
          ? html`<person-erase
              .person=${person}
              .consents=${this.found.consents}
              @erased=${() => (this.erased = true)}
            ></person-erase>`
          : nothing
      }
    `;
  }

  /** @param {any} person */
  head(person) {
    const enabled = person.rules.enabled !== false;
    return html`<div class="person-head">
      <person-face .who=${person.id} .name=${person.name} .shown=${this.isAdmin && person.pictures > 0 && !this.erased}></person-face>
      <div>
        <h1 tabindex="-1">${person.name}</h1>
        <p class="quiet">
          ${t('people.enrolled-at', { time: timeText(person.enrolledAt || 0) })}
          ${person.lastVisit ? t('people.last-visit', { ago: agoText(person.lastVisit) }) : t('people.no-visit')}
        </p>
        ${this.erased ? nothing : stateTags(person)}
      </div>
      ${
        this.isAdmin && !this.erased
          ? html`<div class="row">
              <button
                @click=${() =>
                  this.change(
                    enabled ? 'people.disable' : 'people.enable',
                    { person: person.id },
                    t(enabled ? 'people.disabled' : 'people.enabled'),
                  )}
              >
                ${t(enabled ? 'people.disable' : 'people.enable')}
              </button>
              <button aria-expanded=${String(this.renaming)} @click=${() => (this.renaming = !this.renaming)}>${t('people.rename')}</button>
              <a class="button" href=${`#/timeline/person/${person.id}`}>${t('people.history')}</a>
            </div>`
          : nothing
      }
      ${
        this.renaming && !this.erased
          ? html`<form class="row" @submit=${this.rename}>
              <label>${t('people.name')}<input name="name" required maxlength="320" .value=${person.name} autocomplete="off" /></label>
              <button class="main">${t('people.save')}</button>
            </form>`
          : nothing
      }
    </div>`;
  }

  /** @param {any} person */
  parts(person) {
    const reload = () => void this.load();
    if (!this.isAdmin) return html`<p><a class="button" href=${`#/timeline/person/${person.id}`}>${t('people.history')}</a></p>`;
    return html`
      ${this.choices ? html`<person-rules .person=${person} .choices=${this.choices} @changed=${reload}></person-rules>` : nothing}
      ${this.choices ? html`<person-pin .person=${person} .digits=${this.choices.pinDigits} @changed=${reload}></person-pin>` : nothing}
      <person-pictures .person=${person} @changed=${reload}></person-pictures>
      <person-consents .person=${person} .consents=${this.found.consents} @changed=${reload}></person-consents>
      <person-export .person=${person}></person-export>
    `;
  }
}
customElements.define('person-page', PersonPage);
