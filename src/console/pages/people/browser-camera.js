/**
 * Enrolment with the camera of this phone or laptop: a circle to put the face in, a count-down, and a picture for each
 * pose; what the door refuses is said at once and taken again.
 */
import { html, nothing } from 'lit';
import { PageElement } from '../element.js';
import { t } from '../words.js';
import { verdictText } from './shots.js';

const poses = ['straight', 'left', 'right'];
const stepMs = 700;
const stepsBefore = 3;
/** After so many refusals in a row somebody reads what is wrong first. */
const mostRefusals = 8;
/** The longer side of what is sent, pixels: the door keeps no more. */
const mostPixels = 1280;

class EnrolCamera extends PageElement {
  static properties = {
    ...{ judge: {}, state: { state: true }, pose: { state: true }, left: { state: true }, verdict: { state: true }, last: { state: true } },
    ...{ facing: { state: true }, problem: { state: true } },
  };

  constructor() {
    super();
    /** @type {(picture: Blob, source: string) => Promise<any>} */
    this.judge = async () => ({});
    /** @type {'off' | 'asking' | 'ready' | 'counting' | 'judging' | 'done' | 'failed'} */
    this.state = 'off';
    this.pose = 0;
    /** Steps of the count-down. */
    this.left = 0;
    this.verdict = '';
    /** @type {'' | 'good' | 'bad'} */
    this.last = '';
    this.facing = 'user';
    this.problem = '';
    /** @type {MediaStream | undefined} */
    this.stream = undefined;
    /** Counts runs: an older one ends by itself. */
    this.run = 0;
    this.timer = 0;
  }

  connectedCallback() {
    super.connectedCallback();
    this.until(() => this.close());
  }

  close() {
    this.run++;
    clearTimeout(this.timer);
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = undefined;
  }

  async open() {
    this.close();
    const run = this.run;
    this.state = 'asking';
    this.problem = '';
    try {
      if (!navigator.mediaDevices) throw new DOMException('', 'SecurityError');
      const video = { facingMode: this.facing, width: { ideal: 1280 }, height: { ideal: 960 } };
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      if (run !== this.run) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      this.stream = stream;
      this.state = 'ready';
      await this.updateComplete;
      const shown = /** @type {HTMLVideoElement} */ (this.querySelector('video'));
      shown.srcObject = stream;
      await shown.play();
    } catch (error) {
      if (run !== this.run) return;
      this.state = 'failed';
      this.problem = t(`people.camera.${failureOf(/** @type {Error} */ (error))}`);
    }
  }

  turnAround() {
    this.facing = this.facing === 'user' ? 'environment' : 'user';
    void this.open();
  }

  /** Takes a picture of each pose that is left. */
  async take() {
    const run = ++this.run;
    this.problem = '';
    let refusals = 0;
    for (; this.pose < poses.length && refusals < mostRefusals; ) {
      this.state = 'counting';
      for (this.left = stepsBefore; this.left > 0; this.left--) {
        await new Promise((resolve) => (this.timer = setTimeout(resolve, stepMs)));
        if (run !== this.run) return;
      }
      this.state = 'judging';
      const outcome = await this.shot().catch(() => undefined);
      if (run !== this.run) return;
      if (!outcome) break;
      this.last = outcome.accepted ? 'good' : 'bad';
      this.verdict = verdictText(outcome);
      if (outcome.accepted) this.pose++;
      refusals = outcome.accepted ? 0 : refusals + 1;
    }
    this.state = this.pose === poses.length ? 'done' : 'ready';
  }

  async shot() {
    const video = /** @type {HTMLVideoElement} */ (this.querySelector('video'));
    const scale = Math.min(1, mostPixels / Math.max(video.videoWidth, video.videoHeight));
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.92));
    return picture ? await this.judge(picture, `camera, ${poses[this.pose]}`) : undefined;
  }

  pause() {
    this.run++;
    clearTimeout(this.timer);
    this.state = 'ready';
  }

  again() {
    this.pose = 0;
    this.verdict = '';
    this.last = '';
    void this.take();
  }

  render() {
    const live = this.stream !== undefined;
    const busy = this.state === 'counting' || this.state === 'judging';
    return html`<section class="card enrol-camera" aria-label=${t('people.enrol.way.camera')}>
      ${live ? nothing : html`<p>${t('people.camera.about')}</p>`}
      ${
        live
          ? html`<div class=${`stage ${this.last}`}>
              <video playsinline muted class=${this.facing === 'user' ? 'mirrored' : ''} aria-label=${t('people.camera.picture')}></video>
              <span class="ring" aria-hidden="true"></span>
              ${this.state === 'counting' ? html`<span class="count" aria-hidden="true">${this.left}</span>` : nothing}
            </div>`
          : nothing
      }
      <p class="pose" aria-live="assertive">
        ${
          live && this.state !== 'done'
            ? html`<strong>${t(`people.pose.${poses[this.pose] ?? 'straight'}`)}</strong>
                <span class="quiet">${t('people.camera.of', { number: this.pose + 1, all: poses.length })}</span>`
            : nothing
        }
        ${this.state === 'done' ? html`<strong>${t('people.camera.done')}</strong>` : nothing}
      </p>
      <p class=${`verdict ${this.last}`} role="status">
        ${this.state === 'judging' ? t('people.camera.judging') : this.verdict}
      </p>
      ${this.problem ? html`<p class="notice bad" role="alert">${this.problem}</p>` : nothing}
      <div class="row">
        ${live ? nothing : html`<button class="main" ?disabled=${this.state === 'asking'} @click=${this.open}>${t('people.camera.open')}</button>`}
        ${live && this.state === 'ready' ? html`<button class="main" @click=${this.take}>${t('people.camera.start')}</button>` : nothing}
        ${busy ? html`<button @click=${this.pause}>${t('people.camera.pause')}</button>` : nothing}
        ${this.state === 'done' ? html`<button @click=${this.again}>${t('people.camera.again')}</button>` : nothing}
        ${live && !busy ? html`<button @click=${this.turnAround}>${t('people.camera.other')}</button>` : nothing}
      </div>
    </section>`;
  }
}
customElements.define('enrol-camera', EnrolCamera);

/** @param {Error} error */
function failureOf({ name }) {
  if (name === 'NotAllowedError') return 'denied';
  if (name === 'SecurityError') return 'insecure';
  return name === 'NotFoundError' || name === 'OverconstrainedError' ? 'none' : 'busy';
}
