/** Enrolment from files: chosen, dropped or photographed; each is sent and judged in its turn. */
import { html, nothing } from 'lit';
import { PageElement } from '../element.js';
import { t } from '../words.js';

/** What the door reads. Everything else, and what is larger than it keeps, is drawn anew by the browser. */
const known = ['image/jpeg', 'image/png', 'image/webp'];
const plentyBytes = 3_000_000;
/** The longer side of what is drawn anew, pixels. */
const mostPixels = 2000;

class EnrolUpload extends PageElement {
  static properties = { judge: {}, maxBytes: {}, over: { state: true }, waiting: { state: true } };

  constructor() {
    super();
    /** @type {(picture: Blob, source: string) => Promise<any>} */
    this.judge = async () => ({});
    this.maxBytes = 8_000_000;
    this.over = false;
    this.waiting = 0;
    this.stopped = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.stopped = false;
    this.until(() => (this.stopped = true));
  }

  /** @param {Iterable<File>} files */
  async take(files) {
    const all = [...files];
    this.waiting += all.length;
    for (const file of all) {
      if (this.stopped) return;
      try {
        const picture = await sendable(file);
        if (picture && picture.size <= this.maxBytes) await this.judge(picture, file.name);
        else this.refuse(file, picture ? 'too-large' : file.size > this.maxBytes ? 'too-large' : 'not-a-picture');
      } catch {
        // The page says what was wrong with the request.
      }
      this.waiting--;
    }
  }

  /** @param {File} file @param {string} reason */
  refuse(file, reason) {
    const detail = t('people.upload.limit', { megabytes: this.maxBytes / 1e6 });
    this.dispatchEvent(new CustomEvent('refused', { detail: { file, outcome: { accepted: false, reasons: [reason], detail } } }));
  }

  /** @param {DragEvent} event */
  dropped(event) {
    event.preventDefault();
    this.over = false;
    void this.take(event.dataTransfer?.files ?? []);
  }

  /** @param {Event} event */
  chosen(event) {
    const input = /** @type {HTMLInputElement} */ (event.target);
    void this.take([...(input.files ?? [])]);
    input.value = '';
  }

  render() {
    return html`<section
      class=${`card enrol-drop ${this.over ? 'over' : ''}`}
      aria-label=${t('people.enrol.way.upload')}
      @dragover=${(/** @type {DragEvent} */ event) => {
        event.preventDefault();
        this.over = true;
      }}
      @dragleave=${() => (this.over = false)}
      @drop=${this.dropped}
    >
      <p>${t('people.upload.about')}</p>
      <label>${t('people.upload.choose')}<input type="file" accept="image/*" multiple @change=${this.chosen} /></label>
      <p role="status">${this.waiting > 0 ? t('people.upload.waiting', { count: this.waiting }) : nothing}</p>
    </section>`;
  }
}
customElements.define('enrol-upload', EnrolUpload);

/** The file as the door takes it; undefined where this browser cannot read it. @param {File} file */
async function sendable(file) {
  if (known.includes(file.type) && file.size <= plentyBytes) return file;
  try {
    const drawn = await createImageBitmap(file);
    const scale = Math.min(1, mostPixels / Math.max(drawn.width, drawn.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(drawn.width * scale));
    canvas.height = Math.max(1, Math.round(drawn.height * scale));
    canvas.getContext('2d')?.drawImage(drawn, 0, 0, canvas.width, canvas.height);
    drawn.close();
    return await /** @type {Promise<Blob | undefined>} */ (
      new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? undefined), 'image/jpeg', 0.92))
    );
  } catch {
    return undefined;
  }
}
