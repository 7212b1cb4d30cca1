/** The training of this door: how it stands, as it goes on; started and cancelled by whoever may. */
import { html, nothing } from 'lit';
import { ask } from '../api.js';
import { PageElement } from '../element.js';
import { listenTo } from '../live-stream.js';
import { outcomeText, said } from '../said.js';
import { has, t, timeText } from '../words.js';

const recipes = ['adapt', 'finetune', 'paper'];
const mostLines = 200;
const underWay = new Set(['queued', 'training', 'paused', 'comparing']);

class TrainingPart extends PageElement {
  static properties = { me: {}, job: { state: true }, lines: { state: true }, problem: { state: true } };

  constructor() {
    super();
    /** @type {any} */
    this.me = undefined;
    /** @type {any} */
    this.job = undefined;
    /** @type {string[]} */
    this.lines = [];
    this.problem = '';
  }

  connectedCallback() {
    super.connectedCallback();
    this.until(listenTo('training', (told) => this.heard(told)));
    void this.load();
  }

  async load() {
    await this.act('train.status', {});
  }

  /** @param {any} told */
  heard(told) {
    if (told.job) this.job = told.job;
    if (told.line !== undefined) this.lines = [...this.lines, told.line].slice(-mostLines);
  }

  /** @param {string} name @param {object} args */
  async act(name, args) {
    this.problem = '';
    try {
      const { job } = await ask(name, args);
      if (job) this.job = job;
    } catch (error) {
      this.problem = said(error);
    }
  }

  /** @param {SubmitEvent} event */
  start(event) {
    event.preventDefault();
    this.lines = [];
    void this.act('train.start', { recipe: String(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get('recipe')) });
  }

  render() {
    const { job, problem, lines } = this;
    const role = this.me?.caller?.role;
    const isUnderWay = job && underWay.has(job.state);
    return html`<div class="card">
      ${job ? this.standing() : html`<p class="quiet">${t('learning.train.never')}</p>`}
      ${problem ? html`<p class="notice bad" role="alert">${problem}</p>` : nothing}
      ${
        role === 'admin' && !isUnderWay
          ? html`<form class="row" @submit=${this.start}>
              <label
                >${t('learning.train.recipe')}
                <select name="recipe">
                  ${recipes.map((name) => html`<option value=${name}>${t(`learning.recipe.${name}`)}</option>`)}
                </select></label
              >
              <button class="main">${t('learning.train.start')}</button>
            </form>`
          : nothing
      }
      ${isUnderWay && role !== 'viewer' ? html`<button @click=${() => this.act('train.cancel', {})}>${t('learning.train.cancel')}</button>` : nothing}
      ${lines.length > 0 ? html`<details><summary>${t('learning.train.lines')}</summary><pre tabindex="0" aria-label=${t('learning.train.lines')}>${lines.join('\n')}</pre></details>` : nothing}
    </div>`;
  }

  standing() {
    const { job } = this;
    const { progress } = job;
    const figures = Object.entries(progress?.figures ?? {});
    return html`<p role="status">
        <span class=${`tag ${job.state === 'promoted' ? 'good' : job.state === 'failed' ? 'bad' : ''}`}>${t(`learning.state.${job.state}`)}</span>
        ${t(`learning.recipe.${job.recipe}`)}, ${t('learning.train.by', { by: job.by, time: timeText(job.startedAt) })}
      </p>
      ${
        progress && underWay.has(job.state)
          ? html`<label class="meter"
              >${has(`learning.stage.${progress.stage}`) ? t(`learning.stage.${progress.stage}`) : progress.stage}
              ${figures.map(([name, value]) => html`<span class="tag">${name} ${Number(value).toPrecision(3)}</span>`)}
              <progress max=${progress.total || 1} .value=${progress.done}></progress
            ></label>`
          : nothing
      }
      ${job.detail ? html`<p>${outcomeText(job.detail)}</p>` : nothing}`;
  }
}
customElements.define('training-part', TrainingPart);
