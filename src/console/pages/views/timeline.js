/** Timeline: what happened at the door; and the faces that nobody has named. */
import { html, nothing } from 'lit';
import { ask } from '../api.js';
import { PageElement } from '../element.js';
import { noFilter } from '../timeline/filter.js';
import '../timeline/list.js';
import { t } from '../words.js';

class TimelineView extends PageElement {
  static properties = { rest: {}, me: {}, people: { state: true }, filter: { state: true }, problem: { state: true } };

  constructor() {
    super();
    /** The address: `faces`, or `person/ID`. @type {string[]} */
    this.rest = [];
    /** @type {any} */
    this.me = undefined;
    /** @type {{ id: string, name: string }[]} */
    this.people = [];
    /** @type {import('../timeline/filter.js').Filter} */
    this.filter = noFilter;
    this.problem = '';
  }

  connectedCallback() {
    super.connectedCallback();
    void this.know();
  }

  async know() {
    try {
      const { people } = await ask('people.list');
      this.people = people.toSorted((/** @type {any} */ a, /** @type {any} */ b) => a.name.localeCompare(b.name));
    } catch {
      // A locked vault has no names: the timeline goes on without them.
      this.people = [];
    }
  }

  /** @param {import('lit').PropertyValues} changed */
  willUpdate(changed) {
    if (!changed.has('rest') || changed.get('rest')?.join('/') === this.rest.join('/')) return;
    const [part, id = ''] = this.rest;
    if (part === 'person') this.filter = { ...noFilter, person: id };
    if (part === 'faces') void import('../timeline/faces.js');
  }

  render() {
    const mayMark = this.me?.caller?.role !== 'viewer';
    const faces = this.rest[0] === 'faces' && mayMark;
    return html`<h1 tabindex="-1">${t(faces ? 'timeline.faces' : 'nav.timeline')}</h1>
      ${
        mayMark
          ? html`<nav class="parts" aria-label=${t('timeline.views')}>
              <a href="#/timeline" aria-current=${faces ? nothing : 'page'}>${t('nav.timeline')}</a>
              <a href="#/timeline/faces" aria-current=${faces ? 'page' : nothing}>${t('timeline.faces')}</a>
            </nav>`
          : nothing
      }
      ${
        faces
          ? html`<unknown-faces .me=${this.me}></unknown-faces>`
          : html`<timeline-filter
                .filter=${this.filter}
                .people=${this.people}
                .mayExport=${mayMark}
                @filtered=${(/** @type {CustomEvent} */ event) => (this.filter = event.detail)}
              ></timeline-filter>
              <timeline-list .filter=${this.filter} .people=${this.people} .mayMark=${mayMark}></timeline-list>`
      }`;
  }
}
customElements.define('timeline-view', TimelineView);
