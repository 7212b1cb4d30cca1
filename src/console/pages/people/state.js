/** How a person stands, as tags: a card of the house goes in, what a reader sees comes out. */
import { html, nothing } from 'lit';
import { reasonText } from '../timeline/entry-words.js';
import { t, timeText } from '../words.js';

/** @param {any} person a card */
export function stateTags({ recognised, admitted, why, whyDetail, needs, rules, usesLeft, consent }) {
  const until = rules.validUntil && new Date(rules.validUntil);
  return html`<ul class="tags">
    ${
      rules.enabled === false
        ? html`<li class="tag bad">${t('people.state.disabled')}</li>`
        : admitted
          ? html`<li class="tag good">${t('people.state.admitted')}</li>`
          : html`<li class="tag warn">${t('people.state.kept-out', { why: reasonText({ reason: why, detail: whyDetail }) })}</li>`
    }
    ${recognised ? nothing : html`<li class="tag bad">${t('people.state.unrecognised')}</li>`}
    ${rules.schedule ? html`<li class="tag">${t('people.tag.schedule', { name: rules.schedule })}</li>` : nothing}
    ${(rules.groups ?? []).map((/** @type {string} */ name) => html`<li class="tag">${name}</li>`)}
    ${until ? html`<li class="tag">${t('people.tag.until', { time: timeText(until) })}</li>` : nothing}
    ${usesLeft === undefined ? nothing : html`<li class="tag">${t('people.tag.uses', { count: usesLeft })}</li>`}
    ${
      rules.pinNeeded || needs.includes('pin')
        ? html`<li class="tag">${t('people.tag.pin-needed')}</li>`
        : rules.pinOpens
          ? html`<li class="tag">${t('people.tag.pin-opens')}</li>`
          : rules.hasPin
            ? html`<li class="tag">${t('people.tag.pin')}</li>`
            : nothing
    }
    ${needs.includes('second-person') ? html`<li class="tag">${t('people.tag.second-person')}</li>` : nothing}
    ${consent ? html`<li class="tag">${t('people.tag.consent', { version: consent.version })}</li>` : nothing}
  </ul>`;
}
