/** Live: what the door sees, what it makes of it, how it stands, and its lock for who may. */
import { html, nothing } from 'lit';
import { ask } from '../api.js';
import { PageElement } from '../element.js';
import '../live/own-camera.js';
import '../live/picture.js';
import { whoText } from '../live/picture.js';
import { listenTo } from '../live-stream.js';
import { said } from '../said.js';
import { decimalText, titleOf } from '../timeline/entry-words.js';
import { clockText, has, t } from '../words.js';

const mostEvents = 12;
/** What somebody wants to know who looks at the door now. */
const shown = new Set([
  ...['access.granted', 'access.denied', 'access.pending', 'access.challenged', 'access.stopped', 'access.resumed', 'pin.accepted'],
  ...['lockout.started', 'lockout.ended', 'request.granted', 'request.refused', 'relay.failed', 'hold.ended'],
  ...['door.opened', 'door.closed', 'door.forced-open', 'door.held-open', 'tamper.raised', 'tamper.cleared'],
  ...['camera.failed', 'camera.restored', 'person.enrolled', 'person.removed'],
]);

class LiveView extends PageElement {
  static properties = {
    me: {},
    moment: { state: true },
    state: { state: true },
    events: { state: true },
    problem: { state: true },
    done: { state: true },
    minutes: { state: true },
  };

  constructor() {
    super();
    /** @type {any} */
    this.me = undefined;
    /** @type {any} */
    this.moment = undefined;
    /** @type {any} */
    this.state = undefined;
    /** Newest first. @type {any[]} */
    this.events = [];
    this.problem = '';
    this.done = '';
    this.minutes = 5;
  }

  connectedCallback() {
    super.connectedCallback();
    this.until(listenTo('moment', (moment) => (this.moment = moment)));
    this.until(listenTo('state', (state) => (this.state = state)));
    this.until(listenTo('event', (event) => this.heard(event)));
  }

  /** @param {any} event */
  heard(event) {
    if (shown.has(event.kind)) this.events = [event, ...this.events].slice(0, mostEvents);
  }

  /** @param {string} name @param {object} [args] */
  async command(name, args = {}) {
    this.problem = '';
    this.done = '';
    try {
      await ask(name, args);
      this.done = t(`live.done.${name}`);
    } catch (error) {
      this.problem = said(error);
    }
  }

  render() {
    return html`<h1 tabindex="-1">${t('nav.live')}</h1>
      <div class="live">
        <section aria-labelledby="live-camera">
          <h2 id="live-camera" class="visually-hidden">${t('live.camera')}</h2>
          <live-picture .moment=${this.moment}></live-picture>
          ${this.verdict()}
          ${this.state?.ownCamera && this.me?.caller?.role === 'admin' ? html`<own-camera></own-camera>` : nothing}
        </section>
        <section class="side" aria-labelledby="live-door">
          <h2 id="live-door">${t('live.door')}</h2>
          ${this.standing()} ${this.controls()}
          <h2>${t('live.happened')}</h2>
          <ul class="events" aria-live="polite" aria-relevant="additions">
            ${this.events.map((event) => this.eventLine(event))}
          </ul>
          ${this.events.length === 0 ? html`<p class="quiet">${t('live.quiet')}</p>` : nothing}
        </section>
      </div>`;
  }

  /** What the door makes of the face before it. */
  verdict() {
    const { moment } = this;
    if (!moment) return html`<p class="quiet" role="status">${t('live.waiting')}</p>`;
    const [face] = moment.faces;
    return html`<div class="verdict card">
      <p class="who"><strong>${whoText(moment)}</strong></p>
      ${moment.likeness === undefined ? nothing : this.likeness(moment)}
      ${face?.quality.map((/** @type {string} */ reason) => html`<p class="tag warn">${t(`quality.${reason}`)}</p>`)}
      ${moment.live?.score === undefined ? nothing : html`<p class=${`tag ${moment.live.score > 0 ? 'good' : 'warn'}`}>${t(moment.live.score > 0 ? 'live.alive' : 'live.not-alive')}</p>`}
    </div>`;
  }

  /** In logits, as in the timeline: of probabilities both are 100 %. @param {any} moment */
  likeness(moment) {
    const [likeness, threshold] = [logitOf(moment.likeness), logitOf(moment.threshold)];
    const most = Math.max(2 * threshold, threshold + 10);
    return html`<label class="meter"
      >${t('live.likeness', { likeness: decimalText(likeness), threshold: decimalText(threshold) })}
      <meter min="0" max=${most} low=${threshold} high=${threshold} optimum=${most} .value=${Math.max(0, likeness)}></meter
    ></label>`;
  }

  standing() {
    const { state } = this;
    if (!state) return html`<p class="quiet">${t('app.loading')}</p>`;
    /** @param {string} text @param {string} kind */
    const tag = (text, kind) => html`<span class=${`tag ${kind}`}>${text}</span>`;
    return html`<p class="row" role="status">
        ${tag(t(`live.lock.${state.lock}`), state.lock === 'locked' ? 'good' : state.lock === 'released' ? 'warn' : 'bad')}
        ${tag(t(state.armed ? 'live.armed' : 'live.disarmed'), state.armed ? 'good' : 'warn')}
        ${state.contact === 'none' ? nothing : tag(t(`live.contact.${state.contact}`), state.contact === 'closed' ? 'good' : 'warn')}
        ${tag(t(`live.camera.${state.camera}`), state.camera === 'running' ? 'good' : 'bad')}
        ${state.faceStopped ? tag(t('live.face-stopped'), 'bad') : nothing} ${state.lockedOut ? tag(t('live.locked-out'), 'warn') : nothing}
        ${state.tampered ? tag(t('live.tampered'), 'bad') : nothing}
      </p>
      ${state.prompt === 'none' ? nothing : html`<p class="notice">${this.prompt(state.prompt)}</p>`}
      ${state.vaultLocked ? html`<p class="notice bad">${state.vaultLocked} <a href="#/system/vault">${t('live.unlock')}</a></p>` : nothing}
      ${state.galleryDown ? html`<p class="notice bad">${state.galleryDown}</p>` : nothing}`;
  }

  /** What the door waits for. @param {string} prompt */
  prompt(prompt) {
    const isNeeded = has(`timeline.needs.${prompt}`);
    return t('live.waits', { what: t(isNeeded ? `timeline.needs.${prompt}` : `timeline.challenge.${prompt}`) });
  }

  controls() {
    if (this.me?.caller?.role === 'viewer') return nothing;
    const { state } = this;
    return html`<div class="row controls">
        <button class="main" @click=${() => this.command('door.open')}>${t('live.open')}</button>
        <button @click=${() => this.command(state?.armed ? 'disarm' : 'arm')}>${t(state?.armed ? 'live.disarm' : 'live.arm')}</button>
        ${state?.lockedOut || state?.faceStopped ? html`<button @click=${() => this.command('lockout.reset')}>${t('live.reset')}</button>` : nothing}
      </div>
      <div class="row controls">
        <label class="minutes"
          >${t('live.hold-minutes')}<input
            type="number"
            min="1"
            max="480"
            .value=${String(this.minutes)}
            @change=${(/** @type {any} */ event) => (this.minutes = Math.min(480, Math.max(1, Number(event.target.value) || 1)))}
        /></label>
        <button @click=${() => this.command('door.hold', { durationMs: this.minutes * 60_000 })}>${t('live.hold')}</button>
        <button @click=${() => this.command('door.release')}>${t('live.release')}</button>
      </div>
      <p role="alert" class=${this.problem ? 'notice bad' : ''}>${this.problem}</p>
      <p role="status" class=${this.done ? 'notice good' : ''}>${this.done}</p>`;
  }

  /** @param {any} event */
  eventLine(event) {
    return html`<li class=${event.kind === 'access.granted' ? 'granted' : event.kind === 'access.denied' ? 'denied' : ''}>
      <time datetime=${event.at ?? ''}>${event.at ? clockText(event.at) : ''}</time> ${titleOf(event, event.names ?? {})}
    </li>`;
  }
}
customElements.define('live-view', LiveView);

/** As far as a probability tells. @param {number} probability */
const logitOf = (probability) => Math.log(Math.max(probability, 1e-15) / Math.max(1 - probability, 1e-15));
