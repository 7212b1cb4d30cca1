/**
 * Signing in with a password or a passkey, and joining by the link of an invitation (`#/join/SECRET`): the first
 * account of a door is made the same way.
 */
import { startAuthentication, startRegistration } from '@simplewebauthn/browser';
import { html, nothing } from 'lit';
import { request } from '../api.js';
import { PageElement } from '../element.js';
import { saidOfPasskey } from '../said.js';
import { t } from '../words.js';

/** @param {SubmitEvent} event */
const fields = (event) => Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (event.target)));

class SignIn extends PageElement {
  static properties = { me: {}, invitation: { state: true }, problem: { state: true }, busy: { state: true } };

  constructor() {
    super();
    /** @type {any} */
    this.me = undefined;
    /** What the link invites to. @type {any} */
    this.invitation = undefined;
    this.problem = '';
    this.busy = false;
    /** Of the link; it is taken out of the address, so that it stays in no history. */
    this.secret = '';
  }

  connectedCallback() {
    super.connectedCallback();
    const look = () => void this.readLink();
    addEventListener('hashchange', look);
    this.until(() => removeEventListener('hashchange', look));
    look();
  }

  async readLink() {
    const [, secret] = /^#\/join\/([\w-]{20,128})$/.exec(location.hash) ?? [];
    if (!secret) return;
    history.replaceState(null, '', location.pathname + location.search);
    await this.attempt(async () => {
      this.invitation = await request('join/invitation', { method: 'POST', body: { invitation: secret } });
      this.secret = secret;
    });
  }

  /** One at a time; what goes wrong is shown. @param {() => Promise<void>} act */
  async attempt(act) {
    this.problem = '';
    this.busy = true;
    try {
      await act();
    } catch (error) {
      this.problem = saidOfPasskey(error);
    } finally {
      this.busy = false;
    }
  }

  /** @param {() => Promise<unknown>} act */
  enter(act) {
    return this.attempt(async () => {
      await act();
      if (location.hash === '') location.hash = '#/live';
      this.dispatchEvent(new CustomEvent('signed-in'));
    });
  }

  /** @param {SubmitEvent} event */
  withPassword(event) {
    event.preventDefault();
    const { name, password } = fields(event);
    void this.enter(() => request('session/password', { method: 'POST', body: { name, password } }));
  }

  withPasskey() {
    void this.enter(async () => {
      const optionsJSON = await request('session/passkey/options', { method: 'POST' });
      const response = await startAuthentication({ optionsJSON });
      await request('session/passkey', { method: 'POST', body: { response } });
    });
  }

  /** @param {SubmitEvent} event */
  join(event) {
    event.preventDefault();
    const { name = '', password = '', again = '' } = /** @type {Record<string, string>} */ (fields(event));
    const asked = { invitation: this.secret, name };
    const way = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value;
    if (way === 'password' && password !== again) {
      this.problem = t('sign-in.differ');
      return;
    }
    void this.enter(async () => {
      if (way === 'password') return await request('join/password', { method: 'POST', body: { ...asked, password } });
      const optionsJSON = await request('join/passkey/options', { method: 'POST', body: asked });
      const response = await startRegistration({ optionsJSON });
      return await request('join/passkey', { method: 'POST', body: { ...asked, label: t('sign-in.this-device'), response } });
    });
  }

  render() {
    return html`<main class="sign-in card">
      <img src="page/icon.svg" alt="" width="56" height="56" />
      ${this.invitation ? this.joinForm() : this.me?.isFirstRun ? this.firstRun() : this.signInForm()}
      <p role="alert" class=${this.problem ? 'notice bad' : ''}>${this.problem}</p>
    </main>`;
  }

  firstRun() {
    return html`<h1 tabindex="-1">${t('sign-in.first.title')}</h1>
      <p>${t('sign-in.first.text')}</p>
      <pre><code>facelatch console link</code></pre>`;
  }

  signInForm() {
    return html`<h1 tabindex="-1">${t('sign-in.title')}</h1>
      <form @submit=${this.withPassword}>
        <label>${t('sign-in.name')}<input name="name" autocomplete="username webauthn" autocapitalize="none" required maxlength="64" /></label>
        <label
          >${t('sign-in.password')}<input name="password" type="password" autocomplete="current-password" required maxlength="1024"
        /></label>
        <button class="main" ?disabled=${this.busy}>${t('sign-in.do')}</button>
      </form>
      ${
        this.me?.passkeys === 'possible'
          ? html`<p class="or">${t('sign-in.or')}</p>
              <button ?disabled=${this.busy} @click=${this.withPasskey}>${t('sign-in.passkey')}</button>`
          : nothing
      }
      <p class="quiet">${t('sign-in.lost')} <code>facelatch console link</code></p>`;
  }

  joinForm() {
    const { role, name, isFirstRun } = this.invitation;
    const passkeys = this.me?.passkeys === 'possible';
    return html`<h1 tabindex="-1">${t(isFirstRun ? 'sign-in.join.first' : 'sign-in.join.title')}</h1>
      <p>${t(`sign-in.join.${role}`)}</p>
      <form @submit=${this.join}>
        <label
          >${t('sign-in.name')}<input
            name="name"
            autocomplete="username"
            autocapitalize="none"
            required
            pattern="[A-Za-z0-9_.@\\-]{1,64}"
            .value=${name ?? ''}
            ?readonly=${name !== undefined}
            aria-describedby="name-form" /></label
        ><small id="name-form" class="quiet">${t('sign-in.name-form')}</small>
        ${
          passkeys
            ? html`<p><button class="main" value="passkey" formnovalidate ?disabled=${this.busy}>${t('sign-in.join.passkey')}</button></p>
                <p class="or">${t('sign-in.or')}</p>`
            : html`<p class="quiet">${t(`sign-in.no-passkeys.${this.me?.passkeys}`)}</p>`
        }
        <label
          >${t('sign-in.new-password')}<input
            name="password"
            type="password"
            autocomplete="new-password"
            required
            minlength="12"
            maxlength="256"
            aria-describedby="password-form"
        /></label>
        <small id="password-form" class="quiet">${t('sign-in.password-form')}</small>
        <label
          >${t('sign-in.again')}<input name="again" type="password" autocomplete="new-password" required minlength="12" maxlength="256"
        /></label>
        <button value="password" class=${passkeys ? '' : 'main'} ?disabled=${this.busy}>${t('sign-in.join.password')}</button>
      </form>`;
  }
}
customElements.define('sign-in', SignIn);
