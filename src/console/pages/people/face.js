/** A person's face, small and round: their first picture for admins, else their initials. */
import { html, nothing } from 'lit';
import { PageElement } from '../element.js';

/** @param {string} name */
const initials = (name) =>
  name
    .split(/\s+/)
    .map((word) => [...word][0] ?? '')
    .filter((letter) => letter !== '')
    .slice(0, 2)
    .join('')
    .toUpperCase();

class PersonFace extends PageElement {
  static properties = { who: {}, name: {}, shown: {}, failed: { state: true } };

  constructor() {
    super();
    this.who = '';
    this.name = '';
    /** Whether the picture may be shown. */
    this.shown = false;
    this.failed = false;
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has('who')) this.failed = false;
  }

  render() {
    return html`<span class="face" aria-hidden="true">
      ${initials(this.name)}
      ${
        this.shown && this.who && !this.failed
          ? html`<img src=${`api/v1/people/${this.who}/face`} alt="" loading="lazy" @error=${() => (this.failed = true)} />`
          : nothing
      }
    </span>`;
  }
}
customElements.define('person-face', PersonFace);
