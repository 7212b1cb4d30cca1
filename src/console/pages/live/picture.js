/**
 * The camera's picture with the faces in it: moments of the live stream go in; the picture is drawn, and a frame for each
 * face in it with its name or the reason why it is not compared.
 */
import { html, nothing, svg } from 'lit';
import { requestFile } from '../api.js';
import { PageElement } from '../element.js';
import { percentText, t } from '../words.js';

class LivePicture extends PageElement {
  static properties = { moment: {}, shown: { state: true } };

  constructor() {
    super();
    /** The newest moment. @type {any} */
    this.moment = undefined;
    /** The moment whose picture is drawn. @type {any} */
    this.shown = undefined;
    this.busy = false;
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has('moment')) void this.draw();
  }

  /** One picture at a time: what comes meanwhile is left out. */
  async draw() {
    const { moment } = this;
    if (!moment || this.busy) return;
    this.busy = true;
    try {
      const bitmap = await createImageBitmap(await requestFile(`live/${moment.n}`), { imageOrientation: 'from-image' });
      const canvas = this.querySelector('canvas');
      if (canvas) paint(canvas, bitmap);
      bitmap.close();
      this.shown = moment;
    } catch {
      // A picture that does not come is followed by the next; a lost connection is told elsewhere.
    } finally {
      this.busy = false;
      if (this.moment !== moment && this.isConnected) void this.draw();
    }
  }

  render() {
    const { shown } = this;
    return html`<div class="picture">
      <canvas role="img" aria-label=${shown ? t('live.picture', { who: whoText(shown) }) : t('live.waiting')} width="640" height="480"></canvas>
      ${
        shown
          ? html`<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">${shown.faces.map((/** @type {any} */ face) => frameOf(face, shown))}</svg>
              ${shown.faces.map((/** @type {any} */ face) => captionOf(face, shown))}`
          : nothing
      }
    </div>`;
  }
}
customElements.define('live-picture', LivePicture);

/** @param {HTMLCanvasElement} canvas @param {ImageBitmap} bitmap */
function paint(canvas, bitmap) {
  const { width, height } = bitmap;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
}

/** @param {any} face @param {any} moment */
const kindOf = (face, moment) => {
  if (!face.dominant || face.quality.length > 0) return 'unsure';
  return moment.finding === 'person' ? 'known' : moment.finding === 'unknown' ? 'unknown' : 'unsure';
};

/** @param {any} face @param {any} moment */
const frameOf = (face, moment) =>
  svg`<rect class=${`live-face ${kindOf(face, moment)}`} x=${face.left * 100} y=${face.top * 100} width=${face.width * 100} height=${face.height * 100} rx="1.5" />`;

/** @param {any} face @param {any} moment */
function captionOf(face, moment) {
  const text = face.quality.length > 0 ? t(`quality.${face.quality[0]}`) : face.dominant ? whoText(moment) : t('live.beside');
  // Through the style object: an attribute would need an exception in the page's policy.
  return html`<span class=${`caption ${kindOf(face, moment)}`} .style=${`left:${face.left * 100}%;top:${(face.top + face.height) * 100}%`}>${text}</span>`;
}

/** @param {any} moment */
export function whoText(moment) {
  const { finding, person, likeness } = moment;
  const share = likeness === undefined ? '' : ` · ${percentText(likeness, likeness > 0.99 ? 2 : 0)}`;
  if (finding === 'person') return `${person?.name ?? t('live.somebody')}${share}`;
  return `${t(`live.finding.${finding}`)}${finding === 'unknown' ? share : ''}`;
}
