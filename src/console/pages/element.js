/**
 * The base of every part of the page: lit without a shadow, so that one style sheet and one tree of headings and labels
 * hold for all of it.
 */
import { LitElement } from 'lit';

export class PageElement extends LitElement {
  createRenderRoot() {
    return this;
  }

  /** What ends when the element goes. @type {(() => void)[]} */
  #ends = [];

  /** @param {() => void} end */
  until(end) {
    this.#ends.push(end);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    for (const end of this.#ends.splice(0)) end();
  }
}
