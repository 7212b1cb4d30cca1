/** Settings of the console: the page that an owner opens. */
import { choice, flag, names, string, whole } from './kinds.ts';

export const web = {
  enabled: flag('Serve the console, a web page, at `console.address`. Its process starts when a browser connects.', true),
  address: string(
    'Address to listen on. Loopback: this machine only. Another address of this machine, or `0.0.0.0` for all of them: with TLS.',
    '127.0.0.1',
    /^[0-9A-Fa-f.:]+$/,
    'an IP address',
  ),
  port: whole('Port to listen on.', 8620, 1, 65_535),
  hosts: names(
    'Further names under which browsers reach the console, such as `door.example.org`. Others are refused, which keeps web pages of strangers out (DNS rebinding).',
    [],
  ),
  tls: choice(
    '`auto`: TLS on every address but loopback. `on`: there too. `off`: only behind a proxy that is named in `console.ingress`; nobody else is answered then.',
    'auto',
    ['auto', 'on', 'off'],
  ),
  certificateFile: string('File with the certificate (PEM), with its chain. Empty: the console makes its own at the first start.', ''),
  keyFile: string('File with the private key of the certificate (PEM).', ''),
  ingress: names("IP addresses of a proxy, such as Home Assistant's, from which the header `X-Ingress-Path` is believed.", []),
  sessionHours: whole('Longest time that somebody stays signed in. Hours.', 168, 1, 8760),
  idleHours: whole('Time without use after which somebody is signed out. Hours.', 24, 1, 8760),
  liveFps: whole('Most pictures a second that the live view shows.', 5, 1, 30),
};
