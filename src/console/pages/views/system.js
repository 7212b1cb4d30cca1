/** System: how the parts of the door stand, its camera, its settings, its checks and its log. */
import { html, nothing } from 'lit';
import { PageElement } from '../element.js';
import { t } from '../words.js';

/**
 * `load`: what is needed for a part that is not the first; `role`: who may see it.
 * @type {Readonly<Record<string, { load?: () => Promise<unknown>, role?: string, show: (me: any) => unknown }>>}
 */
const parts = {
  overview: { load: () => import('../system/overview.js'), show: (me) => html`<system-overview .me=${me}></system-overview>` },
  camera: { load: () => import('../system/camera.js'), show: () => html`<system-camera></system-camera>` },
  settings: { load: () => import('../system/settings.js'), show: (me) => html`<system-settings .me=${me}></system-settings>` },
  doctor: { load: () => import('../system/doctor.js'), role: 'admin', show: () => html`<system-doctor></system-doctor>` },
  log: { load: () => import('../system/log.js'), role: 'admin', show: () => html`<system-log></system-log>` },
};

class SystemView extends PageElement {
  static properties = { rest: {}, me: {}, ready: { state: true } };

  constructor() {
    super();
    /** @type {string[]} */
    this.rest = [];
    /** @type {any} */
    this.me = undefined;
    /** The part that is loaded. */
    this.ready = '';
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has('rest')) void this.goTo(this.rest[0] ?? '');
  }

  /** @param {string} wanted */
  async goTo(wanted) {
    const name = this.may(wanted) ? wanted : 'overview';
    await parts[name]?.load?.();
    this.ready = name;
  }

  /** @param {string} name */
  may(name) {
    return Object.hasOwn(parts, name) && (parts[name]?.role === undefined || parts[name]?.role === this.me?.caller?.role);
  }

  render() {
    return html`<h1 tabindex="-1">${t('nav.system')}</h1>
      <nav class="parts" aria-label=${t('system.parts')}>
        ${Object.keys(parts)
          .filter((name) => this.may(name))
          .map(
            (name) => html`<a href="#/system/${name}" aria-current=${name === this.ready ? 'page' : nothing}>${t(`system.${name}`)}</a>`,
          )}
        <a href="api/docs/" target="_blank" rel="noopener">${t('system.api')}</a>
      </nav>
      ${this.ready === '' ? nothing : parts[this.ready]?.show(this.me)}`;
  }
}
customElements.define('system-view', SystemView);
