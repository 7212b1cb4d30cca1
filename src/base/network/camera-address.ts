/**
 * The address of a network camera: a text goes in; where to connect, with which login, and what people may see of it
 * come out, or what is wrong. No answer but `login`, `uri` and `hide` holds a part of the address that may be a secret.
 */
import type { Login } from './http-login.ts';

export interface CameraAddress {
  readonly scheme: CameraScheme;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  /** Scheme, machine and port. Paths and queries of cameras hold passwords and tokens. */
  readonly label: string;
  /** As a request names it: the whole address over RTSP, path and query over HTTP; without user and password. */
  readonly uri: string;
  readonly login: Login | undefined;
  /** The connection is encrypted, so that the camera can be told from others. */
  readonly secure: boolean;
  /** Other machines can neither read nor take over the connection. */
  readonly local: boolean;
  /** `text` without anything of the address that the label does not show. */
  hide(text: string): string;
}

const ports = { rtsp: 554, rtsps: 322, http: 80, https: 443, tcp: undefined } as const;
export type CameraScheme = keyof typeof ports;

const schemes = Object.keys(ports)
  .map((scheme) => `${scheme}://`)
  .join(', ');
const encoded = 'in a user name or password, write % / ? # @ : and spaces as %25 %2F %3F %23 %40 %3A %20';

/** The address that `text` is, or what is wrong with it, as the end of a sentence that begins with the setting. */
export function cameraAddress(text: string): CameraAddress | string {
  if (text === '') return 'is empty';
  const scheme = /^([a-z]+):/i.exec(text)?.[1]?.toLowerCase() ?? '';
  if (!isScheme(scheme) || text.slice(scheme.length, scheme.length + 3) !== '://') return `does not begin with one of ${schemes}`;
  // A password with an unencoded / ? or # ends the machine's name too early; the rest would be taken for a path.
  const beyond = /[/?#\\]/.exec(text.slice(scheme.length + 3));
  const rest = beyond ? text.slice(scheme.length + 3 + beyond.index) : '';
  if (/[@#\\]/.test(rest)) return `has an @, # or \\ after the name of the machine: ${encoded}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\s\x00-\x1f\x7f]/.test(text)) return `has a space or a control character in it: ${encoded}`;
  if (!URL.canParse(text)) return `is not an address: ${encoded}`;
  const url = new URL(text);
  const port = url.port === '' ? ports[scheme] : Number(url.port);
  if (url.hostname === '') return 'names no machine';
  if (!port) return 'names no port, such as :9000 after the machine';
  const [user, password] = [decoded(url.username), decoded(url.password)];
  const path = `${url.pathname}${url.search}`;
  const label = `${scheme}://${url.host}`;
  return {
    ...{ scheme, port, label, secure: scheme === 'rtsps' || scheme === 'https', hide: hider(text, label, url, user, password) },
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    uri: scheme === 'rtsp' || scheme === 'rtsps' ? `${label}${path}` : path,
    login: user === '' && password === '' ? undefined : { user, password },
    local: /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname),
  };
}

/** Whether somebody on the network could be the camera: what `camera.trustNetwork` allows. */
export const needsTrust = ({ secure, local }: CameraAddress): boolean => !secure && !local;

/** Why a scheme without encryption is refused, as the end of a sentence that begins with the setting. */
export function plainRemedy(scheme: string): string {
  const better = scheme.startsWith('rtsp') ? 'rtsps' : 'https';
  return (
    `begins with ${scheme}://, which is not encrypted: anybody on that network can read the password and show the door other pictures; ` +
    `use ${better}:// with camera.fingerprint or camera.caFile if the camera offers it, or, if the network between camera and door belongs to nobody else, set camera.trustNetwork to true`
  );
}

const isScheme = (scheme: string): scheme is CameraScheme => Object.hasOwn(ports, scheme);

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function hider(text: string, label: string, url: URL, user: string, password: string): (text: string) => string {
  const { pathname, search, username } = url;
  const parts = [`${pathname}${search}`, pathname, search.slice(1), url.password, password, username, user];
  const secrets = parts.filter((part) => part.length > 2).toSorted((a, b) => b.length - a.length);
  return (said) => secrets.reduce((rest, secret) => rest.replaceAll(secret, '…'), said.replaceAll(text, label));
}
