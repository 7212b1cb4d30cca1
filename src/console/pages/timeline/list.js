/**
 * The list of the timeline: pages of `timeline.page`, older ones as the end comes into view or its button is pushed, new
 * ones at the top as the door tells of them.
 */
import { html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { ask } from '../api.js';
import { PageElement } from '../element.js';
import { listenTo } from '../live-stream.js';
import { said } from '../said.js';
import { language, t } from '../words.js';
import './entry.js';
import { argsOf, noFilter } from './filter.js';

const perPage = 40;
/** After an event, so that several at once are asked for together. Milliseconds. */
const newsMs = 250;
/** Pages in a row that held nothing, before somebody must ask for more. */
const mostEmpty = 40;

const dayForm = new Intl.DateTimeFormat(language, { dateStyle: 'full' });

class TimelineList extends PageElement {
  static properties = {
    filter: {},
    people: {},
    mayMark: { type: Boolean },
    entries: { state: true },
    next: { state: true },
    phase: { state: true },
    problem: { state: true },
    news: { state: true },
  };

  constructor() {
    super();
    /** @type {import('./filter.js').Filter} */
    this.filter = noFilter;
    /** @type {readonly { id: string, name: string }[]} */
    this.people = [];
    this.mayMark = false;
    /** Newest first. @type {any[]} */
    this.entries = [];
    /** @type {Record<string, string>} */
    this.names = {};
    /** `before` of the next page; undefined at the beginning of the journal. @type {number | undefined} */
    this.next = undefined;
    /** @type {'loading' | 'ready'} */
    this.phase = 'loading';
    this.problem = '';
    this.news = 0;
    /** @type {AbortController} */
    this.asking = new AbortController();
    /** @type {Set<number>} */
    this.changed = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    this.until(listenTo('event', (event) => this.heard(event)));
    this.until(listenTo('connection', (connected) => connected && this.entries.length > 0 && this.refreshSoon()));
    this.until(() => this.asking.abort());
    this.until(() => clearTimeout(this.timer));
    this.addEventListener('marked', (event) => this.isChanged(/** @type {CustomEvent} */ (event).detail));
    const seen = new IntersectionObserver((all) => all.some(({ isIntersecting }) => isIntersecting) && this.more(), {
      rootMargin: '600px',
    });
    this.observer = seen;
    this.until(() => seen.disconnect());
  }

  /** @param {import('lit').PropertyValues} changed */
  willUpdate(changed) {
    if (changed.has('filter')) void this.begin();
  }

  updated() {
    // Each time again: an end that is still in view after a page is told of only then.
    this.observer?.disconnect();
    const end = this.querySelector('.earlier');
    if (end && this.phase === 'ready' && !this.problem) this.observer?.observe(end);
  }

  async begin() {
    this.asking.abort();
    this.asking = new AbortController();
    Object.assign(this, { entries: [], names: {}, next: undefined, news: 0, problem: '' });
    await this.load({});
  }

  async more() {
    if (this.phase === 'ready' && this.next !== undefined) await this.load({ before: this.next });
  }

  /** @param {{ before?: number }} from */
  async load(from) {
    const { signal } = this.asking;
    this.phase = 'loading';
    this.problem = '';
    try {
      let page = await ask('timeline.page', { ...argsOf(this.filter), ...from, limit: perPage }, signal);
      for (let empty = 1; page.entries.length === 0 && page.next !== undefined && empty < mostEmpty; empty++)
        page = await ask('timeline.page', { ...argsOf(this.filter), before: page.next, limit: perPage }, signal);
      if (signal.aborted) return;
      this.names = { ...this.names, ...page.names };
      this.entries = [...this.entries, ...page.entries];
      this.next = page.next;
    } catch (error) {
      if (signal.aborted) return;
      this.problem = said(error);
    }
    this.phase = 'ready';
  }

  /** @param {any} event */
  heard(event) {
    // Pictures are kept behind the decision, and marks are made by others too.
    const of = event.keptSeq ?? event.markedSeq;
    if (of !== undefined) this.changed.add(of);
    this.refreshSoon();
  }

  /** @param {number} seq */
  isChanged(seq) {
    this.changed.add(seq);
    this.refreshSoon();
  }

  refreshSoon() {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.refresh();
    }, newsMs);
  }

  /** What is new at the top, and what of the shown entries changed. */
  async refresh() {
    const { signal } = this.asking;
    if (this.phase === 'loading' && this.entries.length === 0) return this.refreshSoon();
    const changed = [...this.changed].filter((seq) => this.entries.some((entry) => entry.seq === seq));
    this.changed.clear();
    try {
      const args = argsOf(this.filter);
      const top = await ask('timeline.page', { ...args, after: this.entries[0]?.seq ?? 0, limit: 200 }, signal);
      const again = await Promise.all(
        changed.map((seq) => ask('timeline.page', { ...args, after: seq - 1, before: seq + 1, limit: 1 }, signal)),
      );
      if (signal.aborted) return;
      for (const { names } of [top, ...again]) this.names = { ...this.names, ...names };
      const replaced = new Map(again.flatMap(({ entries }) => entries).map((/** @type {any} */ entry) => [entry.seq, entry]));
      this.news += top.entries.length;
      this.entries = [...top.entries, ...this.entries.map((entry) => replaced.get(entry.seq) ?? entry)];
    } catch (error) {
      if (!signal.aborted) this.problem = said(error);
    }
  }

  render() {
    const { phase, entries, next, problem } = this;
    const filtered = Object.keys(argsOf(this.filter)).length > 0;
    return html`<p class="visually-hidden" role="status">
        ${phase === 'loading' ? t(next === undefined ? 'timeline.loading' : 'timeline.searching') : this.news > 0 ? t('timeline.new', { count: this.news }) : ''}
      </p>
      ${repeat(
        daysOf(entries),
        ({ day }) => day,
        ({ day, entries: ofDay }) => html`<section aria-label=${day}>
          <h2 class="day">${day}</h2>
          <ol class="entries">
            ${repeat(
              ofDay,
              ({ seq }) => seq,
              (entry) => html`<li>
                <timeline-entry .entry=${entry} .names=${this.names} .people=${this.people} .mayMark=${this.mayMark}></timeline-entry>
              </li>`,
            )}
          </ol>
        </section>`,
      )}
      ${problem ? html`<p class="notice bad" role="alert">${problem} <button @click=${() => this.load(next === undefined ? {} : { before: next })}>${t('timeline.retry')}</button></p>` : nothing}
      ${phase === 'loading' ? html`<p class="quiet">${t('timeline.loading')}</p>` : nothing}
      ${!problem && phase === 'ready' && next !== undefined ? html`<p><button class="earlier" @click=${this.more}>${t('timeline.earlier')}</button></p>` : nothing}
      ${!problem && phase === 'ready' && next === undefined ? html`<p class="quiet">${t(entries.length > 0 ? 'timeline.all-shown' : filtered ? 'timeline.none' : 'timeline.empty')}</p>` : nothing}`;
  }
}
customElements.define('timeline-list', TimelineList);

/** @param {readonly any[]} entries @returns {{ day: string, entries: any[] }[]} */
function daysOf(entries) {
  /** @type {{ day: string, entries: any[] }[]} */
  const days = [];
  for (const entry of entries) {
    const day = dayForm.format(new Date(entry.at));
    const last = days.at(-1);
    if (last?.day === day) last.entries.push(entry);
    else days.push({ day, entries: [entry] });
  }
  return days;
}
