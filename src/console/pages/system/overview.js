/** How the parts of the door stand: versions, broker, vault, disk, backups. */
import { html, nothing } from 'lit';
import { PageElement } from '../element.js';
import { agoText, percentText, t, timeText } from '../words.js';
import { asked, bytesText, copyBlock, problemNotice } from './asked.js';

class SystemOverview extends PageElement {
  static properties = {
    me: {},
    shown: { state: true },
    disk: { state: true },
    backups: { state: true },
    problem: { state: true },
    done: { state: true },
  };

  constructor() {
    super();
    /** @type {any} */
    this.me = undefined;
    /** Answers of `system.show`, `system.disk` and `backup.list`. @type {any} */
    this.shown = undefined;
    /** @type {any} */
    this.disk = undefined;
    /** @type {any} */
    this.backups = undefined;
    this.problem = '';
    this.done = '';
  }

  connectedCallback() {
    super.connectedCallback();
    void this.load();
    const again = setInterval(() => void this.look(), 10_000);
    this.until(() => clearInterval(again));
  }

  get isAdmin() {
    return this.me?.caller?.role === 'admin';
  }

  async load() {
    await this.look();
    const [disk, backups] = await Promise.all([
      asked('system.disk'),
      this.isAdmin && this.shown?.backups.folder ? asked('backup.list') : undefined,
    ]);
    this.disk = disk;
    this.backups = backups;
  }

  async look() {
    const { result, problem } = await asked('system.show');
    this.problem = problem ?? '';
    if (result) this.shown = result;
  }

  async backUp() {
    const { result, problem } = await asked('backup.take');
    this.problem = problem ?? '';
    this.done = result ? t('system.backup-begun', { file: result.file }) : '';
  }

  /** @param {SubmitEvent} event */
  async unlock(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const passphrase = String(new FormData(form).get('passphrase'));
    const { result, problem } = await asked('vault.unlock', { passphrase });
    form.reset();
    this.problem = problem ?? '';
    this.done = result ? t(result.was === 'open' ? 'system.vault-was-open' : 'system.vault-unlocked') : '';
    if (result) await this.look();
  }

  render() {
    const { shown } = this;
    return html`${problemNotice(this.problem)}
      <div aria-live="polite">${this.done ? html`<p class="notice good">${this.done}</p>` : nothing}</div>
      ${shown ? html`<div class="cards">${this.machine(shown)} ${this.vault(shown)} ${this.diskCard(shown)} ${this.backupCard(shown)}</div>` : html`<p class="loading">${t('app.loading')}</p>`}`;
  }

  /** @param {any} shown */
  machine({ version, node, machine, runningS, camera, relay, broker, stateFolder }) {
    /** @param {string} name @param {unknown} value */
    const row = (name, value) => html`<div><dt>${t(`system.${name}`)}</dt><dd>${value}</dd></div>`;
    return html`<section class="card" aria-labelledby="system-machine">
      <h2 id="system-machine">${t('system.machine')}</h2>
      <dl class="facts">
        ${row('version', `facelatch ${version}`)} ${row('node', `${node}, ${machine}`)}
        ${row('running', agoText(Date.now() - runningS * 1000))} ${row('camera', camera)} ${row('relay', relay)}
        ${row(
          'broker',
          html`<span class=${`tag ${broker.state === 'connected' ? 'good' : broker.state === 'off' ? '' : 'warn'}`}>${t(`system.broker.${broker.state}`)}</span>
          ${broker.backlog > 0 ? t('system.backlog', { count: broker.backlog }) : nothing}`,
        )}
        ${row('folder', html`<code>${stateFolder}</code>`)}
      </dl>
    </section>`;
  }

  /** @param {any} shown */
  vault({ vault }) {
    return html`<section class="card" aria-labelledby="system-vault">
      <h2 id="system-vault">${t('system.vault')}</h2>
      ${
        vault.locked
          ? html`<p class="notice bad">${vault.why}</p>
            ${
              this.isAdmin
                ? html`<form @submit=${this.unlock}>
                    <label>${t('system.passphrase')}<input name="passphrase" type="password" required maxlength="1000" autocomplete="off" /></label>
                    <button class="main">${t('system.unlock')}</button>
                  </form>`
                : html`<p>${t('system.unlock-admin')}</p>`
            }`
          : html`<p><span class="tag good">${t('system.vault-open')}</span></p><p>${t(`system.key.${vault.key}`)}</p>`
      }
    </section>`;
  }

  /** @param {any} shown */
  diskCard({ diskBudgetMb }) {
    const { result, problem } = this.disk ?? {};
    return html`<section class="card" aria-labelledby="system-disk" aria-busy=${this.disk ? 'false' : 'true'}>
      <h2 id="system-disk">${t('system.disk')}</h2>
      ${problem ? html`<p class="notice bad">${problem}</p>` : nothing}
      ${
        result
          ? html`<label class="meter">${t('system.disk-free', { free: bytesText(result.freeBytes), total: bytesText(result.totalBytes) })}
                <meter min="0" max=${result.totalBytes} low=${result.totalBytes * 0.05} high=${result.totalBytes * 0.1} optimum=${result.totalBytes} .value=${result.freeBytes}></meter></label>
              <p>${t('system.disk-used', { used: bytesText(result.usedBytes) })}
              ${diskBudgetMb > 0 ? t('system.disk-budget', { budget: bytesText(diskBudgetMb * 1_048_576), share: percentText(result.usedBytes / (diskBudgetMb * 1_048_576)) }) : nothing}</p>
              <details><summary>${t('system.disk-parts')}</summary>
                <table><thead><tr><th scope="col">${t('system.disk-name')}</th><th scope="col">${t('system.disk-size')}</th></tr></thead>
                  <tbody>${result.parts.map((/** @type {any} */ part) => html`<tr><td><code>${part.name}</code></td><td>${bytesText(part.bytes)}</td></tr>`)}</tbody></table>
              </details>`
          : problem
            ? nothing
            : html`<p class="quiet">${t('app.loading')}</p>`
      }
    </section>`;
  }

  /** @param {any} shown */
  backupCard({ backups }) {
    const files = this.backups?.result?.files;
    return html`<section class="card" aria-labelledby="system-backups">
      <h2 id="system-backups">${t('system.backups')}</h2>
      ${
        backups.folder === ''
          ? html`<p>${t('system.backup-none')}</p>${copyBlock('"backup": { "folder": "/mnt/backups", "schedule": "daily 03:00" }', t('system.lines-copy'))}`
          : html`<p><code>${backups.folder}</code> · ${backups.schedule === '' ? t('system.backup-unscheduled') : t('system.backup-schedule', { schedule: backups.schedule })}</p>`
      }
      ${this.backups?.problem ? html`<p class="notice bad">${this.backups.problem}</p>` : nothing}
      ${files ? this.backupList(files) : nothing}
      ${this.isAdmin && backups.folder !== '' ? html`<button class="main" @click=${this.backUp}>${t('system.backup-now')}</button>` : nothing}
      <details><summary>${t('system.restore')}</summary>
        <p>${t('system.restore-how')}</p>
        ${copyBlock(`sudo systemctl stop facelatch\nsudo -u facelatch facelatch restore ${backups.folder || '/mnt/backups'}/${files?.[0]?.file ?? 'FILE.age'}\nsudo systemctl start facelatch`, t('system.commands'))}
      </details>
    </section>`;
  }

  /** @param {any[]} files */
  backupList(files) {
    if (files.length === 0) return html`<p class="quiet">${t('system.backup-empty')}</p>`;
    return html`<ul class="plain">${files.slice(0, 10).map(({ file, takenAt, bytes }) => html`<li><strong>${timeText(takenAt)}</strong> · ${bytesText(bytes)}<br /><code>${file}</code></li>`)}</ul>`;
  }
}
customElements.define('system-overview', SystemOverview);
