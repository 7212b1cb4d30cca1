/** Learning: the networks of this door, its training, and how strict it is. */
import { html, nothing } from 'lit';
import { ask } from '../api.js';
import { PageElement } from '../element.js';
import '../learning/training.js';
import { listenTo } from '../live-stream.js';
import { outcomeText, said } from '../said.js';
import { percentText, t, timeText } from '../words.js';

class LearningView extends PageElement {
  static properties = { me: {}, own: { state: true }, shipped: { state: true }, problem: { state: true }, said: { state: true } };

  constructor() {
    super();
    /** @type {any} */
    this.me = undefined;
    /** As `learning.networks` answers. @type {any} */
    this.own = undefined;
    /** @type {any[] | undefined} */
    this.shipped = undefined;
    this.problem = '';
    this.said = '';
  }

  connectedCallback() {
    super.connectedCallback();
    this.until(listenTo('event', (event) => this.heard(event)));
    void this.load();
  }

  async load() {
    try {
      this.own = await ask('learning.networks');
      this.shipped ??= (await ask('model.list')).models;
    } catch (error) {
      this.problem = said(error);
    }
  }

  /** @param {any} event */
  heard(event) {
    if (!event.kind.startsWith('model.') && event.kind !== 'training.ended') return;
    if (event.kind === 'model.promoted' || event.kind === 'model.refused' || event.kind === 'model.rolled-back')
      this.said = t(`learning.said.${event.kind}`, { detail: outcomeText(event.detail) });
    void this.load();
  }

  /** @param {string} name @param {object} args @param {string} [done] what is said when it is done, where no event says it */
  async act(name, args, done) {
    Object.assign(this, { problem: '', said: '' });
    try {
      await ask(name, args);
      if (done) this.said = done;
    } catch (error) {
      this.problem = said(error);
    }
  }

  render() {
    const role = this.me?.caller?.role;
    if (role !== 'viewer') void import('../learning/strictness.js');
    return html`<h1 tabindex="-1">${t('nav.learning')}</h1>
      ${this.problem ? html`<p class="notice bad" role="alert">${this.problem}</p>` : nothing}
      <p class="notice" role="status" ?hidden=${this.said === ''}>${this.said}</p>
      <h2>${t('learning.train')}</h2>
      <p class="quiet">${t('learning.train.about')}</p>
      ${this.own && this.own.keeps.grantsDays === 0 && this.own.keeps.unknownsDays === 0 ? html`<p class="quiet">${t('learning.train.keeps-none')}</p>` : nothing}
      <training-part .me=${this.me}></training-part>
      <h2>${t('learning.trained')}</h2>
      ${this.trained()}
      ${role === 'viewer' ? nothing : html`<h2>${t('learning.strict')}</h2><p class="quiet">${t('learning.strict.about')}</p><strictness-part></strictness-part>`}
      <h2>${t('learning.networks')}</h2>
      ${this.networks()}`;
  }

  trained() {
    const { own } = this;
    if (!own) return html`<p class="quiet">${t('app.loading')}</p>`;
    const role = this.me?.caller?.role;
    if (own.networks.length === 0) return html`<p class="card">${t('learning.trained.none')}</p>`;
    return html`<p>${t(own.guarding === 'base' ? 'learning.guarding.base' : 'learning.guarding.own')}</p>
      <ul class="cards">
        ${own.networks.map(
          (/** @type {any} */ network) => html`<li class="card">
            <h3>${t('learning.version', { version: network.version })} <span class=${`tag ${network.id === own.guarding ? 'good' : ''}`}>${t(`learning.bundle.${network.state}`)}</span></h3>
            <p class="quiet">${t(`learning.recipe.${network.recipe}`)}, ${timeText(network.createdAt)}</p>
            ${comparison(network.metrics)} ${network.note ? html`<p>${network.note}</p>` : nothing}
            ${
              role === 'admin' && network.id !== own.guarding
                ? html`<button @click=${() => this.act('model.promote', { bundle: network.id }, t('learning.measuring'))}>
                    ${t('learning.promote')}<span class="visually-hidden"> ${t('learning.version', { version: network.version })}</span>
                  </button>`
                : nothing
            }
          </li>`,
        )}
      </ul>
      ${role !== 'viewer' && own.guarding !== 'base' ? html`<p><button class="danger" @click=${() => this.act('model.rollback', {})}>${t('learning.rollback')}</button></p>` : nothing}`;
  }

  networks() {
    const { shipped } = this;
    if (!shipped) return html`<p class="quiet">${t('app.loading')}</p>`;
    return html`<div class="scroll" tabindex="0" role="region" aria-label=${t('learning.networks')}>
      <table>
        <thead>
          <tr>
            ${['name', 'kind', 'use', 'state'].map((name) => html`<th scope="col">${t(`learning.column.${name}`)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${shipped.map(
            ({ name, version, kind, usedAs, state, problem }) => html`<tr>
              <td>${name} ${version}</td>
              <td>${kind}</td>
              <td>${usedAs.join(', ') || '–'}</td>
              <td><span class=${`tag ${state === 'whole' ? 'good' : 'bad'}`}>${t(`learning.file.${state}`)}</span> ${problem ?? nothing}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }
}
customElements.define('learning-view', LearningView);

/** Candidate and the network in use then, side by side. @param {any} metrics */
function comparison(metrics) {
  if (!metrics) return nothing;
  /** @param {string} before @param {string} after @param {string} difference */
  const row = (before, after, difference) => {
    const [one, other, by] = [metrics[before], metrics[after], metrics[difference]];
    if (!one || !other) return nothing;
    const [low, high] = by?.interval ?? [];
    const shown = low === undefined ? '–' : `${percentText(by.value, 2)} (${percentText(low, 2)} … ${percentText(high, 2)})`;
    return html`<tr>
      <th scope="row">${t(before.startsWith('cohort') ? 'learning.on-cohort' : 'learning.on-frozen')}</th>
      <td>${percentText(one.value, 2)}</td>
      <td>${percentText(other.value, 2)}</td>
      <td>${shown}</td>
    </tr>`;
  };
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${t('learning.comparison')}>
    <table>
      <caption>
        ${t('learning.comparison')}
      </caption>
      <thead>
        <tr>
          <td></td>
          ${['before', 'after', 'difference'].map((name) => html`<th scope="col">${t(`learning.column.${name}`)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${row('champion.fnmr', 'candidate.fnmr', 'fnmr.difference')}
        ${row('cohort.champion.fnmr', 'cohort.candidate.fnmr', 'cohort.fnmr.difference')}
      </tbody>
    </table>
  </div>`;
}
