/** Live. */
import { html } from 'lit';
import { PageElement } from '../element.js';
import { t } from '../words.js';

class LiveView extends PageElement {
  render() {
    return html`<h1 tabindex="-1">${t('nav.live')}</h1>`;
  }
}
customElements.define('live-view', LiveView);
