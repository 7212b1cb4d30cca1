/**
 * One stream of what the door tells, shared by all parts of the page: it is open while somebody listens and the page is
 * visible, and opens again by itself.
 */

/** @typedef {'moment' | 'event' | 'state' | 'enrolment' | 'training' | 'connection'} Topic */

const target = new EventTarget();
/** `viewers`: of the listeners, those who want moments. @type {{ source: EventSource | undefined, listeners: number, viewers: number, connected: boolean, state: any }} */
const stream = { source: undefined, listeners: 0, viewers: 0, connected: false, state: undefined };

/** @param {boolean} connected */
function tellConnection(connected) {
  if (stream.connected === connected) return;
  stream.connected = connected;
  target.dispatchEvent(new CustomEvent('connection', { detail: connected }));
}

function open() {
  if (stream.source || stream.listeners === 0 || document.hidden) return;
  const source = new EventSource(stream.viewers > 0 ? 'api/v1/live?moments=1' : 'api/v1/live');
  stream.source = source;
  source.onopen = () => tellConnection(true);
  source.onerror = () => {
    tellConnection(false);
    // A browser gives up after an answer that is no stream, as while the door starts.
    if (source.readyState === EventSource.CLOSED) {
      close();
      setTimeout(open, 2000);
    }
  };
  for (const topic of ['moment', 'event', 'state', 'enrolment', 'training'])
    source.addEventListener(topic, (event) => {
      const detail = JSON.parse(event.data);
      if (topic === 'state') stream.state = detail;
      target.dispatchEvent(new CustomEvent(topic, { detail }));
    });
}

function close() {
  stream.state = undefined;
  stream.source?.close();
  stream.source = undefined;
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) close();
  else open();
});

/**
 * Whoever listens for the state hears the present one first.
 * @param {Topic} topic @param {(detail: any) => void} listener
 * @returns {() => void} ends it
 */
export function listenTo(topic, listener) {
  /** @param {Event} event */
  const heard = (event) => listener(/** @type {CustomEvent} */ (event).detail);
  target.addEventListener(topic, heard);
  stream.listeners++;
  if (topic === 'moment' && ++stream.viewers === 1) close(); // it opens again with moments
  if (topic === 'state' && stream.state) listener(stream.state);
  open();
  return () => {
    target.removeEventListener(topic, heard);
    stream.listeners--;
    if (topic === 'moment' && --stream.viewers === 0) close(); // and without
    if (stream.listeners === 0) close();
    else open();
  };
}
