/** System. */
import { html } from 'lit';
import { PageElement } from '../element.js';
import { t } from '../words.js';

class SystemView extends PageElement {
  render() {
    return html`<h1 tabindex="-1">${t('nav.system')}</h1>`;
  }
}
customElements.define('system-view', SystemView);
