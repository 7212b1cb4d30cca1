/** Who may sign in, for admins: roles, invitations, and removing somebody. */
import { html, nothing } from 'lit';
import { ask, request } from '../api.js';
import { PageElement } from '../element.js';
import { said } from '../said.js';
import { agoText, t, timeText } from '../words.js';

const roles = ['viewer', 'operator', 'admin'];

class ConsoleOperators extends PageElement {
  static properties = {
    own: {},
    list: { state: true },
    link: { state: true },
    problem: { state: true },
    asked: { state: true },
    keys: { state: true },
  };

  constructor() {
    super();
    this.own = '';
    /** @type {{ operators: any[], invitations: any[] }} */
    this.list = { operators: [], invitations: [] };
    /** Of the invitation made just now. */
    this.link = '';
    this.problem = '';
    /** Whose removal is to be confirmed. */
    this.asked = '';
    /** Keys for commands over MQTT. @type {any[]} */
    this.keys = [];
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
    } catch (error) {
      this.problem = said(error);
    }
    try {
      this.list = await request('operators');
      this.keys = (await ask('operators.keys')).operators;
    } catch {
      // Whoever is no admin any more sees nothing new.
    }
  }

  /** @param {string} name @param {string} role */
  changeRole(name, role) {
    void this.attempt(() => request(`operators/${encodeURIComponent(name)}`, { method: 'PATCH', body: { role } }));
  }

  /** @param {string} name */
  removeAccount(name) {
    this.asked = '';
    void this.attempt(() => request(`operators/${encodeURIComponent(name)}`, { method: 'DELETE' }));
  }

  /** @param {SubmitEvent} event */
  invite(event) {
    event.preventDefault();
    const { role, name } = Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (event.target)));
    void this.attempt(async () => {
      const { secret } = await request('invitations', { method: 'POST', body: { role, ...(name ? { name } : {}) } });
      this.link = `${document.baseURI}#/join/${secret}`;
    });
  }

  render() {
    return html`<h2>${t('account.operators')}</h2>
      <p role="alert" class=${this.problem ? 'notice bad' : ''}>${this.problem}</p>
      <ul class="plain">
        ${this.list.operators.map((operator) => this.operator(operator))}
      </ul>
      ${this.keyList()}
      <h3>${t('account.invite')}</h3>
      ${
        this.link
          ? html`<p class="notice good" role="status">
              ${t('account.invited')} <code class="secret">${this.link}</code>
              <button @click=${() => navigator.clipboard?.writeText(this.link)}>${t('account.copy')}</button>
            </p>`
          : nothing
      }
      <ul class="plain">
        ${this.list.invitations.map(
          ({ id, role, name, by, expiresAt }) => html`<li class="row">
            <span>${name ?? t('account.anyone')} <span class="tag">${t(`role.${role}`)}</span> <span class="quiet">${by}, ${timeText(expiresAt)}</span></span>
            <button class="danger" @click=${() => void this.attempt(() => request(`invitations/${id}`, { method: 'DELETE' }))}>${t('account.take-back')}</button>
          </li>`,
        )}
      </ul>
      <form @submit=${this.invite}>
        <label
          >${t('account.role')}<select name="role">
            ${roles.map((role) => html`<option value=${role}>${t(`role.${role}`)}</option>`)}
          </select></label
        >
        <label>${t('account.invite-name')}<input name="name" pattern="[A-Za-z0-9_.@\\-]{1,64}" /></label>
        <button>${t('account.make-link')}</button>
      </form>`;
  }

  /** Who sends signed commands. */
  keyList() {
    if (this.keys.length === 0) return nothing;
    return html`<h3>${t('account.keys')}</h3>
      <ul class="plain">
        ${this.keys.map(
          ({ name, role, addedAt }) => html`<li class="row">
            <span><strong>${name}</strong> <span class="tag">${t(`role.${role}`)}</span> <span class="quiet">${timeText(addedAt)}</span></span>
            <button class="danger" @click=${() => void this.attempt(() => ask('operators.key.remove', { name }))} aria-label=${t('account.remove-key', { name })}>
              ${t('account.remove')}
            </button>
          </li>`,
        )}
      </ul>`;
  }

  /** @param {any} operator */
  operator({ name, role, lastSeenAt }) {
    const isOwn = name === this.own;
    return html`<li class="row">
      <span
        ><strong>${name}</strong> <span class="quiet">${lastSeenAt ? t('account.last-used', { ago: agoText(lastSeenAt) }) : t('account.never-used')}</span></span
      >
      <select
        aria-label=${t('account.role-of', { name })}
        .value=${role}
        @change=${(/** @type {any} */ event) => this.changeRole(name, event.target.value)}
      >
        ${roles.map((each) => html`<option value=${each} ?selected=${each === role}>${t(`role.${each}`)}</option>`)}
      </select>
      ${
        isOwn
          ? html`<span class="tag good">${t('account.you')}</span>`
          : this.asked === name
            ? html`<span class="row" role="alertdialog" aria-label=${t('account.remove-sure', { name })}>
                ${t('account.remove-sure', { name })}
                <button class="danger" @click=${() => this.removeAccount(name)}>${t('account.remove')}</button>
                <button @click=${() => (this.asked = '')}>${t('account.keep')}</button>
              </span>`
            : html`<button class="danger" @click=${() => (this.asked = name)} aria-label=${t('account.remove-operator', { name })}>${t('account.remove')}</button>`
      }
    </li>`;
  }
}
customElements.define('console-operators', ConsoleOperators);
