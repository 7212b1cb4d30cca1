/** What of the timeline is shown: the form, and what it means to the API. */
import { html } from 'lit';
import { PageElement } from '../element.js';
import { t } from '../words.js';

/** What people choose → what `timeline.page` is asked for. @type {Readonly<Record<string, readonly string[] | undefined>>} */
const results = {
  default: undefined,
  attempts: ['opened', 'denied', 'asked'],
  opened: ['opened'],
  denied: ['denied'],
  requests: ['requests'],
  door: ['door'],
  alarms: ['alarms'],
  everything: ['everything'],
};

/** @typedef {{ result: string, person: string, since: string, until: string }} Filter `since`, `until`: days, local time */

/** @type {Filter} */
export const noFilter = { result: 'default', person: '', since: '', until: '' };

/** @param {Filter} filter arguments of `timeline.page` @returns {Record<string, unknown>} */
export function argsOf({ result, person, since, until }) {
  const show = results[result];
  const [from, to] = [startOf(since), endOf(until)];
  return { ...(show && { show }), ...(person && { person }), ...(from && { since: from }), ...(to && { until: to }) };
}

/** @param {string} day */
const startOf = (day) => (day ? new Date(`${day}T00:00:00`).toISOString() : '');
/** @param {string} day */
const endOf = (day) => (day ? new Date(`${day}T23:59:59.999`).toISOString() : '');

/** @param {Filter} filter the address of the same as a table */
function csvAddress(filter) {
  const args = Object.entries(argsOf(filter)).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : String(value)]);
  return `api/v1/timeline.csv?${new URLSearchParams(args)}`;
}

class TimelineFilter extends PageElement {
  static properties = { filter: {}, people: {}, mayExport: { type: Boolean } };

  constructor() {
    super();
    /** @type {Filter} */
    this.filter = noFilter;
    /** @type {readonly { id: string, name: string }[]} */
    this.people = [];
    this.mayExport = false;
  }

  render() {
    const { filter } = this;
    return html`<form class="filter card" aria-label=${t('timeline.filter')} @change=${this.changed} @submit=${this.changed}>
      <label
        >${t('timeline.result')}
        <select name="result">
          ${Object.keys(results).map((name) => html`<option value=${name} ?selected=${name === filter.result}>${t(`timeline.result.${name}`)}</option>`)}
        </select></label
      >
      <label
        >${t('timeline.person')}
        <select name="person">
          <option value="">${t('timeline.anybody')}</option>
          ${this.people.map(({ id, name }) => html`<option value=${id} ?selected=${id === filter.person}>${name}</option>`)}
        </select></label
      >
      <label>${t('timeline.since')} <input type="date" name="since" .value=${filter.since} max=${filter.until || '9999-12-31'} /></label>
      <label>${t('timeline.until')} <input type="date" name="until" .value=${filter.until} min=${filter.since || '0001-01-01'} /></label>
      ${this.mayExport ? html`<a class="button" href=${csvAddress(filter)} download>${t('timeline.export')}</a>` : ''}
    </form>`;
  }

  /** @param {Event} event */
  changed(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const filter = Object.fromEntries(['result', 'person', 'since', 'until'].map((name) => [name, String(form.get(name) ?? '')]));
    this.dispatchEvent(new CustomEvent('filtered', { detail: filter }));
  }
}
customElements.define('timeline-filter', TimelineFilter);
