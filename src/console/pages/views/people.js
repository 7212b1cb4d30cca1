/** People. */
import { html } from 'lit';
import { PageElement } from '../element.js';
import { t } from '../words.js';

class PeopleView extends PageElement {
  render() {
    return html`<h1 tabindex="-1">${t('nav.people')}</h1>`;
  }
}
customElements.define('people-view', PeopleView);
