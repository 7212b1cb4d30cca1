/** When and how a person may come in, as a form: schedule, time, uses, groups, PIN with the face. */
import { html, nothing } from 'lit';
import { ask } from '../api.js';
import { PageElement } from '../element.js';
import { said } from '../said.js';
import { t } from '../words.js';

/** For `datetime-local`, in the time of this device. @param {string | undefined} time */
function localTime(time) {
  if (!time) return '';
  const at = new Date(time);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** @param {FormDataEntryValue | null} local */
const instant = (local) => (local ? new Date(String(local)).toISOString() : null);

class PersonRules extends PageElement {
  static properties = { person: {}, choices: {}, problem: { state: true }, done: { state: true } };

  constructor() {
    super();
    /** @type {any} */
    this.person = undefined;
    /** @type {any} */
    this.choices = undefined;
    this.problem = '';
    this.done = '';
  }

  /** Only what is another than before: a number of uses that is given again counts anew. @param {FormData} form */
  changes(form) {
    const { rules } = this.person;
    /** @type {Record<string, unknown>} */
    const rule = {};
    const schedule = String(form.get('schedule') ?? '') || null;
    if (schedule !== (rules.schedule ?? null)) rule.schedule = schedule;
    for (const name of ['validFrom', 'validUntil'])
      if (String(form.get(name) ?? '') !== localTime(rules[name])) rule[name] = instant(form.get(name));
    const uses = form.get('uses') ? Number(form.get('uses')) : null;
    if (uses !== (rules.uses ?? null) || form.get('again')) rule.uses = uses;
    const groups = form.getAll('group').map(String);
    if (String(groups.toSorted()) !== String([...(rules.groups ?? [])].toSorted())) rule.groups = groups;
    const pin = form.get('pin');
    if (rules.hasPin && (pin === 'needed') !== Boolean(rules.pinNeeded)) rule.pinNeeded = pin === 'needed';
    if (rules.hasPin && (pin === 'opens') !== Boolean(rules.pinOpens)) rule.pinOpens = pin === 'opens';
    return rule;
  }

  /** @param {SubmitEvent} event */
  async save(event) {
    event.preventDefault();
    this.problem = '';
    this.done = '';
    const rules = this.changes(new FormData(/** @type {HTMLFormElement} */ (event.target)));
    try {
      if (Object.keys(rules).length > 0) await ask('people.rule', { person: this.person.id, rules });
      this.done = t('people.rules.saved');
      this.dispatchEvent(new CustomEvent('changed'));
    } catch (error) {
      this.problem = said(error);
    }
  }

  render() {
    const { rules } = this.person;
    return html`<section class="card">
      <h2>${t('people.rules.title')}</h2>
      <form @submit=${this.save}>
        <div class="people-fields">
          <label
            >${t('people.rules.schedule')}<select name="schedule">
              <option value="" ?selected=${!rules.schedule}>${t('people.rules.any-time')}</option>
              ${this.choices.schedules.map(
                (/** @type {string} */ name) => html`<option value=${name} ?selected=${name === rules.schedule}>${name}</option>`,
              )}
            </select></label
          >
          <label
            >${t('people.rules.from')}<input type="datetime-local" name="validFrom" .value=${localTime(rules.validFrom)}
          /></label>
          <label
            >${t('people.rules.until')}<input type="datetime-local" name="validUntil" .value=${localTime(rules.validUntil)}
          /></label>
          <label
            >${t('people.rules.uses')}<input type="number" name="uses" min="1" max="100000" .value=${String(rules.uses ?? '')}
          /></label>
        </div>
        ${
          this.person.usesLeft === undefined
            ? nothing
            : html`<p class="quiet">${t('people.rules.uses-left', { count: this.person.usesLeft })}</p>
                <label class="check"><input type="checkbox" name="again" /> ${t('people.rules.uses-again')}</label>`
        }
        ${this.groups(rules)} ${this.pin(rules)}
        ${this.problem ? html`<p class="notice bad" role="alert">${this.problem}</p>` : nothing}
        <p class="notice good" role="status" ?hidden=${!this.done}>${this.done}</p>
        <button class="main">${t('people.save')}</button>
      </form>
    </section>`;
  }

  /** @param {any} rules */
  groups(rules) {
    if (this.choices.groups.length === 0) return nothing;
    return html`<fieldset>
      <legend>${t('people.rules.groups')}</legend>
      ${this.choices.groups.map(
        (/** @type {any} */ { name, schedule, pin, secondPerson }) => html`<label class="check">
          <input type="checkbox" name="group" value=${name} .checked=${(rules.groups ?? []).includes(name)} />
          ${name}
          <span class="quiet">
            ${[
              schedule && t('people.tag.schedule', { name: schedule }),
              pin && t('people.tag.pin-needed'),
              secondPerson && t('people.tag.second-person'),
            ]
              .filter(Boolean)
              .join(' · ')}
          </span>
        </label>`,
      )}
    </fieldset>`;
  }

  /** @param {any} rules */
  pin(rules) {
    if (!rules.hasPin) return html`<p class="quiet">${t('people.rules.no-pin')}</p>`;
    const now = rules.pinNeeded ? 'needed' : rules.pinOpens ? 'opens' : 'none';
    return html`<fieldset>
      <legend>${t('people.rules.pin')}</legend>
      ${['none', 'needed', 'opens'].map(
        (way) => html`<label class="check">
          <input type="radio" name="pin" value=${way} .checked=${way === now} /> ${t(`people.rules.pin.${way}`)}
        </label>`,
      )}
    </fieldset>`;
  }
}
customElements.define('person-rules', PersonRules);
