/**
 * Turns what goes wrong with a broker into one fault. In: an error. Out: a Fault that names the setting and the
 * remedy.
 */
import { Fault, messageOf } from '../base/errors.ts';
import type { Offence } from './inbound.ts';

/** Reason codes: MQTT 5.0, section 2.4; those below 128 are the return codes of MQTT 3.1.1, section 3.2.2.3. */
const badVersion = new Set([1, 132]);
const badLogin = new Set([4, 5, 134, 135, 138, 140]);
const takenOver = 142;
export const packetTooLarge = 149;
/**
 * Refusals of the message itself, which come again however often it is sent: topic name invalid, packet too large,
 * payload format invalid. Not authorised (135) and quota exceeded (151) are not among them: somebody corrects the
 * access list or frees the disk, and then the message goes out.
 */
const forGood = new Set([144, packetTooLarge, 153]);

const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections; start the broker, or correct host and port',
  ENOTFOUND: 'has an unknown host name; correct the host',
  EAI_AGAIN: 'has a host name that cannot be looked up now; check the name server, or use the IP address',
  EHOSTUNREACH: 'cannot be reached; check the network, or correct the host',
  ENETUNREACH: 'cannot be reached; check the network, or correct the host',
  ETIMEDOUT: 'does not answer; check the network and firewall, or correct host and port',
};

/** The fault of a connection to the broker at `url` that failed or ended with `error`. */
export function brokerFault(error: unknown, url: string): Fault {
  if (error instanceof Fault) return error;
  const said = messageOf(error);
  if (isRefusal(error)) return refusalFault(error.code, said, url, error);
  const code = (error as { code?: unknown } | null)?.code;
  const known = typeof code === 'string' ? unreachable[code] : undefined;
  if (known) return new Fault('broker-unreachable', `The broker ${url} ${known} (mqtt.url).`, error);
  if (said === 'connack timeout' || said === 'Keepalive timeout') {
    return new Fault('broker-unreachable', `The broker ${url} does not answer; check whether it hangs, or correct mqtt.url.`, error);
  }
  // OpenSSL's reason is in the code, or in the text where the code is EPROTO.
  const tls = typeof code === 'string' ? `${code} ${said}` : '';
  if (/protocol[_ ]version|unsupported[_ ]protocol/i.test(tls)) {
    return new Fault(
      'broker-refused',
      `The broker ${url} speaks no version of TLS that is new enough; set mqtt.tlsVersion to 1.2, or update the broker.`,
      error,
    );
  }
  // Alerts come from the broker: it misses the door's certificate, or does not accept it.
  if (/alert[_ ](certificate[_ ](required|unknown)|handshake[_ ]failure|bad[_ ]certificate|unknown[_ ]ca)/i.test(tls)) {
    return new Fault(
      'broker-refused',
      `The broker ${url} wants a client certificate that it accepts (${code}); set mqtt.certFile and mqtt.keyFile to one that its authority has signed.`,
      error,
    );
  }
  if (typeof code === 'string' && /CERT|TLS|SSL|EPROTO|SIGNATURE|ISSUER/.test(code)) {
    return new Fault(
      'broker-refused',
      `The broker ${url} and facelatch cannot agree on a secure connection (${code}); set mqtt.caFile to the authority of its certificate, and check that mqtt.url has its TLS port and the host name in the certificate.`,
      error,
    );
  }
  return new Fault('broker-unreachable', `The connection to the broker ${url} was lost (${said}).`, error);
}

/** Whether `error` is a reason code of the broker rather than a connection that broke. */
export function isRefusal(error: unknown): error is Error & { code: number } {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'number';
}

/** Whether the broker will never take this message. */
export function isForGood(error: unknown): error is Error & { code: number } {
  return isRefusal(error) && forGood.has(error.code);
}

/** The fault of a broker that refuses a message on `topic`. */
export function publishFault(error: unknown, url: string, topic: string): Fault {
  if (!isRefusal(error)) return brokerFault(error, url);
  const remedy = badLogin.has(error.code) ? 'allow the user of mqtt.user to publish there' : "see the broker's log";
  return new Fault('broker-refused', `The broker ${url} does not take messages on ${topic} (${error.message}); ${remedy}.`, error);
}

/** The fault of a broker that sent what it may not. The connection was ended. */
export function offenceFault({ what }: Offence, url: string): Fault {
  return new Fault(
    'broker-unruly',
    `The broker ${url} ${what}; the connection was ended. Look at who runs the broker that mqtt.url names, and set the largest packet there.`,
  );
}

/** The fault of a connection that ended without a reason; `answered`: whether the broker had ever spoken. */
export function closedFault(url: string, answered: boolean): Fault {
  return answered
    ? new Fault(
        'broker-unreachable',
        `The broker ${url} closed the connection; if this happens again and again, another client uses the same door.id: give each door its own.`,
      )
    : new Fault(
        'broker-unreachable',
        `The broker ${url} closed the connection without an answer; check that mqtt.url names an MQTT port (mqtts:// for TLS) and that the broker speaks the version in mqtt.protocol.`,
      );
}

/** The fault of reason code or return code `code`. */
export function refusalFault(code: number, said: string, url: string, cause?: unknown): Fault {
  if (badVersion.has(code)) {
    return new Fault(
      'broker-refused',
      `The broker ${url} does not speak this version of MQTT (${said}); set mqtt.protocol to 3.1.1.`,
      cause,
    );
  }
  if (badLogin.has(code)) {
    return new Fault(
      'broker-refused',
      `The broker ${url} refuses the user or password (${said}); set mqtt.user and mqtt.passwordFile.`,
      cause,
    );
  }
  if (code === takenOver) {
    return new Fault(
      'broker-refused',
      `Another client with the same door.id connected to the broker ${url}; give each door its own door.id.`,
      cause,
    );
  }
  return new Fault('broker-refused', `The broker ${url} ended the connection: ${said}; see the broker's log.`, cause);
}
