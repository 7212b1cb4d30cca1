/** Learning. */
import { html } from 'lit';
import { PageElement } from '../element.js';
import { t } from '../words.js';

class LearningView extends PageElement {
  render() {
    return html`<h1 tabindex="-1">${t('nav.learning')}</h1>`;
  }
}
customElements.define('learning-view', LearningView);
