/** The pictures that a person is enrolled with; each can be removed but the last. */
import { html, nothing } from 'lit';
import { ask } from '../api.js';
import { said } from '../said.js';
import { t, timeText } from '../words.js';
import { DialogElement } from './dialog.js';

class PersonPictures extends DialogElement {
  static properties = {
    ...DialogElement.properties,
    ...{ person: {}, pictures: { state: true }, chosen: { state: true }, problem: { state: true }, missing: { state: true } },
  };

  constructor() {
    super();
    /** @type {any} */
    this.person = undefined;
    /** @type {any[] | undefined} */
    this.pictures = undefined;
    /** The one that is looked at. @type {any} */
    this.chosen = undefined;
    this.problem = '';
    /** Ids of those that are not kept. @type {ReadonlySet<string>} */
    this.missing = new Set();
    this.shownOf = '';
  }

  /** @param {Map<string, unknown>} _changed */
  willUpdate(_changed) {
    const of = `${this.person.id} ${this.person.pictures}`;
    if (of === this.shownOf) return;
    this.shownOf = of;
    void this.load();
  }

  async load() {
    try {
      this.pictures = (await ask('people.pictures', { person: this.person.id })).pictures;
    } catch (error) {
      this.problem = said(error);
    }
  }

  async remove() {
    this.problem = '';
    try {
      await ask('people.picture.remove', { person: this.person.id, picture: this.chosen.id });
      this.open = false;
      this.dispatchEvent(new CustomEvent('changed'));
      await this.load();
    } catch (error) {
      this.problem = said(error);
    }
  }

  /** @param {any} picture */
  look(picture) {
    this.chosen = picture;
    this.problem = '';
    this.open = true;
  }

  render() {
    const all = this.pictures ?? [];
    return html`<section class="card">
      <h2>${t('people.pictures.title')}</h2>
      <ul class="people-shots">
        ${all.map(
          (picture, i) => html`<li>
            <button class="shot" @click=${() => this.look(picture)} aria-label=${t('people.pictures.look', { number: i + 1 })}>
              ${this.missing.has(picture.id) ? html`<span class="quiet">${t('people.pictures.not-kept')}</span>` : this.image(picture, true)}
            </button>
            <span class="quiet">${picture.source}</span>
          </li>`,
        )}
      </ul>
      <p><a class="button" href=${`#/people/enrol/${this.person.id}`}>${t('people.pictures.add')}</a></p>
      ${this.problem && !this.open ? html`<p class="notice bad" role="alert">${this.problem}</p>` : nothing}
      ${this.chosen ? this.dialog(t('people.pictures.one'), this.one(this.chosen, all.length)) : nothing}
    </section>`;
  }

  /** @param {any} picture @param {boolean} small */
  image({ id }, small) {
    return html`<img
      src=${`api/v1/people/${this.person.id}/pictures/${id}${small ? '?small=1' : ''}`}
      alt=${t('people.pictures.of', { name: this.person.name })}
      loading="lazy"
      @error=${() => (this.missing = new Set([...this.missing, id]))}
    />`;
  }

  /** @param {any} picture @param {number} count */
  one(picture, count) {
    return html`
      ${this.open && !this.missing.has(picture.id) ? this.image(picture, false) : nothing}
      <p>${t('people.pictures.added', { source: picture.source, time: timeText(picture.addedAt) })}</p>
      ${count === 1 ? html`<p class="quiet">${t('people.pictures.last')}</p>` : nothing}
      ${this.problem ? html`<p class="notice bad" role="alert">${this.problem}</p>` : nothing}
      <div class="row">
        <button @click=${() => (this.open = false)}>${t('people.close')}</button>
        <button class="danger" ?disabled=${count === 1} @click=${this.remove}>${t('people.pictures.remove')}</button>
      </div>
    `;
  }
}
customElements.define('person-pictures', PersonPictures);
