/** This device's camera as the camera of the door: pictures go to the door one after the other, until it is stopped. */
import { html, nothing } from 'lit';
import { request } from '../api.js';
import { PageElement } from '../element.js';
import { said } from '../said.js';
import { t } from '../words.js';

const mostWidth = 640;
/** Milliseconds between two pictures. */
const everyMs = 100;

class OwnCamera extends PageElement {
  static properties = { running: { state: true }, problem: { state: true } };

  constructor() {
    super();
    this.running = false;
    this.problem = '';
    /** @type {MediaStream | undefined} */
    this.stream = undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    this.until(() => this.stop());
  }

  async start() {
    this.problem = '';
    if (!navigator.mediaDevices) {
      this.problem = t('live.own.insecure');
      return;
    }
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: mostWidth, facingMode: 'user' } });
    } catch (error) {
      this.problem = t(/** @type {Error} */ (error).name === 'NotAllowedError' ? 'live.own.refused' : 'live.own.none');
      return;
    }
    this.running = true;
    await this.updateComplete;
    const video = this.querySelector('video');
    if (!video) return;
    video.srcObject = this.stream;
    await video.play();
    void this.send(video);
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = undefined;
    this.running = false;
  }

  /** @param {HTMLVideoElement} video */
  async send(video) {
    const scale = Math.min(1, mostWidth / video.videoWidth);
    const canvas = new OffscreenCanvas(Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale));
    const context = canvas.getContext('2d');
    while (this.running && context) {
      const begun = performance.now();
      context.drawImage(video, 0, 0, canvas.width, canvas.height);
      try {
        await request('camera/picture', { method: 'POST', body: await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 }) });
        this.problem = '';
      } catch (error) {
        this.problem = said(error);
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, everyMs - (performance.now() - begun))));
    }
  }

  render() {
    return html`<div class="card own-camera">
      <h2>${t('live.own.title')}</h2>
      <p class="quiet">${t('live.own.text')}</p>
      ${this.running ? html`<video muted playsinline aria-label=${t('live.own.title')}></video>` : nothing}
      <p role="alert" class=${this.problem ? 'notice bad' : ''}>${this.problem}</p>
      <button class=${this.running ? '' : 'main'} @click=${() => (this.running ? this.stop() : this.start())}>
        ${t(this.running ? 'live.own.stop' : 'live.own.start')}
      </button>
    </div>`;
  }
}
customElements.define('own-camera', OwnCamera);
