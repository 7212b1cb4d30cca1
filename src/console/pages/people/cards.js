/** Everyone who is enrolled, in cards; admins also see who resembles whom. */
import { html, nothing } from 'lit';
import { ask } from '../api.js';
import { PageElement } from '../element.js';
import { listenTo } from '../live-stream.js';
import { said } from '../said.js';
import { agoText, t } from '../words.js';
import { stateTags } from './state.js';
import './face.js';

const pageSize = 24;
const typingMs = 250;
/** Of more people than this, resemblances are looked for only when somebody asks: it takes time of the door. */
const fewPeople = 100;

class PeopleCards extends PageElement {
  static properties = {
    ...{ isAdmin: {}, people: { state: true }, total: { state: true }, enrolled: { state: true } },
    ...{ search: { state: true }, problem: { state: true }, pairs: { state: true }, loading: { state: true } },
    looking: { state: true },
  };

  constructor() {
    super();
    this.isAdmin = false;
    /** @type {any[] | undefined} */
    this.people = undefined;
    this.total = 0;
    this.enrolled = 0;
    this.search = '';
    this.problem = '';
    /** Who resembles whom; undefined until it was looked for. @type {any[] | undefined} */
    this.pairs = undefined;
    this.looking = false;
    this.loading = false;
    this.typing = 0;
    /** Counts requests: the answer to an older one is late. */
    this.asked = 0;
  }

  connectedCallback() {
    super.connectedCallback();
    void this.load(0);
    // Somebody else enrols, removes or changes a person.
    this.until(listenTo('event', ({ kind }) => /^(person|consent)\./.test(kind) && void this.load(0)));
    this.until(() => clearTimeout(this.typing));
  }

  updated() {
    const isLooked = this.pairs || this.looking;
    if (this.isAdmin && !isLooked && this.enrolled > 1 && this.enrolled <= fewPeople) void this.lookForPairs();
  }

  async lookForPairs() {
    this.looking = true;
    this.pairs = (await ask('people.confusable').catch(() => ({ pairs: [] }))).pairs;
    this.looking = false;
  }

  /** @param {number} from */
  async load(from) {
    const number = ++this.asked;
    this.loading = true;
    try {
      const limit = from === 0 ? Math.max(pageSize, Math.min(this.people?.length ?? 0, 48)) : pageSize;
      const found = await ask('people.cards', { search: this.search, from, limit });
      if (number !== this.asked) return;
      this.people = from === 0 ? found.people : [...(this.people ?? []), ...found.people];
      this.total = found.total;
      this.enrolled = found.enrolled;
      this.problem = '';
    } catch (error) {
      if (number === this.asked) this.problem = said(error);
    } finally {
      if (number === this.asked) this.loading = false;
    }
  }

  /** @param {Event} event */
  typed(event) {
    this.search = /** @type {HTMLInputElement} */ (event.target).value;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.load(0), typingMs);
  }

  render() {
    return html`
      <div class="row people-head">
        <h1 tabindex="-1">${t('people.title')}</h1>
        ${this.isAdmin ? html`<a class="button main" href="#/people/enrol">${t('people.enrol')}</a>` : nothing}
      </div>
      ${this.problem ? html`<p class="notice bad" role="alert">${this.problem}</p>` : nothing}
      ${this.pairs?.map((pair) => this.pair(pair))} ${this.isAdmin && this.enrolled > fewPeople ? this.look() : nothing}
      <label>${t('people.search')}<input type="search" autocomplete="off" .value=${this.search} @input=${this.typed} /></label>
      <p class="quiet" role="status">${this.people ? this.count() : t('app.loading')}</p>
      ${this.people ? this.list(this.people) : nothing}
    `;
  }

  count() {
    if (this.enrolled === 0) return t('people.nobody');
    return this.search ? t('people.found', { count: this.total }) : t('people.count', { count: this.total });
  }

  /** @param {any[]} people */
  list(people) {
    if (this.enrolled === 0)
      return html`<div class="card people-empty">
        <p>${t(this.isAdmin ? 'people.empty.admin' : 'people.empty')}</p>
      </div>`;
    return html`<ul class="cards people-cards">
        ${people.map(
          (person) => html`<li>
            <a class="card person-card" href=${`#/people/${person.id}`}>
              <person-face .who=${person.id} .name=${person.name} .shown=${this.isAdmin && person.pictures > 0}></person-face>
              <span class="person-about">
                <strong>${person.name}</strong>
                <span class="quiet">
                  ${person.lastVisit ? t('people.last-visit', { ago: agoText(person.lastVisit) }) : t('people.no-visit')}
                </span>
              </span>
              ${stateTags(person)}
            </a>
          </li>`,
        )}
      </ul>
      ${
        people.length < this.total
          ? html`<p><button ?disabled=${this.loading} @click=${() => this.load(people.length)}>${t('people.more')}</button></p>`
          : nothing
      }`;
  }

  look() {
    return html`<p>
      <button ?disabled=${this.looking} @click=${this.lookForPairs}>${t('people.alike.look')}</button>
      <span role="status">${this.pairs?.length === 0 && !this.looking ? t('people.alike.none') : nothing}</span>
    </p>`;
  }

  /** @param {any} pair */
  pair({ people, passes }) {
    const [one, other] = people;
    return html`<section class="notice people-pair" aria-label=${t('people.alike.title')}>
      <span class="two-faces">
        ${people.map((/** @type {any} */ { id, name }) => html`<person-face .who=${id} .name=${name} .shown=${true}></person-face>`)}
      </span>
      <p>
        ${t(passes ? 'people.alike.passes' : 'people.alike.ambiguous', { one: one.name, other: other.name })}
        ${one.hasPinNeeded && other.hasPinNeeded ? t('people.alike.pins') : t('people.alike.remedy')}
        <a href=${`#/people/${one.id}`}>${one.name}</a>, <a href=${`#/people/${other.id}`}>${other.name}</a>
      </p>
    </section>`;
  }
}
customElements.define('people-cards', PeopleCards);
