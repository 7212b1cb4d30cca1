/**
 * The console: asks who is signed in, shows the sign-in or the view that the address names, and the way between them.
 */
import { html, nothing } from 'lit';
import { request, session } from './api.js';
import { PageElement } from './element.js';
import { listenTo } from './live-stream.js';
import './theme.js';
import { t } from './words.js';

/**
 * Each view: its module is loaded when it is shown; `role` says from which role on it is there.
 * @type {Readonly<Record<string, { load: () => Promise<unknown>, role?: 'viewer' | 'operator' | 'admin', show: (rest: string[], me: any) => unknown }>>}
 */
const views = {
  live: { load: () => import('./views/live.js'), show: (_rest, me) => html`<live-view .me=${me}></live-view>` },
  people: { load: () => import('./views/people.js'), show: (rest, me) => html`<people-view .rest=${rest} .me=${me}></people-view>` },
  timeline: {
    load: () => import('./views/timeline.js'),
    show: (rest, me) => html`<timeline-view .rest=${rest} .me=${me}></timeline-view>`,
  },
  learning: { load: () => import('./views/learning.js'), show: (_rest, me) => html`<learning-view .me=${me}></learning-view>` },
  system: { load: () => import('./views/system.js'), show: (rest, me) => html`<system-view .rest=${rest} .me=${me}></system-view>` },
  account: { load: () => import('./views/account.js'), show: (_rest, me) => html`<account-view .me=${me}></account-view>` },
};

/** The address's part after `#/`. */
const placeOf = () => location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);

class FacelatchConsole extends PageElement {
  static properties = { me: { state: true }, place: { state: true }, ready: { state: true }, connected: { state: true } };

  constructor() {
    super();
    /** Who is signed in, as `GET api/v1/session` says. @type {any} */
    this.me = undefined;
    this.place = placeOf();
    this.ready = '';
    this.connected = true;
    this.hears = false;
  }

  connectedCallback() {
    super.connectedCallback();
    const moved = () => this.goTo(placeOf());
    addEventListener('hashchange', moved);
    this.until(() => removeEventListener('hashchange', moved));
    session.onOver = () => void this.whoAmI();
    void this.whoAmI();
  }

  async whoAmI() {
    try {
      this.me = await request('session');
    } catch {
      this.me = { offline: true };
      setTimeout(() => this.whoAmI(), 3000);
      return;
    }
    if (!this.me.caller) await import('./views/sign-in.js');
    else {
      this.hears ||= this.hearConnection();
      await this.goTo(placeOf());
    }
    this.requestUpdate();
  }

  hearConnection() {
    this.until(listenTo('connection', (connected) => this.heardConnection(connected)));
    return true;
  }

  /** @param {boolean} connected */
  async heardConnection(connected) {
    this.connected = connected;
    if (connected) return;
    // Perhaps the session is over, and the door is there.
    const now = await request('session').catch(() => undefined);
    if (now && !now.caller) void this.whoAmI();
  }

  /** @param {string[]} place */
  async goTo(place) {
    this.place = place;
    if (!this.me?.caller) return;
    const name = place[0] && Object.hasOwn(views, place[0]) ? place[0] : 'live';
    await views[name]?.load();
    this.ready = name;
    await this.updateComplete;
    document.title = `${t(`nav.${name}`)} · ${this.me.door} · facelatch`;
    // Whoever hears the page learns that it has changed.
    if (place.length > 0) /** @type {HTMLElement | null} */ (this.querySelector('main h1'))?.focus();
  }

  render() {
    if (!this.me) return html`<p class="loading" role="status">${t('app.loading')}</p>`;
    if (this.me.offline) return html`<p class="loading" role="alert">${t('app.offline')}</p>`;
    if (!this.me.caller) return html`<sign-in .me=${this.me} @signed-in=${() => this.whoAmI()}></sign-in>`;
    return html`
      <a class="skip" href="#main" @click=${this.skip}>${t('app.skip')}</a>
      <header class="top">
        <a class="brand" href="#/live"><img src="page/icon.svg" alt="" width="28" height="28" />${this.me.door}</a>
        <nav aria-label=${t('app.navigation')}>
          ${Object.keys(views).map(
            (name) => html`<a href="#/${name}" aria-current=${name === this.ready ? 'page' : nothing}>
              <span class="icon icon-${name}" aria-hidden="true"></span>${t(`nav.${name}`)}</a
            >`,
          )}
        </nav>
      </header>
      ${this.connected ? nothing : html`<p class="banner" role="alert">${t('app.lost')}</p>`}
      <main id="main" tabindex="-1">${this.ready ? views[this.ready]?.show(this.place.slice(1), this.me) : nothing}</main>
    `;
  }

  /** @param {Event} event */
  skip(event) {
    event.preventDefault();
    /** @type {HTMLElement | null} */ (this.querySelector('main'))?.focus();
  }
}
customElements.define('facelatch-console', FacelatchConsole);
