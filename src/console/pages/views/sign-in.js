/** Signing in, and joining by a link. */
import { html } from 'lit';
import { PageElement } from '../element.js';
import { t } from '../words.js';

class SignIn extends PageElement {
  render() {
    return html`<main><h1>${t('sign-in.title')}</h1></main>`;
  }
}
customElements.define('sign-in', SignIn);
