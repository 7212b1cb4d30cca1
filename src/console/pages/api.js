/**
 * The way to the door: operations by name, and everything else under `api/v1`. Addresses are relative, because the page
 * may lie below a path of another server.
 */

/** What was refused, with the sentence to show. */
class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
  }
}

/** Called when the session is over: the page asks to sign in. */
export const session = { onOver: () => {} };

/**
 * @typedef {{ method?: string, body?: unknown, signal?: AbortSignal, keepalive?: boolean }} RequestOptions `body`: JSON,
 * or a Blob as it is; `keepalive`: it is sent though the page goes
 */

/**
 * @param {string} path below api/v1
 * @param {RequestOptions} [options]
 * @returns {Promise<Response>} a good answer
 * @throws {ApiError}
 */
async function answerOf(path, { method = 'GET', body, signal, keepalive = false } = {}) {
  const isBlob = body instanceof Blob;
  /** @type {Record<string, string>} */
  const headers = method === 'GET' ? {} : { 'x-facelatch': '1' };
  if (body !== undefined) headers['content-type'] = isBlob ? body.type : 'application/json';
  let response;
  try {
    response = await fetch(`api/v1/${path}`, {
      ...{ method, headers, keepalive, credentials: 'same-origin', cache: 'no-store', ...(signal && { signal }) },
      ...(body === undefined ? {} : { body: isBlob ? body : JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'offline', '');
  }
  if (response.ok) return response;
  const { code = 'failed', message = response.statusText } = parsed(await response.text())?.error ?? {};
  if (response.status === 401 && code === 'signed-out') session.onOver();
  throw new ApiError(response.status, code, message);
}

/**
 * @param {string} path below api/v1
 * @param {RequestOptions} [options]
 * @returns {Promise<any>} the answer's JSON; undefined for an empty one
 * @throws {ApiError}
 */
export async function request(path, options) {
  const text = await (await answerOf(path, options)).text();
  return text === '' ? undefined : parsed(text);
}

/**
 * A picture or another file.
 * @param {string} path below api/v1
 * @param {RequestOptions} [options]
 * @returns {Promise<Blob>} @throws {ApiError}
 */
export const requestFile = async (path, options) => (await answerOf(path, options)).blob();

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * An operation of the house, as in `ask('people.rename', { person, name })`.
 * @param {string} name @param {object} [args] @param {AbortSignal} [signal]
 * @returns {Promise<any>} @throws {ApiError}
 */
export const ask = (name, args = {}, signal) => request(name, { method: 'POST', body: args, ...(signal && { signal }) });
