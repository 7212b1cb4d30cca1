/** Account. */
import { html } from 'lit';
import { PageElement } from '../element.js';
import { t } from '../words.js';

class AccountView extends PageElement {
  render() {
    return html`<h1 tabindex="-1">${t('nav.account')}</h1>`;
  }
}
customElements.define('account-view', AccountView);
