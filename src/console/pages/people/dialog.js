/** A dialog of the page: its title, what it says, what can be done; it closes with Escape. */
import { html } from 'lit';
import { PageElement } from '../element.js';

export class DialogElement extends PageElement {
  static properties = { open: { state: true } };

  constructor() {
    super();
    this.open = false;
  }

  updated() {
    const dialog = /** @type {HTMLDialogElement | null} */ (this.querySelector('dialog'));
    if (dialog && this.open && !dialog.open) dialog.showModal();
    if (dialog && !this.open && dialog.open) dialog.close();
  }

  /** @param {string} title @param {unknown} content */
  dialog(title, content) {
    return html`<dialog aria-label=${title} @close=${() => (this.open = false)}>
      <h2>${title}</h2>
      ${content}
    </dialog>`;
  }
}
