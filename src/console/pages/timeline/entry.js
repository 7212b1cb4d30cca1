/** One entry of the timeline: what happened, its pictures, and what somebody says it really was. */
import { html, nothing } from 'lit';
import { ask } from '../api.js';
import { PageElement } from '../element.js';
import { said } from '../said.js';
import { clockText, t } from '../words.js';
import { likenessOf, livenessOf, markText, nameOf, titleOf, toneOf } from './entry-words.js';

const mostFailures = 3;
const againMs = 1500;

class TimelineEntry extends PageElement {
  static properties = {
    entry: {},
    names: {},
    people: {},
    mayMark: { type: Boolean },
    shown: { state: true },
    said: { state: true },
    busy: { state: true },
    problem: { state: true },
  };

  constructor() {
    super();
    /** As `timeline.page` tells it. @type {any} */
    this.entry = undefined;
    /** @type {Readonly<Record<string, string>>} */
    this.names = {};
    /** Everyone who is enrolled, to say whom it shows. @type {readonly { id: string, name: string }[]} */
    this.people = [];
    /** Whether pictures are shown and it can be marked: for operators. */
    this.mayMark = false;
    this.shown = 1;
    this.failures = 0;
    this.said = '';
    this.busy = false;
    this.problem = '';
  }

  render() {
    const { entry, names } = this;
    const { event, at, seq } = entry;
    const [likeness, liveness] = [likenessOf(event), livenessOf(event)];
    const hasPicture = this.mayMark && entry.pictures > 0;
    return html`<article class=${`entry ${toneOf(event)} ${hasPicture ? 'with-picture' : ''}`} aria-labelledby=${`entry-${seq}`}>
      ${hasPicture ? this.picture() : nothing}
      <div class="what">
        <h3 id=${`entry-${seq}`}>${titleOf(event, names)}</h3>
        <p class="quiet"><time datetime=${at}>${clockText(at)}</time></p>
        ${
          likeness
            ? html`<label class="meter">${likeness.text}<meter
                min=${Math.min(0, likeness.logit)}
                max=${Math.max(likeness.threshold * 2, likeness.logit)}
                low=${likeness.threshold}
                high=${likeness.threshold}
                optimum=${Math.max(likeness.threshold * 2, likeness.logit)}
                .value=${likeness.logit}
              ></meter></label>`
            : nothing
        }
        ${liveness ? html`<p class=${`tag ${liveness.verdict === 'live' ? 'good' : liveness.verdict === 'spoof' ? 'bad' : ''}`}>${liveness.text}</p>` : nothing}
        ${entry.mark ? html`<p class="quiet">${markText(entry.mark, names)}</p>` : nothing}
        ${this.mayMark && (event.kind === 'access.granted' || event.kind === 'access.denied') ? this.marking() : nothing}
      </div>
    </article>`;
  }

  picture() {
    const { entry, names, shown } = this;
    const { event, pictures, seq, at } = entry;
    const alt = t('timeline.cover', { who: nameOf(event.personId ?? event.bestPersonId, names), time: clockText(at) });
    return html`<figure>
      <img src=${`api/v1/kept-pictures/${seq}/${shown}`} alt=${alt} loading="lazy" decoding="async" width="160" height="120" @error=${this.again} />
      ${
        pictures > 1
          ? html`<button class="small" @click=${() => (this.shown = (shown % pictures) + 1)}>
              ${t('timeline.more-pictures', { n: shown, count: pictures })}
            </button>`
          : nothing
      }
    </figure>`;
  }

  /** The door gives so many pictures a second: whoever scrolls fast gets the others a little later. @param {Event} event */
  again(event) {
    const image = /** @type {HTMLImageElement} */ (event.currentTarget);
    if (this.failures++ < mostFailures) setTimeout(() => (image.src = image.getAttribute('src') ?? ''), againMs);
  }

  marking() {
    const { entry, busy } = this;
    const granted = entry.event.kind === 'access.granted';
    return html`<details>
      <summary>${t('timeline.mark')}</summary>
      <form class="row" @submit=${this.save}>
        <label
          >${t('timeline.mark.choose')}
          <select name="as" required ?disabled=${busy}>
            <option value=""></option>
            ${
              granted
                ? html`<option value="right">${t('timeline.mark.right')}</option>
                    <option value="not-them">${t('timeline.mark.not-them')}</option>`
                : nothing
            }
            <option value="stranger">${t('timeline.mark.stranger')}</option>
            ${this.people.map(({ id, name }) => html`<option value=${`person:${id}`}>${t('timeline.mark.person', { who: name })}</option>`)}
          </select></label
        >
        <button ?disabled=${busy}>${t('timeline.mark.submit')}</button>
      </form>
      <p class="said" role="status">${this.said}</p>
      ${this.problem ? html`<p class="notice bad" role="alert">${this.problem}</p>` : nothing}
    </details>`;
  }

  /** @param {SubmitEvent} event */
  async save(event) {
    event.preventDefault();
    const chosen = String(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get('as'));
    const person = chosen.startsWith('person:') ? chosen.slice('person:'.length) : undefined;
    Object.assign(this, { busy: true, said: '', problem: '' });
    try {
      const as = person === undefined ? chosen : 'person';
      const { pictures } = await ask('mark', { seq: this.entry.seq, as, ...(person !== undefined && { person }) });
      this.said = pictures === 0 ? t('timeline.mark.done-none') : t('timeline.mark.done', { count: pictures });
      this.dispatchEvent(new CustomEvent('marked', { bubbles: true, detail: this.entry.seq }));
    } catch (error) {
      this.problem = said(error);
    } finally {
      this.busy = false;
    }
  }
}
customElements.define('timeline-entry', TimelineEntry);
