/** What is held of a person, as an encrypted file to give to them. */
import { html, nothing } from 'lit';
import { requestFile } from '../api.js';
import { PageElement } from '../element.js';
import { said } from '../said.js';
import { t } from '../words.js';

class PersonExport extends PageElement {
  static properties = { person: {}, way: { state: true }, problem: { state: true }, done: { state: true }, working: { state: true } };

  constructor() {
    super();
    /** @type {any} */
    this.person = undefined;
    this.way = 'passphrase';
    this.problem = '';
    this.done = '';
    this.working = false;
  }

  /** @param {SubmitEvent} event */
  async write(event) {
    event.preventDefault();
    this.problem = '';
    this.done = '';
    const form = /** @type {HTMLFormElement} */ (event.target);
    const typed = new FormData(form);
    const to = String(typed.get('to') ?? '');
    if (this.way === 'passphrase' && to !== String(typed.get('again'))) {
      this.problem = t('people.export.differ');
      return;
    }
    this.working = true;
    try {
      const lock = this.way === 'passphrase' ? { passphrase: to } : { recipients: to.split(/[\s,]+/).filter((one) => one !== '') };
      this.save(await requestFile(`people/${this.person.id}/export`, { method: 'POST', body: lock }));
      form.reset();
      this.done = t('people.export.done');
    } catch (error) {
      this.problem = said(error);
    } finally {
      this.working = false;
    }
  }

  /** @param {Blob} file */
  save(file) {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(file);
    link.download = `${this.person.name.replaceAll(/[^\p{L}\p{N} ._-]/gu, '_')}.zip.age`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  render() {
    const byPassphrase = this.way === 'passphrase';
    return html`<section class="card">
      <h2>${t('people.export.title')}</h2>
      <p class="quiet">${t('people.export.about')}</p>
      <form @submit=${this.write}>
        <label
          >${t('people.export.way')}<select @change=${(/** @type {any} */ event) => (this.way = event.target.value)}>
            <option value="passphrase">${t('people.export.passphrase')}</option>
            <option value="recipients">${t('people.export.recipients')}</option>
          </select></label
        >
        ${
          byPassphrase
            ? html`<div class="people-fields">
                <label
                  >${t('people.export.passphrase')}<input type="password" name="to" required minlength="12" maxlength="1024" autocomplete="new-password"
                /></label>
                <label
                  >${t('people.export.again')}<input type="password" name="again" required maxlength="1024" autocomplete="new-password"
                /></label>
              </div>`
            : html`<label>${t('people.export.recipients')}<input name="to" required placeholder="age1…" autocomplete="off" /></label>`
        }
        ${this.problem ? html`<p class="notice bad" role="alert">${this.problem}</p>` : nothing}
        <p class="notice good" role="status" ?hidden=${!this.done}>${this.done}</p>
        <button class="main" ?disabled=${this.working}>${t(this.working ? 'people.export.working' : 'people.export.write')}</button>
      </form>
    </section>`;
  }
}
customElements.define('person-export', PersonExport);
