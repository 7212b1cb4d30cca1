/** The checks of `facelatch doctor` that can be made while the door runs. */
import { html, nothing } from 'lit';
import { PageElement } from '../element.js';
import { has, t } from '../words.js';
import { asked, copyBlock, problemNotice } from './asked.js';

const kinds = { ok: 'good', note: 'warn', problem: 'bad' };

class SystemDoctor extends PageElement {
  static properties = { answer: { state: true }, busy: { state: true } };

  constructor() {
    super();
    /** @type {any} */
    this.answer = undefined;
    this.busy = false;
  }

  async check() {
    this.busy = true;
    this.answer = undefined;
    this.answer = await asked('system.doctor');
    this.busy = false;
  }

  render() {
    const { result, problem, code } = this.answer ?? {};
    const problems = result?.checks.filter((/** @type {any} */ check) => check.health === 'problem').length;
    return html`<h2>${t('system.doctor')}</h2>
      <p>${t('system.doctor-what')}</p>
      <button class="main" ?disabled=${this.busy} @click=${this.check}>${t('system.doctor-run')}</button>
      ${problemNotice(problem)}
      <div role="status">
        ${this.busy ? html`<p class="quiet">${t('system.doctor-busy')}</p>` : nothing}
        ${result ? html`<p class=${`notice ${problems ? 'bad' : 'good'}`}>${t('system.doctor-found', { count: problems })}</p>` : nothing}
      </div>
      ${
        result
          ? html`<ul class="checks">${result.checks.map(
              (/** @type {{ name: string, health: 'ok' | 'note' | 'problem', found: string }} */ { name, health, found }) =>
                html`<li class="card"><span class=${`tag ${kinds[health]}`}>${t(`system.health.${health}`)}</span>
                  <strong>${has(`system.check.${name}`) ? t(`system.check.${name}`) : name}</strong><br />${found}</li>`,
            )}</ul>`
          : nothing
      }
      ${code === 'unavailable' || result ? html`<p>${t('system.doctor-camera')}</p>${copyBlock('sudo -u facelatch facelatch doctor', t('system.commands'))}` : nothing}`;
  }
}
customElements.define('system-doctor', SystemDoctor);
