/** Enrolment at the door: its camera takes the pictures, and this page says what the person should do now. */
import { html, nothing } from 'lit';
import { ask } from '../api.js';
import { PageElement } from '../element.js';
import { listenTo } from '../live-stream.js';
import { said } from '../said.js';
import { has, t } from '../words.js';
import { verdictText } from './shots.js';

/** What the door says, by the text that it uses. */
const prompts = new Map([
  ['Look straight at the camera', 'straight'],
  ['Turn your head a little to the left', 'left'],
  ['Turn your head a little to the right', 'right'],
  ['Lift your chin a little', 'up'],
  ['Lower your chin a little', 'down'],
]);

/** @param {string} prompt */
function promptText(prompt) {
  const key = `people.pose.${prompts.get(prompt)}`;
  return has(key) ? t(key) : prompt;
}

class EnrolAtDoor extends PageElement {
  static properties = {
    ...{ session: {}, status: { state: true }, problem: { state: true }, moment: { state: true }, wanted: { state: true } },
  };

  constructor() {
    super();
    this.session = '';
    /** @type {any} */
    this.status = undefined;
    this.problem = '';
    /** @type {any} */
    this.moment = undefined;
    this.wanted = 5;
  }

  connectedCallback() {
    super.connectedCallback();
    this.until(listenTo('enrolment', (status) => this.heard(status)));
    this.until(listenTo('moment', (moment) => (this.moment = moment)));
  }

  /** @param {any} status */
  heard(status) {
    if (status.session !== this.session) return;
    this.status = status;
    this.dispatchEvent(new CustomEvent('counted', { detail: status.pictures }));
  }

  async take() {
    this.problem = '';
    try {
      this.heard(await ask('enrol.take', { session: this.session, count: this.wanted }));
    } catch (error) {
      this.problem = said(error);
    }
  }

  render() {
    const { status } = this;
    const taking = status?.state === 'taking';
    return html`<section class="card" aria-label=${t('people.enrol.way.door')}>
      <p>${t('people.door.about')}</p>
      ${
        this.moment
          ? html`<img class=${`enrol-door turn-${this.moment.turn}`} src=${`api/v1/live/${this.moment.n}`} alt=${t('people.door.picture')} />`
          : nothing
      }
      <p class="pose" aria-live="assertive">${taking && status.prompt ? html`<strong>${promptText(status.prompt)}</strong>` : nothing}</p>
      <p class=${`verdict ${status?.last ? (status.last.accepted ? 'good' : 'bad') : ''}`} role="status">
        ${status?.last ? verdictText(status.last) : nothing}
      </p>
      ${status?.problem ? html`<p class="notice bad" role="alert">${t('people.door.fewer', { why: status.problem })}</p>` : nothing}
      ${this.problem ? html`<p class="notice bad" role="alert">${this.problem}</p>` : nothing}
      <div class="row">
        <label
          >${t('people.door.count')}<input
            type="number"
            min="1"
            max="20"
            .value=${String(this.wanted)}
            @input=${(/** @type {any} */ event) => (this.wanted = Math.min(20, Math.max(1, Number(event.target.value) || 5)))}
        /></label>
        <button class="main" ?disabled=${taking} @click=${this.take}>${t(taking ? 'people.door.taking' : 'people.door.take')}</button>
      </div>
    </section>`;
  }
}
customElements.define('enrol-at-door', EnrolAtDoor);
