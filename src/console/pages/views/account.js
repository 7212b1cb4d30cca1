/** Account: the own password, passkeys, sessions and access tokens, language and colours; for admins who may sign in. */
import { startRegistration } from '@simplewebauthn/browser';
import { html, nothing } from 'lit';
import '../account/operators.js';
import '../account/tokens.js';
import { request, session } from '../api.js';
import { PageElement } from '../element.js';
import { saidOfPasskey } from '../said.js';
import { chooseTheme, theme } from '../theme.js';
import { agoText, chooseLanguage, language, languages, t, timeText } from '../words.js';

class AccountView extends PageElement {
  static properties = {
    me: {},
    own: { state: true },
    sessions: { state: true },
    problem: { state: true },
    done: { state: true },
  };

  constructor() {
    super();
    /** @type {any} */
    this.me = undefined;
    /** @type {any} */
    this.own = undefined;
    /** @type {any[]} */
    this.sessions = [];
    this.problem = '';
    this.done = '';
  }

  connectedCallback() {
    super.connectedCallback();
    void this.attempt(async () => undefined);
  }

  /** What goes wrong is shown; afterwards everything is read again. @param {() => Promise<string | undefined>} act what is said when it is done */
  async attempt(act) {
    this.problem = '';
    this.done = '';
    try {
      this.done = (await act()) ?? '';
    } catch (error) {
      this.problem = saidOfPasskey(error);
    }
    try {
      const [own, { sessions }] = await Promise.all([request('account'), request('sessions')]);
      Object.assign(this, { own, sessions });
    } catch {
      // Whoever is signed out sees the sign-in.
    }
  }

  /** @param {SubmitEvent} event */
  changePassword(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const { present, password, again } = Object.fromEntries(new FormData(form));
    if (password !== again) {
      this.problem = t('sign-in.differ');
      return;
    }
    void this.attempt(async () => {
      await request('account/password', { method: 'PUT', body: { ...(present ? { present } : {}), password } });
      form.reset();
      return t('account.password-changed');
    });
  }

  /** @param {SubmitEvent} event */
  addPasskey(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const { label, present } = Object.fromEntries(new FormData(form));
    void this.attempt(async () => {
      const optionsJSON = await request('account/passkeys/options', { method: 'POST', body: present ? { present } : {} });
      const response = await startRegistration({ optionsJSON });
      await request('account/passkeys', { method: 'POST', body: { label, response } });
      form.reset();
      return t('account.passkey-added');
    });
  }

  /** @param {string} id */
  removePasskey(id) {
    void this.attempt(async () => {
      await request('account/passkeys/remove', { method: 'POST', body: { id } });
      return t('account.passkey-removed');
    });
  }

  /** @param {string} [id] all others where absent */
  endSession(id) {
    void this.attempt(async () => {
      await request(id === undefined ? 'sessions' : `sessions/${id}`, { method: 'DELETE' });
      return t('account.session-ended');
    });
  }

  async signOut() {
    await request('session', { method: 'DELETE' }).catch(() => undefined);
    session.onOver();
  }

  render() {
    const { own } = this;
    if (!own)
      return html`<h1 tabindex="-1">${t('nav.account')}</h1>
      <p role="status">${this.problem || t('app.loading')}</p>`;
    return html`<h1 tabindex="-1">${t('nav.account')}</h1>
      <p class="row">
        <strong>${own.name}</strong><span class="tag">${t(`role.${own.role}`)}</span>
        <button @click=${this.signOut}>${t('account.sign-out')}</button>
      </p>
      <p role="alert" class=${this.problem ? 'notice bad' : ''}>${this.problem}</p>
      <p role="status" class=${this.done ? 'notice good' : ''}>${this.done}</p>
      <div class="account-parts">
        ${this.looks()} ${this.password()} ${this.passkeys()} ${this.sessionList()}
        <access-tokens class="card" .role=${own.role}></access-tokens>
        ${own.role === 'admin' ? html`<console-operators class="card" .own=${own.name}></console-operators>` : nothing}
      </div>`;
  }

  looks() {
    return html`<section class="card" aria-labelledby="looks">
      <h2 id="looks">${t('account.looks')}</h2>
      <label
        >${t('account.theme')}<select @change=${(/** @type {any} */ event) => chooseTheme(event.target.value)}>
          ${['auto', 'light', 'dark'].map((name) => html`<option value=${name} ?selected=${name === theme()}>${t(`account.theme.${name}`)}</option>`)}
        </select></label
      >
      <label
        >${t('account.language')}<select @change=${(/** @type {any} */ event) => chooseLanguage(event.target.value)}>
          ${languages.map(
            (tag) =>
              html`<option value=${tag} lang=${tag} ?selected=${tag === language}>${new Intl.DisplayNames(tag, { type: 'language' }).of(tag)}</option>`,
          )}
        </select></label
      >
    </section>`;
  }

  password() {
    return html`<section class="card" aria-labelledby="password">
      <h2 id="password">${t('sign-in.password')}</h2>
      <form @submit=${this.changePassword}>
        ${this.own.hasPassword ? html`<label>${t('account.present')}<input name="present" type="password" autocomplete="current-password" maxlength="1024" /></label>` : nothing}
        <label>${t('sign-in.new-password')}<input name="password" type="password" autocomplete="new-password" required minlength="12" maxlength="256" /></label>
        <label>${t('sign-in.again')}<input name="again" type="password" autocomplete="new-password" required minlength="12" maxlength="256" /></label>
        <button>${t(this.own.hasPassword ? 'account.change' : 'account.set')}</button>
      </form>
    </section>`;
  }

  passkeys() {
    const { passkeys, hasPassword } = this.own;
    return html`<section class="card" aria-labelledby="passkeys">
      <h2 id="passkeys">${t('account.passkeys')}</h2>
      <ul class="plain">
        ${passkeys.map(
          (/** @type {any} */ key) => html`<li class="row">
            <span
              ><strong>${key.label}</strong> <span class="quiet">${key.host},
              ${key.lastUsedAt ? t('account.last-used', { ago: agoText(key.lastUsedAt) }) : t('account.never-used')}</span></span
            >
            <button class="danger" @click=${() => this.removePasskey(key.id)} aria-label=${t('account.remove-passkey', { label: key.label })}>${t('account.remove')}</button>
          </li>`,
        )}
      </ul>
      ${
        this.me?.passkeys === 'possible'
          ? html`<form @submit=${this.addPasskey}>
              <label>${t('account.passkey-label')}<input name="label" required maxlength="60" .value=${t('sign-in.this-device')} /></label>
              ${hasPassword ? html`<label>${t('account.present-late')}<input name="present" type="password" autocomplete="current-password" maxlength="1024" /></label>` : nothing}
              <button>${t('account.add-passkey')}</button>
            </form>`
          : html`<p class="quiet">${t(`sign-in.no-passkeys.${this.me?.passkeys}`)}</p>`
      }
    </section>`;
  }

  sessionList() {
    return html`<section class="card" aria-labelledby="sessions">
      <h2 id="sessions">${t('account.sessions')}</h2>
      <ul class="plain">
        ${this.sessions.map(
          ({ id, isThis, browser, address, createdAt, lastUsedAt }) => html`<li class="row">
            <span
              ><strong>${browserName(browser)}</strong> <span class="quiet">${address}, ${timeText(createdAt)}</span
              ><br />${isThis ? html`<span class="tag good">${t('account.this-session')}</span>` : t('account.last-used', { ago: agoText(lastUsedAt) })}</span
            >
            ${isThis ? nothing : html`<button class="danger" @click=${() => this.endSession(id)}>${t('account.end')}</button>`}
          </li>`,
        )}
      </ul>
      ${this.sessions.length > 1 ? html`<button @click=${() => this.endSession()}>${t('account.end-others')}</button>` : nothing}
    </section>`;
  }
}
customElements.define('account-view', AccountView);

/** What people call a browser. @param {string} agent its user agent */
function browserName(agent) {
  const browser = /Edg|OPR|Firefox|Chrome|Safari/.exec(agent)?.[0] ?? '';
  const names = /** @type {Record<string, string>} */ ({ Edg: 'Edge', OPR: 'Opera' });
  const system = /iPhone|iPad|Android|Windows|Mac OS X|CrOS|Linux/.exec(agent)?.[0] ?? '';
  return [names[browser] ?? browser, system].filter((part) => part !== '').join(', ') || agent || '?';
}
