/** Timeline. */
import { html } from 'lit';
import { PageElement } from '../element.js';
import { t } from '../words.js';

class TimelineView extends PageElement {
  render() {
    return html`<h1 tabindex="-1">${t('nav.timeline')}</h1>`;
  }
}
customElements.define('timeline-view', TimelineView);
