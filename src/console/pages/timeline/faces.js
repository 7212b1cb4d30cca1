/** Faces that nobody has named, in groups of one person each: named with one click. */
import { html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { ask } from '../api.js';
import { PageElement } from '../element.js';
import { said } from '../said.js';
import { t, timeText } from '../words.js';

/** While the faces are being compared. Milliseconds. */
const againMs = 1000;

/** What was typed stays with its group. @param {any} pictures */
const keyOf = (pictures) => pictures[0]?.id;

class UnknownFaces extends PageElement {
  static properties = { me: {}, found: { state: true }, problem: { state: true }, said: { state: true }, busy: { state: true } };

  constructor() {
    super();
    /** @type {any} */
    this.me = undefined;
    /** As `unknown-faces.list` answers. @type {any} */
    this.found = undefined;
    this.problem = '';
    this.said = '';
    this.busy = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    void this.load();
    this.until(() => clearTimeout(this.timer));
  }

  async load() {
    try {
      this.found = await ask('unknown-faces.list');
      this.problem = '';
    } catch (error) {
      this.problem = said(error);
    }
    if (this.isConnected && (this.problem || this.found?.comparing))
      this.timer = setTimeout(() => this.load(), this.problem ? 5 * againMs : againMs);
  }

  render() {
    const { found, problem, said } = this;
    return html`<p class="quiet">${t('timeline.faces.intro')}</p>
      ${problem ? html`<p class="notice bad" role="alert">${problem}</p>` : nothing}
      ${said ? html`<p class="notice" role="status">${said}</p>` : nothing} ${found ? this.groups() : html`<p class="quiet">${t('timeline.loading')}</p>`}`;
  }

  groups() {
    const { comparing, groups, alone, unread, more } = this.found;
    if (!comparing && groups.length === 0 && alone.length === 0 && unread === 0)
      return html`<p class="card">${t('timeline.faces.empty')}</p>`;
    return html`${
      comparing
        ? html`<label class="meter" role="status"
            >${t('timeline.faces.busy', { done: comparing.done, total: comparing.total })}
            <progress max=${comparing.total} .value=${comparing.done}></progress
          ></label>`
        : nothing
    }
    ${repeat(groups, keyOf, (pictures, n) => this.group(/** @type {any} */ (pictures), n + 1))}
    ${alone.length > 0 ? html`<h2>${t('timeline.faces.no-group')}</h2>` : nothing}
    ${repeat(
      alone.map((/** @type {any} */ picture) => [picture]),
      keyOf,
      (pictures, n) => this.group(/** @type {any} */ (pictures), groups.length + n + 1),
    )}
    ${unread > 0 ? html`<p class="quiet">${t('timeline.faces.unread', { count: unread })}</p>` : nothing}
    ${more > 0 ? html`<p class="quiet">${t('timeline.faces.more', { count: groups.flat().length + alone.length + unread })}</p>` : nothing}`;
  }

  /** @param {{ id: string, takenAt: string, mark?: string }[]} pictures @param {number} n */
  group(pictures, n) {
    const when = timeText(pictures[0]?.takenAt ?? 0);
    return html`<section class="group card" aria-labelledby=${`group-${n}`}>
      <h2 id=${`group-${n}`}>${t('timeline.faces.group', { n, count: pictures.length, when })}</h2>
      <form @submit=${this.enrol}>
        <ul class="faces" aria-label=${t('timeline.faces.choose')}>
          ${pictures.map(
            ({ id, takenAt }) => html`<li>
              <label
                ><img src=${`api/v1/unknown-faces/${id}`} alt=${t('timeline.cover', { who: t('timeline.somebody'), time: timeText(takenAt) })} loading="lazy" width="160" height="120" />
                ${this.mayEnrol ? html`<input type="checkbox" name="picture" value=${id} checked />` : nothing} ${timeText(takenAt)}</label
              >
            </li>`,
          )}
        </ul>
        ${
          this.mayEnrol
            ? html`<div class="row">
                <label>${t('timeline.faces.name')} <input name="name" required maxlength="80" autocomplete="off" /></label>
                <label>${t('timeline.faces.consent')} <input name="consent" maxlength="64" pattern="[A-Za-z0-9._\\-]*" autocomplete="off" /></label>
                <button class="main" ?disabled=${this.busy}>${t('timeline.faces.submit')}</button>
              </div>`
            : nothing
        }
      </form>
    </section>`;
  }

  /** Whoever may enrol people. */
  get mayEnrol() {
    return this.me?.caller?.role === 'admin';
  }

  /** @param {SubmitEvent} event */
  async enrol(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const [name, version] = [String(form.get('name')), String(form.get('consent') ?? '')];
    Object.assign(this, { busy: true, said: '', problem: '' });
    try {
      const { pictures, refused } = await ask('unknown-faces.enrol', {
        name,
        pictures: form.getAll('picture'),
        ...(version && { consent: { version } }),
      });
      const [first] = refused;
      this.said = `${t('timeline.faces.enrolled', { who: name, count: pictures })} ${first ? t('timeline.faces.refused', { count: refused.length, detail: first.detail }) : ''}`;
      await this.load();
    } catch (error) {
      this.problem = said(error);
    } finally {
      this.busy = false;
    }
  }
}
customElements.define('unknown-faces', UnknownFaces);
