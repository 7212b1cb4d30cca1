/**
 * The camera's settings over its live picture: how it is turned, which areas count, and what the light is like. The door
 * reads these settings at its start: the lines for its configuration are shown to copy.
 */
import { html, nothing } from 'lit';
import { requestFile } from '../api.js';
import { PageElement } from '../element.js';
import { listenTo } from '../live-stream.js';
import { percentText, t } from '../words.js';
import { asked, copyBlock, problemNotice } from './asked.js';
import { hintsOf, lightOf } from './light.js';
import './zones.js';

const turns = ['auto', '0', '90', '180', '270'];
const mostRemembered = 30;

class SystemCamera extends PageElement {
  static properties = {
    settings: { state: true },
    rotate: { state: true },
    mirror: { state: true },
    zones: { state: true },
    size: { state: true },
    light: { state: true },
    seen: { state: true },
    problem: { state: true },
  };

  constructor() {
    super();
    /** `camera.*` as in force. @type {Record<string, any> | undefined} */
    this.settings = undefined;
    this.rotate = 'auto';
    this.mirror = false;
    /** @type {import('./zones.js').Zones} */
    this.zones = { include: [], ignore: [] };
    /** Of the upright picture; undefined while there is none. @type {{ width: number, height: number } | undefined} */
    this.size = undefined;
    /** @type {import('./light.js').Light | undefined} */
    this.light = undefined;
    /** Quality reasons of the last faces, the newest last. @type {string[][]} */
    this.seen = [];
    this.problem = '';
    this.busy = false;
  }

  connectedCallback() {
    super.connectedCallback();
    void this.load();
    this.until(listenTo('moment', (moment) => void this.draw(moment)));
  }

  async load() {
    const { result, problem } = await asked('config.get', { path: 'camera' });
    this.problem = problem ?? '';
    if (!result) return;
    this.settings = result.settings;
    this.rotate = result.settings['camera.rotate'];
    this.mirror = result.settings['camera.mirror'];
    const { include = [], ignore = [] } = result.settings['camera.zones'];
    this.zones = { include, ignore };
  }

  /** One picture at a time: what comes meanwhile is left out. @param {any} moment */
  async draw(moment) {
    if (moment.faces.length > 0) this.seen = [...this.seen, moment.faces[0].quality].slice(-mostRemembered);
    if (this.busy) return;
    this.busy = true;
    try {
      const bitmap = await createImageBitmap(await requestFile(`live/${moment.n}`), { imageOrientation: 'from-image' });
      const canvas = this.querySelector('canvas');
      if (canvas) {
        paint(canvas, bitmap, this.change());
        this.light = lightOf(bitmap);
        const { width, height } = canvas;
        if (this.size?.width !== width || this.size?.height !== height) this.size = { width, height };
      }
      bitmap.close();
    } catch {
      // The next picture comes; a lost connection is told elsewhere.
    } finally {
      this.busy = false;
    }
  }

  /** What is to be done with a picture that is turned as the settings in force say. */
  change() {
    const degrees = (/** @type {string} */ turn) => (turn === 'auto' ? 0 : Number(turn));
    const isMirrored = this.inForce('mirror') === true;
    const by = degrees(this.rotate) - degrees(this.inForce('rotate') ?? 'auto');
    // A turn on the other side of a mirror goes the other way.
    return { turn: (((isMirrored ? -by : by) % 360) + 360) % 360, mirrored: this.mirror !== isMirrored };
  }

  render() {
    return html`<h2>${t('system.camera')}</h2>
      ${problemNotice(this.problem)}
      <div class="camera-setup">
        <div class="camera-picture">
          <canvas role="img" aria-label=${t(this.size ? 'system.preview' : 'system.preview-waiting')} width="640" height="480"></canvas>
          ${this.size ? html`<zone-editor .size=${this.size} .zones=${this.zones} @zones=${(/** @type {CustomEvent} */ event) => (this.zones = event.detail)}></zone-editor>` : nothing}
        </div>
        <div>${this.hints()} ${this.form()} ${this.lines()}</div>
      </div>`;
  }

  /** What is wrong with the light and the mounting, and what helps. */
  hints() {
    const hints = hintsOf(this.light, this.seen);
    return html`<section aria-labelledby="camera-hints">
      <h3 id="camera-hints">${t('system.hints')}</h3>
      <div role="status">
        ${hints.map((hint) => html`<p class="notice">${t(`system.hint.${hint}`)}</p>`)}
        ${hints.length === 0 ? html`<p class="quiet">${t(this.seen.length === 0 ? 'system.hints-nobody' : 'system.hints-none')}</p>` : nothing}
      </div>
      ${this.light ? html`<p class="quiet">${t('system.light', { mean: percentText(this.light.mean), bright: percentText(this.light.bright) })}</p>` : nothing}
    </section>`;
  }

  form() {
    return html`<section aria-labelledby="camera-mounting">
      <h3 id="camera-mounting">${t('system.mounting')}</h3>
      <label>${t('system.rotate')}
        <select @change=${(/** @type {any} */ event) => (this.rotate = event.target.value)}>${turns.map((turn) => html`<option value=${turn} ?selected=${turn === this.rotate}>${t(`system.rotate.${turn}`)}</option>`)}</select>
      </label>
      <label><input type="checkbox" .checked=${this.mirror} @change=${(/** @type {any} */ event) => (this.mirror = event.target.checked)} /> ${t('system.mirror')}</label>
    </section>`;
  }

  /** Exactly what is to stand in the configuration. */
  lines() {
    if (!this.settings) return nothing;
    const wanted = { rotate: this.rotate, mirror: this.mirror, zones: this.zones };
    const changed = Object.entries(wanted).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(this.inForce(name)));
    return html`<section aria-labelledby="camera-lines">
      <h3 id="camera-lines">${t('system.lines')}</h3>
      ${
        changed.length === 0
          ? html`<p class="quiet">${t('system.lines-none')}</p>`
          : html`<p>${t('system.lines-how')}</p>
            ${copyBlock(`"camera": ${JSON.stringify(Object.fromEntries(changed), null, 2).replaceAll(/\[\s+([\d.]+),\s+([\d.]+)\s+\]/g, '[$1, $2]')}`, t('system.lines-copy'))}
            <p>${t('system.restart')}</p>${copyBlock('sudo systemctl restart facelatch', t('system.commands'))}`
      }
    </section>`;
  }

  /** @param {string} name */
  inForce(name) {
    const value = this.settings?.[`camera.${name}`];
    return name === 'zones' ? { include: value?.include ?? [], ignore: value?.ignore ?? [] } : value;
  }
}
customElements.define('system-camera', SystemCamera);

/**
 * @param {HTMLCanvasElement} canvas @param {ImageBitmap} bitmap
 * @param {{ turn: number, mirrored: boolean }} how turned clockwise, then mirrored
 */
function paint(canvas, bitmap, { turn, mirrored }) {
  const onSide = turn === 90 || turn === 270;
  const [width, height] = onSide ? [bitmap.height, bitmap.width] : [bitmap.width, bitmap.height];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d');
  if (!context) return;
  context.setTransform(mirrored ? -1 : 1, 0, 0, 1, width / 2, height / 2);
  context.rotate((turn * Math.PI) / 180);
  context.drawImage(bitmap, -bitmap.width / 2, -bitmap.height / 2);
}
