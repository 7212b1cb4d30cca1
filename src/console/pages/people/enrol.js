/**
 * Enrolment: who it is and what they agreed to, then pictures by this device's camera, by files or at the door, each
 * judged at once, then one step that stores all of it. Leaving the page before that leaves nothing.
 */
import { html, nothing } from 'lit';
import { ask, request } from '../api.js';
import { PageElement } from '../element.js';
import { t } from '../words.js';
import './at-door.js';
import './browser-camera.js';
import { said } from '../said.js';
import { consentFields } from './consents.js';
import './shots.js';
import './upload.js';

const ways = ['camera', 'upload', 'door'];

class EnrolPerson extends PageElement {
  static properties = {
    ...{ given: {}, choices: { state: true }, before: { state: true }, phase: { state: true }, way: { state: true } },
    ...{ shots: { state: true }, accepted: { state: true }, problem: { state: true }, stored: { state: true }, working: { state: true } },
    name: { state: true },
  };

  constructor() {
    super();
    /** The id of somebody who gets more pictures. */
    this.given = '';
    /** @type {any} */
    this.choices = undefined;
    /** @type {any[]} */
    this.enrolled = [];
    /** Who has the name already. @type {any} */
    this.before = undefined;
    /** @type {'who' | 'pictures' | 'done'} */
    this.phase = 'who';
    this.way = 'camera';
    this.name = '';
    this.session = '';
    /** @type {import('./shots.js').Shot[]} */
    this.shots = [];
    this.accepted = 0;
    this.problem = '';
    this.working = false;
    /** What enrol.commit answered. @type {any} */
    this.stored = undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    const left = () => this.abort();
    addEventListener('pagehide', left);
    this.until(() => removeEventListener('pagehide', left));
    this.until(() => this.end());
    void this.load();
  }

  end() {
    this.abort();
    for (const { url } of this.shots) if (url) URL.revokeObjectURL(url);
  }

  /** Also while the page closes. */
  abort() {
    const { session } = this;
    if (session === '') return;
    this.session = '';
    void request('enrol.abort', { method: 'POST', body: { session }, keepalive: true }).catch(() => undefined);
  }

  async load() {
    try {
      [this.choices, { people: this.enrolled }] = await Promise.all([ask('people.choices'), ask('people.list')]);
      if (this.given === '') return;
      this.before = (await ask('people.person', { person: this.given })).person;
      this.name = this.before.name;
    } catch (error) {
      this.problem = said(error);
    }
  }

  /** @param {string} name */
  async lookUp(name) {
    this.name = name;
    const known = this.enrolled.find((person) => person.name === name.trim().normalize('NFC'));
    const found = known && (await ask('people.person', { person: known.id }).catch(() => undefined));
    if (this.name === name) this.before = found?.person;
  }

  /** @param {SubmitEvent} event */
  async start(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const version = String(form.get('version') ?? '').trim();
    this.problem = '';
    this.working = true;
    try {
      const consent = version === '' ? {} : { consent: { version, how: String(form.get('how')) } };
      this.session = (await ask('enrol.start', { name: this.name.trim(), ...consent })).session;
      this.phase = 'pictures';
      await this.updateComplete;
      /** @type {HTMLElement | null} */ (this.querySelector('h1'))?.focus();
    } catch (error) {
      this.problem = said(error);
    } finally {
      this.working = false;
    }
  }

  /**
   * Sends one picture to be judged.
   * @param {Blob} picture @param {string} source @returns {Promise<any>} what became of it
   */
  async judge(picture, source) {
    const { session } = this;
    this.problem = '';
    try {
      const outcome = await request(`enrol/${session}/pictures?source=${encodeURIComponent(source.slice(0, 100))}`, {
        method: 'POST',
        body: picture,
      });
      await this.keep(picture, source, outcome);
      return outcome;
    } catch (error) {
      const { code } = /** @type {any} */ (error);
      if (code === 'oversized') {
        const outcome = { accepted: false, source, reasons: ['too-large'], detail: said(error) };
        await this.keep(picture, source, outcome);
        return outcome;
      }
      this.problem = said(error);
      throw error;
    }
  }

  /** @param {Blob | undefined} picture @param {string} source @param {any} outcome */
  async keep(picture, source, outcome) {
    const like = outcome.personId ? await ask('people.person', { person: outcome.personId }).catch(() => undefined) : undefined;
    const url = picture ? URL.createObjectURL(picture) : '';
    this.shots = [...this.shots, { url, source, outcome, like: like?.person }];
    if (this.session !== '') await this.count();
  }

  async count() {
    this.accepted = (await ask('enrol.status', { session: this.session })).pictures;
  }

  async commit() {
    this.working = true;
    this.problem = '';
    try {
      this.stored = await ask('enrol.commit', { session: this.session });
      this.session = '';
      this.phase = 'done';
      await this.updateComplete;
      /** @type {HTMLElement | null} */ (this.querySelector('h1'))?.focus();
    } catch (error) {
      this.problem = said(error);
    } finally {
      this.working = false;
    }
  }

  again() {
    this.abort();
    for (const { url } of this.shots) if (url) URL.revokeObjectURL(url);
    Object.assign(this, { shots: [], accepted: 0, phase: 'who', stored: undefined, problem: '', name: '', before: undefined, given: '' });
  }

  render() {
    return html`
      <p><a href="#/people">${t('people.back')}</a></p>
      <h1 tabindex="-1">${this.phase === 'who' ? t('people.enrol.title') : t('people.enrol.of', { name: this.name.trim() })}</h1>
      ${this.problem ? html`<p class="notice bad" role="alert">${this.problem}</p>` : nothing}
      ${!this.choices ? nothing : this.phase === 'who' ? this.who() : this.phase === 'pictures' ? this.pictures() : this.done()}
    `;
  }

  who() {
    const required = this.choices.consentRequired && !this.before?.consent;
    return html`<form class="card" @submit=${this.start}>
      <label
        >${t('people.name')}<input
          name="name"
          required
          maxlength="320"
          autocomplete="off"
          ?readonly=${this.given !== ''}
          .value=${this.name}
          @input=${(/** @type {any} */ event) => this.lookUp(event.target.value)}
      /></label>
      <p class="quiet" role="status">
        ${this.before ? t('people.enrol.before', { name: this.before.name, count: this.before.pictures }) : t('people.enrol.new')}
      </p>
      <fieldset>
        <legend>${t('people.consent.title')}</legend>
        <p>${t(this.choices.templatesOnly ? 'people.consent.text.templates' : 'people.consent.text')}</p>
        <p class="quiet">${t(required ? 'people.consent.required' : 'people.consent.optional')}</p>
        ${consentFields(required)}
        ${required ? html`<label class="check"><input type="checkbox" required /> ${t('people.consent.agreed')}</label>` : nothing}
      </fieldset>
      <p class="quiet">${t('people.enrol.nothing-stored')}</p>
      <button class="main" ?disabled=${this.working}>${t('people.enrol.begin')}</button>
    </form>`;
  }

  pictures() {
    const judge = (/** @type {Blob} */ picture, /** @type {string} */ source) => this.judge(picture, source);
    return html`
      <div class="row" role="group" aria-label=${t('people.enrol.way')}>
        ${ways.map(
          (way) => html`<button aria-pressed=${String(way === this.way)} @click=${() => (this.way = way)}>
            ${t(`people.enrol.way.${way}`)}
          </button>`,
        )}
      </div>
      ${this.way === 'camera' ? html`<enrol-camera .judge=${judge}></enrol-camera>` : nothing}
      ${
        this.way === 'upload'
          ? html`<enrol-upload
              .judge=${judge}
              .maxBytes=${this.choices.maxPictureBytes}
              @refused=${(/** @type {CustomEvent} */ { detail }) => this.keep(detail.file, detail.file.name, detail.outcome)}
            ></enrol-upload>`
          : nothing
      }
      ${
        this.way === 'door'
          ? html`<enrol-at-door .session=${this.session} @counted=${(/** @type {CustomEvent} */ { detail }) => (this.accepted = detail)}></enrol-at-door>`
          : nothing
      }
      <enrol-shots .shots=${this.shots} .name=${this.name.trim()}></enrol-shots>
      <div class="card enrol-end">
        <p role="status">${t('people.enrol.accepted', { count: this.accepted })}</p>
        <p class="quiet">${t(this.accepted < 3 ? 'people.enrol.more' : 'people.enrol.enough')}</p>
        <div class="row">
          <button class="main" ?disabled=${this.accepted === 0 || this.working} @click=${this.commit}>
            ${t(this.before ? 'people.enrol.add' : 'people.enrol.store', { name: this.name.trim() })}
          </button>
          <button @click=${this.again}>${t('people.enrol.abort')}</button>
        </div>
      </div>
    `;
  }

  done() {
    const { personId, pictures, leftOut } = this.stored;
    return html`<div class="card">
      <p class="notice good" role="status">${t('people.enrol.done', { name: this.name.trim(), count: pictures })}</p>
      ${leftOut.length > 0 ? html`<p>${t('people.enrol.left-out', { count: leftOut.length })}</p>` : nothing}
      <p>${t('people.enrol.try')}</p>
      <div class="row">
        <a class="button main" href=${`#/people/${personId}`}>${t('people.enrol.look')}</a>
        <button @click=${this.again}>${t('people.enrol.another')}</button>
      </div>
    </div>`;
  }
}
customElements.define('enrol-person', EnrolPerson);
