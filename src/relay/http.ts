/**
 * A relay that is controlled by its own HTTP commands (Shelly, Tasmota, or model `own`): a place goes in, a line comes
 * out that was told to be safe.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Fault, messageOf } from '../base/errors.ts';
import type { HttpCall } from '../base/network/device-command.ts';
import { authorisation, challengesIn, type Login } from '../base/network/http-login.ts';
import { readSecretFile, readSettingFile } from '../base/secret.ts';
import { deviceLine } from './device-line.ts';
import { httpDialect } from './devices.ts';
import type { DeviceLine, DevicePlace } from './line.ts';

const mostAnswerBytes = 64 * 1024;

/** Throws Faults `relay-missing`, `relay-forbidden`, `relay-failed`, `bad-config`. */
export async function openLine(place: DevicePlace): Promise<DeviceLine> {
  const line = openDevice(place);
  await line.drive('safe', 0);
  return line;
}

/** The device, before anything is sent to it. Throws Fault `bad-config`. */
export function openDevice(place: DevicePlace): DeviceLine {
  const dialect = httpDialect(place);
  const ca = place.caFile ? readSettingFile('relay.device.caFile', place.caFile) : undefined;
  const login = place.passwordFile
    ? { user: place.user || 'admin', password: readSecretFile('relay.device.passwordFile', place.passwordFile) }
    : undefined;
  const { host } = new URL(dialect.lock().url);
  const label = `the ${place.model === 'own' ? 'relay' : place.model} at ${host}`;
  const call = async (command: HttpCall, signal: AbortSignal) => {
    const sent = place.model === 'tasmota' && login ? inQuery(command, login) : command;
    let answer = await exchange(sent, signal, ca);
    // Refused because the password was missing: nothing was switched yet.
    const challenge = answer.status === 401 && login && place.model !== 'tasmota' ? answer.challenge : undefined;
    if (challenge && login) answer = await exchange(sent, signal, ca, answerTo(challenge, login, sent, mayBasic(place, sent)));
    return bodyOf(answer, label);
  };
  const guarded = async (command: HttpCall, signal: AbortSignal) => {
    try {
      return dialect.levelOf(await call(command, signal));
    } catch (error) {
      throw unreachable(error, label, signal.aborted ? place.timeoutMs : undefined);
    }
  };
  const { ask } = dialect;
  return deviceLine({
    label,
    timeoutMs: place.timeoutMs,
    send: (level, restMs, signal) => guarded(level === 'active' ? dialect.release(restMs) : dialect.lock(), signal),
    ask: ask && ((signal) => guarded(ask(), signal)),
    close: () => undefined,
  });
}

/**
 * The Authorization header for one command. A device that knows Digest must not be able to ask for the password itself:
 * whoever answers in its place would have it. So Basic is answered only where `basic` says so. Throws Fault
 * `relay-forbidden`.
 */
export function answerTo(header: string, login: Login, { method, url }: HttpCall, basic: boolean): string {
  const { pathname, search } = new URL(url);
  const [challenge = ''] = challengesIn(header);
  if (/^basic\b/i.test(challenge) && !basic)
    throw new Fault(
      'relay-forbidden',
      'The relay asks for its password as it is (Basic) and was not given it, because whoever answers in its place would then have it: see that relay.device.address is the relay; if it knows no other way, set relay.device.login to "basic"',
    );
  // Without qop a device could not tell that an answer is sent to it a second time.
  const known = /^basic\b|\bqop\s*=/i.test(challenge);
  const answer = known ? authorisation(challenge, login, { method, uri: `${pathname}${search}` }) : undefined;
  if (answer !== undefined) return answer;
  throw new Fault('relay-forbidden', `The relay asks for its password in a way that is not known here: ${header.slice(0, 100)}`);
}

/** Whether the password may be sent as it is. Over https the certificate has shown who answers. */
const mayBasic = ({ login, model }: DevicePlace, { url }: HttpCall): boolean =>
  login === 'basic' || (login === 'auto' && (model === 'shelly-gen1' || url.startsWith('https:')));

interface Answer {
  readonly status: number;
  readonly challenge: string;
  readonly body: string;
}

/**
 * One request on its own connection, which is reset when `signal` is aborted: the kernel then never sends what it has
 * not sent yet. Nothing is repeated, and no redirection is followed.
 */
function exchange({ method, url, body }: HttpCall, signal: AbortSignal, ca: string | undefined, login?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const headers = { ...(body !== undefined && { 'content-type': 'application/json' }), ...(login && { authorization: login }) };
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const sent = send(url, { method, agent: false, headers, ...(ca && { ca }) }, (response) => gather(response).then(resolve, reject));
    const giveUp = () => {
      if (send === httpRequest) sent.socket?.resetAndDestroy();
      sent.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    sent.once('close', () => signal.removeEventListener('abort', giveUp)).once('error', reject);
    sent.end(body);
  });
}

async function gather(response: IncomingMessage): Promise<Answer> {
  let body = '';
  response.setEncoding('utf8');
  for await (const part of response) {
    body += part;
    if (body.length > mostAnswerBytes) throw new Error(`more than ${mostAnswerBytes} bytes of answer`);
  }
  return { status: response.statusCode ?? 0, challenge: response.headers['www-authenticate'] ?? '', body };
}

function bodyOf({ status, body }: Answer, label: string): string {
  if (status >= 200 && status < 300) return body;
  if (status === 401 || status === 403)
    throw new Fault(
      'relay-forbidden',
      `${label} wants another user or password (HTTP ${status}): set relay.device.user and relay.device.passwordFile`,
    );
  const remedy = status === 404 ? 'see relay.device.model, relay.device.address and relay.device.channel' : "see the device's own page";
  throw new Fault('relay-failed', `${label} answers with HTTP ${status}: ${remedy}`);
}

const unreachable = (error: unknown, label: string, timeoutMs: number | undefined): Fault => {
  if (error instanceof Fault) return error;
  const why = timeoutMs === undefined ? messageOf(error) || String((error as { code?: unknown }).code) : `no answer within ${timeoutMs} ms`;
  return new Fault(
    'relay-missing',
    `${label} cannot be reached (${why}): see that it has power and its address is relay.device.address`,
    error,
  );
};

/** Tasmota takes its password in the address (tasmota.github.io/docs/Commands, "with web requests"). */
function inQuery(call: HttpCall, { user, password }: Login): HttpCall {
  return { ...call, url: `${call.url}&user=${encodeURIComponent(user)}&password=${encodeURIComponent(password)}` };
}
