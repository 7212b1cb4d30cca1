/**
 * Areas of the picture in which faces count, or do not: drawn with a finger or a mouse, moved corner by corner with the
 * arrow keys. Corners are shares of the picture's width and height, as in `camera.zones`.
 */
import { html, svg } from 'lit';
import { PageElement } from '../element.js';
import { percentText, t } from '../words.js';

/** @typedef {[number, number][]} Polygon */
/** @typedef {{ include: Polygon[], ignore: Polygon[] }} Zones */
/** @typedef {'include' | 'ignore'} Kind */

/** As the settings allow. */
const mostAreas = 16;
const mostCorners = 64;
const stepShare = 0.01;

/** @param {number} share */
const within = (share) => Math.round(Math.min(1, Math.max(0, share)) * 1000) / 1000;

class ZoneEditor extends PageElement {
  static properties = { size: {}, zones: {}, kind: { state: true }, drawn: { state: true }, moving: { state: true } };

  constructor() {
    super();
    this.size = { width: 640, height: 480 };
    /** @type {Zones} */
    this.zones = { include: [], ignore: [] };
    /** Of the next area. @type {Kind} */
    this.kind = 'ignore';
    /** The rectangle that is being drawn. @type {{ from: [number, number], to: [number, number] } | undefined} */
    this.drawn = undefined;
    /** The corner that is being dragged. @type {{ kind: Kind, area: number, corner: number } | undefined} */
    this.moving = undefined;
  }

  /** @param {Kind} kind @param {(areas: Polygon[]) => Polygon[]} change */
  change(kind, change) {
    this.dispatchEvent(new CustomEvent('zones', { detail: { ...this.zones, [kind]: change(this.zones[kind]) } }));
  }

  /** @param {{ kind: Kind, area: number, corner: number }} which @param {[number, number]} to */
  move({ kind, area, corner }, to) {
    const place = /** @type {[number, number]} */ (to.map(within));
    this.change(kind, (areas) =>
      areas.map((polygon, at) => (at === area ? polygon.map((each, n) => (n === corner ? place : each)) : polygon)),
    );
  }

  /** @param {Kind} kind @param {Polygon} polygon */
  add(kind, polygon) {
    if (this.zones[kind].length < mostAreas) this.change(kind, (areas) => [...areas, polygon]);
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  placeOf(event) {
    const { left, top, width, height } = /** @type {SVGElement} */ (this.querySelector('svg')).getBoundingClientRect();
    return [within((event.clientX - left) / width), within((event.clientY - top) / height)];
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button !== 0) return;
    const { kind, area, corner } = /** @type {SVGElement} */ (event.target).dataset;
    /** @type {Element} */ (event.currentTarget).setPointerCapture(event.pointerId);
    if (kind === undefined) this.drawn = { from: this.placeOf(event), to: this.placeOf(event) };
    else this.moving = { kind: /** @type {Kind} */ (kind), area: Number(area), corner: Number(corner) };
  }

  /** @param {PointerEvent} event */
  dragged(event) {
    if (this.moving) this.move(this.moving, this.placeOf(event));
    else if (this.drawn) this.drawn = { ...this.drawn, to: this.placeOf(event) };
  }

  up() {
    const { drawn } = this;
    this.moving = undefined;
    this.drawn = undefined;
    if (!drawn) return;
    const [[x1, y1], [x2, y2]] = [drawn.from, drawn.to];
    // A touch is no area.
    if (Math.abs(x2 - x1) < 0.03 || Math.abs(y2 - y1) < 0.03) return;
    this.add(this.kind, [
      [x1, y1],
      [x2, y1],
      [x2, y2],
      [x1, y2],
    ]);
  }

  /** @param {KeyboardEvent} event @param {{ kind: Kind, area: number, corner: number }} which */
  key(event, which) {
    const [x, y] = this.zones[which.kind][which.area]?.[which.corner] ?? [0, 0];
    const step = event.shiftKey ? stepShare * 5 : stepShare;
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (by) this.move(which, [x + (by[0] ?? 0), y + (by[1] ?? 0)]);
    else if (event.key === 'Delete' || event.key === 'Backspace') this.removeCorner(which);
    else return;
    event.preventDefault();
  }

  /** @param {{ kind: Kind, area: number, corner: number }} which */
  removeCorner({ kind, area, corner }) {
    this.change(kind, (areas) =>
      areas.map((polygon, at) => (at === area && polygon.length > 3 ? polygon.filter((_, n) => n !== corner) : polygon)),
    );
  }

  /** In the middle of the longest side. @param {Kind} kind @param {number} area */
  addCorner(kind, area) {
    const polygon = this.zones[kind][area] ?? [];
    if (polygon.length >= mostCorners) return;
    const next = (/** @type {number} */ n) => polygon[(n + 1) % polygon.length] ?? [0, 0];
    const lengths = polygon.map(([x, y], n) => Math.hypot(next(n)[0] - x, next(n)[1] - y));
    const after = lengths.indexOf(Math.max(...lengths));
    const [x, y] = polygon[after] ?? [0, 0];
    const middle = /** @type {[number, number]} */ ([within((x + next(after)[0]) / 2), within((y + next(after)[1]) / 2)]);
    this.change(kind, (areas) => areas.map((each, at) => (at === area ? each.toSpliced(after + 1, 0, middle) : each)));
  }

  render() {
    const { width, height } = this.size;
    const kinds = /** @type {Kind[]} */ (['ignore', 'include']);
    return html`<svg viewBox=${`0 0 ${width} ${height}`} class="zones" role="group" aria-label=${t('system.zones')}
        @pointerdown=${this.down} @pointermove=${this.dragged} @pointerup=${this.up} @pointercancel=${this.up}>
        ${kinds.map((kind) => this.zones[kind].map((polygon, area) => this.area(kind, polygon, area)))}
        ${this.drawn ? svg`<polygon class=${`zone ${this.kind}`} points=${this.points([this.drawn.from, [this.drawn.to[0], this.drawn.from[1]], this.drawn.to, [this.drawn.from[0], this.drawn.to[1]]])} />` : ''}
      </svg>
      <fieldset class="zone-list">
        <legend>${t('system.zones')}</legend>
        <p>${t('system.zones-how')}</p>
        <div class="row">
          ${kinds.map((kind) => html`<label><input type="radio" name="zone-kind" .checked=${kind === this.kind} @change=${() => (this.kind = kind)} /> ${t(`system.zone.${kind}`)}</label>`)}
          <button type="button" @click=${() =>
            this.add(this.kind, [
              [0.35, 0.35],
              [0.65, 0.35],
              [0.65, 0.65],
              [0.35, 0.65],
            ])}>${t('system.zone-add')}</button>
        </div>
        <ul class="plain">
          ${kinds.map((kind) =>
            this.zones[kind].map(
              (
                polygon,
                area,
              ) => html`<li class="row"><span class=${`tag zone-${kind}`}>${t(`system.zone-name.${kind}`, { number: area + 1 })}</span>
                <span class="quiet">${t('system.corners', { count: polygon.length })}</span>
                <button type="button" @click=${() => this.addCorner(kind, area)}>${t('system.corner-add')}</button>
                <button type="button" class="danger" @click=${() => this.change(kind, (areas) => areas.filter((_, at) => at !== area))}>${t('system.zone-remove')}</button></li>`,
            ),
          )}
        </ul>
      </fieldset>`;
  }

  /** @param {Polygon} polygon */
  points(polygon) {
    return polygon.map(([x, y]) => `${x * this.size.width},${y * this.size.height}`).join(' ');
  }

  /** @param {Kind} kind @param {Polygon} polygon @param {number} area */
  area(kind, polygon, area) {
    const radius = this.size.width * 0.022;
    return svg`<polygon class=${`zone ${kind}`} points=${this.points(polygon)} />
      ${polygon.map(
        ([x, y], corner) => svg`<circle class=${`corner ${kind}`} tabindex="0" role="button" r=${radius}
          cx=${x * this.size.width} cy=${y * this.size.height} data-kind=${kind} data-area=${area} data-corner=${corner}
          aria-label=${t('system.corner', { zone: t(`system.zone-name.${kind}`, { number: area + 1 }), number: corner + 1, left: percentText(x), top: percentText(y) })}
          @keydown=${(/** @type {KeyboardEvent} */ event) => this.key(event, { kind, area, corner })} />`,
      )}`;
  }
}
customElements.define('zone-editor', ZoneEditor);
