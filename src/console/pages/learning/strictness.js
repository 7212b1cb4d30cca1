/** How strict? The scores of this door as two histograms, with the threshold as a line that can be moved. */
import { html, nothing } from 'lit';
import uPlot from 'uplot';
import { ask } from '../api.js';
import { PageElement } from '../element.js';
import { said } from '../said.js';
import { decimalText } from '../timeline/entry-words.js';
import { percentText, t } from '../words.js';
import { rateAt, reaching, settingOf, shareInterval, sharesOf, sumOf } from './rates.js';

/** Bins of the picture, in bins of the scores. */
const drawn = 10;
const height = 260;

class StrictnessPart extends PageElement {
  static properties = { scores: { state: true }, at: { state: true }, problem: { state: true } };

  constructor() {
    super();
    /** As `strictness.show` answers. @type {any} */
    this.scores = undefined;
    /** The threshold that is looked at. Logit. */
    this.at = 0;
    this.problem = '';
    this.lineColour = '';
    /** @type {uPlot | undefined} */
    this.plot = undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    if (!document.querySelector('link[href$="uPlot.min.css"]')) {
      const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: 'lib/uplot/uPlot.min.css' });
      document.head.append(link);
    }
    const resized = new ResizeObserver(() => this.fit());
    resized.observe(this);
    const themed = new MutationObserver(() => this.draw());
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    this.until(() => resized.disconnect());
    this.until(() => themed.disconnect());
    this.until(() => this.plot?.destroy());
    void this.load();
  }

  async load() {
    this.problem = '';
    try {
      this.scores = await ask('strictness.show');
      this.at = this.rounded(this.scores.threshold.logit);
      await this.updateComplete;
      this.draw();
    } catch (error) {
      this.problem = said(error);
    }
  }

  /** @param {number} logit */
  rounded(logit) {
    const { from, step, genuine } = this.scores;
    const most = from + step * (genuine.length - 1);
    return Math.min(most, Math.max(from, Math.round(logit / step) * step));
  }

  /** @param {number} logit */
  moveTo(logit) {
    this.at = this.rounded(logit);
    this.plot?.redraw(false);
  }

  fit() {
    const place = this.querySelector('.plot');
    if (this.plot && place && place.clientWidth > 0 && this.plot.width !== place.clientWidth)
      this.plot.setSize({ width: place.clientWidth, height });
  }

  draw() {
    const place = /** @type {HTMLElement | null} */ (this.querySelector('.plot'));
    if (!place || !this.scores) return;
    this.plot?.destroy();
    const { from, step, genuine, granted, strangers } = this.scores;
    const people = genuine.map((/** @type {number} */ count, /** @type {number} */ n) => count + granted[n]);
    const xs = sharesOf(strangers, drawn).map((_, n) => from + n * drawn * step);
    const colour = (/** @type {string} */ name) => colourOf(place, name);
    this.lineColour = colour('--focus');
    const bars = uPlot.paths.bars?.({ align: 1, size: [1, Number.POSITIVE_INFINITY] });
    /** @param {string} label @param {string} name */
    const series = (label, name) => ({
      label,
      stroke: colour(name),
      fill: colour(name).replace(/^rgb\((.*)\)$/, 'rgba($1, 0.4)'),
      width: 1,
      points: { show: false },
      ...(bars && { paths: bars }),
    });
    const axis = { stroke: colour('--text'), grid: { stroke: colour('--line') }, ticks: { stroke: colour('--line') } };
    this.plot = new uPlot(
      {
        ...{ width: place.clientWidth || 300, height },
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false } },
        axes: [
          { ...axis, label: t('learning.strict.axis') },
          { ...axis, values: (_, shares) => shares.map((share) => percentText(share)) },
        ],
        series: [{}, series(t('learning.strict.strangers'), '--bad'), series(t('learning.strict.people'), '--good')],
        hooks: { draw: [(plot) => this.line(plot)], ready: [(plot) => this.drag(plot)] },
      },
      [xs, sharesOf(strangers, drawn), sharesOf(people, drawn)],
      place,
    );
  }

  /** @param {uPlot} plot */
  line({ ctx, bbox, valToPos }) {
    const x = valToPos(this.at, 'x', true);
    ctx.save();
    ctx.strokeStyle = this.lineColour;
    ctx.lineWidth = 3 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }

  /** @param {uPlot} plot */
  drag(plot) {
    const move = (/** @type {PointerEvent} */ event) => {
      if (event.buttons === 0 && event.type === 'pointermove') return;
      this.moveTo(plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, 'x'));
    };
    plot.over.addEventListener('pointerdown', (event) => {
      plot.over.setPointerCapture(event.pointerId);
      move(event);
    });
    plot.over.addEventListener('pointermove', move);
  }

  render() {
    const { scores, problem } = this;
    if (problem) return html`<p class="notice bad" role="alert">${problem} <button @click=${this.load}>${t('timeline.retry')}</button></p>`;
    if (!scores) return html`<p class="quiet" role="status">${t('learning.strict.measuring')}</p>`;
    if (scores.policy === 'paper') return html`<p class="card">${t('learning.strict.paper')}</p>`;
    const { from, step, genuine } = scores;
    const read = this.reading();
    return html`<div class="card strictness">
      <p class="legend">
        <span><span class="swatch bad" aria-hidden="true"></span>${t('learning.strict.strangers-of', { count: sumOf(scores.strangers) })}</span>
        <span><span class="swatch good" aria-hidden="true"></span>${t('learning.strict.people-of', { count: sumOf(scores.granted) + sumOf(genuine) })}</span>
      </p>
      <div class="plot" aria-hidden="true"></div>
      <label
        >${t('learning.strict.slider')}
        <input
          type="range"
          min=${from}
          max=${from + step * (genuine.length - 1)}
          step=${step}
          .value=${String(this.at)}
          aria-valuetext=${`${decimalText(this.at)}: ${read.oneIn}`}
          @input=${(/** @type {InputEvent} */ event) => this.moveTo(Number(/** @type {HTMLInputElement} */ (event.currentTarget).value))}
        />
      </label>
      <output class="reading" role="status">
        <strong>${read.oneIn}</strong>
        <span>${t('learning.strict.at', { likeness: decimalText(this.at), now: decimalText(scores.threshold.logit) })}</span>
      </output>
      <ul>
        ${read.lines.map((line) => html`<li>${line}</li>`)}
      </ul>
      ${this.apply()}
    </div>`;
  }

  reading() {
    const { scores, at } = this;
    const found = rateAt(scores.rates, at);
    const form = found?.end ? `learning.strict.one-in.${found.end}` : 'learning.strict.one-in';
    const oneIn = found ? t(form, { n: roundedText(1 / found.rate) }) : '';
    const [strangers, granted] = [sumOf(scores.strangers), sumOf(scores.granted)];
    const [genuine, turned] = [sumOf(scores.genuine), sumOf(scores.turnedAway)];
    const hits = reaching(scores, scores.strangers, at);
    const { low, high } = shareInterval(hits, strangers);
    const lost = genuine - reaching(scores, scores.genuine, at);
    const lines = [
      strangers === 0
        ? t('learning.strict.no-strangers')
        : hits === 0
          ? t('learning.strict.none-reach', { all: strangers, high: roundedText(1 / high) })
          : t('learning.strict.some-reach', { hits, all: strangers, low: roundedText(1 / high), high: roundedText(1 / low) }),
      ...(found?.extrapolated ? [t('learning.strict.extrapolated')] : []),
      ...(genuine === 0 ? [] : [t('learning.strict.genuine', { lost, all: genuine, share: percentText(lost / genuine, 1) })]),
      t('learning.strict.granted', { lost: granted - reaching(scores, scores.granted, at), all: granted, days: scores.days }),
      t('learning.strict.turned', { found: reaching(scores, scores.turnedAway, at), all: turned, days: scores.days }),
      ...(scores.cut ? [t('learning.strict.cut')] : []),
    ];
    return { oneIn, lines };
  }

  apply() {
    const { scores, at } = this;
    const found = rateAt(scores.rates, at);
    if (!found) return nothing;
    const rate = settingOf(found.rate);
    const isNow = rate === scores.targetFmr || Math.abs(at - scores.threshold.logit) <= scores.step;
    const isLaxer = !isNow && rate > scores.targetFmr;
    return html`<h3>${t('learning.strict.apply')}</h3>
      ${isLaxer ? html`<p class="notice bad">${t('learning.strict.laxer', { times: roundedText(rate / scores.targetFmr) })}</p>` : nothing}
      <p>${t(isNow ? 'learning.strict.is-now' : 'learning.strict.how')}</p>
      <pre tabindex="0" aria-label=${t('learning.strict.line')}>"identity": { "targetFmr": ${isNow ? scores.targetFmr : rate} }</pre>
      <button @click=${() => this.moveTo(scores.threshold.logit)} ?disabled=${isNow}>${t('learning.strict.back')}</button>`;
  }
}
customElements.define('strictness-part', StrictnessPart);

/**
 * A colour of the theme as a canvas takes it: what a property holds may be a choice between two.
 * @param {Element} place @param {string} name
 */
function colourOf(place, name) {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  place.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Two digits are all that is known. @param {number} value */
const roundedText = (value) => (Number.isFinite(value) ? Number(value.toPrecision(2)) : 0);
