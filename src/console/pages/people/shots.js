/** The pictures of an enrolment so far, each with what the door said of it; look-alikes side by side. */
import { html, nothing } from 'lit';
import { PageElement } from '../element.js';
import { t } from '../words.js';
import './face.js';

/**
 * @typedef {object} Shot
 * @property {string} url of the picture in this browser
 * @property {string} source
 * @property {any} outcome what the door answered
 * @property {any} like the enrolled person whom it resembles
 */

/** Why a picture was refused, in words. @param {any} outcome */
export const verdictText = ({ accepted, reasons = [] }) =>
  accepted ? t('people.verdict.good') : reasons.map((/** @type {string} */ reason) => t(`people.reason.${reason}`)).join(' ');

class EnrolShots extends PageElement {
  static properties = { shots: {}, name: {} };

  constructor() {
    super();
    /** @type {Shot[]} */
    this.shots = [];
    this.name = '';
  }

  render() {
    if (this.shots.length === 0) return nothing;
    const alike = this.shots.filter(({ like }) => like);
    return html`
      <h2>${t('people.shots.title')}</h2>
      <ul class="people-shots">
        ${this.shots.map(
          ({ url, source, outcome }) => html`<li class=${outcome.accepted ? 'good' : 'bad'}>
            <span class="shot">${url ? html`<img src=${url} alt=${source} />` : nothing}</span>
            <span class=${`tag ${outcome.accepted ? 'good' : 'bad'}`}>${t(outcome.accepted ? 'people.verdict.taken' : 'people.verdict.refused')}</span>
            <span>${verdictText(outcome)}</span>
            ${outcome.accepted || !outcome.detail ? nothing : html`<details><summary>${t('people.verdict.more')}</summary>${outcome.detail}</details>`}
          </li>`,
        )}
      </ul>
      ${alike.slice(-1).map((shot) => this.pair(shot))}
    `;
  }

  /** @param {Shot} shot */
  pair({ url, outcome, like }) {
    const same = outcome.reasons.includes('already-enrolled');
    return html`<section class="notice people-pair" role="alert">
      <span class="two-faces">
        <span class="face"><img src=${url} alt=${t('people.alike.this')} /></span>
        <person-face .who=${like.id} .name=${like.name} .shown=${true}></person-face>
      </span>
      <p>
        ${t(same ? 'people.alike.same' : 'people.alike.too', { name: this.name, like: like.name })}
        <a href=${`#/people/${like.id}`}>${like.name}</a>
      </p>
    </section>`;
  }
}
customElements.define('enrol-shots', EnrolShots);
