/** Access tokens: for programs that use the API with the rights of this account, or fewer. */
import { html, nothing } from 'lit';
import { request } from '../api.js';
import { PageElement } from '../element.js';
import { said } from '../said.js';
import { agoText, t, timeText } from '../words.js';

const roles = ['viewer', 'operator', 'admin'];

class AccessTokens extends PageElement {
  static properties = { role: {}, tokens: { state: true }, secret: { state: true }, problem: { state: true } };

  constructor() {
    super();
    this.role = 'viewer';
    /** @type {any[]} */
    this.tokens = [];
    /** Of the token made just now: it is shown once. */
    this.secret = '';
    this.problem = '';
  }

  connectedCallback() {
    super.connectedCallback();
    void this.attempt(async () => undefined);
  }

  /** @param {() => Promise<unknown>} act */
  async attempt(act) {
    this.problem = '';
    try {
      await act();
      this.tokens = (await request('tokens')).tokens;
    } catch (error) {
      this.problem = said(error);
    }
  }

  /** @param {SubmitEvent} event */
  make(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const { label, role, days } = Object.fromEntries(new FormData(form));
    void this.attempt(async () => {
      const made = await request('tokens', { method: 'POST', body: { label, role, ...(days ? { days: Number(days) } : {}) } });
      this.secret = made.secret;
      form.reset();
    });
  }

  /** @param {string} id */
  revoke(id) {
    void this.attempt(() => request(`tokens/${id}`, { method: 'DELETE' }));
  }

  render() {
    return html`<h2>${t('account.tokens')}</h2>
      <p class="quiet">${t('account.tokens-text')} <a href="api/docs" target="_blank">API</a></p>
      <p role="alert" class=${this.problem ? 'notice bad' : ''}>${this.problem}</p>
      ${
        this.secret
          ? html`<p class="notice good" role="status">
              ${t('account.token-made')} <code class="secret">${this.secret}</code>
              <button @click=${() => navigator.clipboard?.writeText(this.secret)}>${t('account.copy')}</button>
            </p>`
          : nothing
      }
      <ul class="plain">
        ${this.tokens.map(
          ({ id, label, role, createdAt, expiresAt, lastUsedAt }) => html`<li class="row">
            <span
              ><strong>${label}</strong> <span class="tag">${t(`role.${role}`)}</span>
              <span class="quiet"
                >${timeText(createdAt)}${expiresAt ? ` – ${timeText(expiresAt)}` : ''},
                ${lastUsedAt ? t('account.last-used', { ago: agoText(lastUsedAt) }) : t('account.never-used')}</span
              ></span
            >
            <button class="danger" @click=${() => this.revoke(id)} aria-label=${t('account.revoke-token', { label })}>${t('account.revoke')}</button>
          </li>`,
        )}
      </ul>
      <form @submit=${this.make}>
        <label>${t('account.token-label')}<input name="label" required maxlength="60" /></label>
        <label
          >${t('account.role')}<select name="role">
            ${roles.slice(0, roles.indexOf(this.role) + 1).map((role) => html`<option value=${role}>${t(`role.${role}`)}</option>`)}
          </select></label
        >
        <label>${t('account.token-days')}<input name="days" type="number" min="1" max="3660" /></label>
        <button>${t('account.make-token')}</button>
      </form>`;
  }
}
customElements.define('access-tokens', AccessTokens);
