/** People: everyone in cards, one person, and enrolment, by what the address says after `#/people/`. */
import { html, nothing } from 'lit';
import { request } from '../api.js';
import { PageElement } from '../element.js';
import '../people/cards.js';
import '../people/enrol.js';
import '../people/person.js';
import { t } from '../words.js';

class PeopleView extends PageElement {
  static properties = { rest: {}, me: {} };

  constructor() {
    super();
    /** @type {string[]} */
    this.rest = [];
    /** Who is signed in. @type {any} */
    this.me = undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    if (!this.me) void this.whoAmI();
  }

  async whoAmI() {
    this.me = await request('session').catch(() => ({}));
  }

  render() {
    const isAdmin = this.me?.caller?.role === 'admin';
    const [first = '', second = ''] = this.rest;
    if (first === '') return html`<people-cards .isAdmin=${isAdmin}></people-cards>`;
    if (first !== 'enrol') return html`<person-page .who=${first} .isAdmin=${isAdmin}></person-page>`;
    if (!this.me) return nothing;
    return isAdmin
      ? html`<enrol-person .given=${second}></enrol-person>`
      : html`<h1 tabindex="-1">${t('people.enrol.title')}</h1><p class="notice" role="alert">${t('people.admin-only')}</p>`;
  }
}
customElements.define('people-view', PeopleView);
