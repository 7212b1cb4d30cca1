/** Settings of what is told to others: MQTT, metrics, the log. */
import { logLevels } from '../base/log.ts';
import { choice, flag, names, secret, string, whole } from './kinds.ts';

export const mqtt = {
  enabled: flag('Publish events over MQTT.', false),
  url: string(
    'The broker: `mqtt://host:1883`, `mqtts://host:8883`, `ws://` or `wss://`.',
    'mqtt://127.0.0.1:1883',
    /^(mqtts?|wss?|tcp|tls):\/\/[^\s@]+$/,
    'mqtt://, mqtts://, ws:// or wss:// with a host and no user in it',
  ),
  protocol: choice('MQTT version: `5`, or `3.1.1` for an old broker.', '5', ['5', '3.1.1']),
  prefix: string('First level of every topic.', 'facelatch', /^[^+#\0\s$][^+#\0]*$/, 'text without + and #'),
  user: string('User name at the broker.', ''),
  password: secret('Password at the broker; better in a file (`mqtt.passwordFile`).'),
  passwordFile: string('A file that holds the password (a systemd credential, say).', ''),
  caFile: string("The certificate authority of the broker's certificate (PEM).", ''),
  tlsVersion: choice('Lowest version of TLS that is spoken: `1.3`, or `1.2` for an old broker.', '1.3', ['1.3', '1.2']),
  certFile: string('A certificate of our own, for brokers that ask for one (PEM).', ''),
  keyFile: string('The key of that certificate (PEM).', ''),
  commands: flag('Take commands over MQTT; those that change anything need the signature of an operator (`facelatch key`).', true),
  allowUnsigned: names(
    'Commands, such as `door.open`, that are taken without a signature: then whoever may write to the broker, and the broker itself, can send them.',
    [],
  ),
  snapshots: flag('Answer the command `snapshot` with the newest picture of the camera: a face then leaves the door, to operators.', false),
  maxCommandBytes: whole('A longer command is refused. Bytes.', 1_000_000, 4096, 16_000_000),
  maxCommandLifeS: whole('A signed command that lives longer is refused. Seconds.', 60, 1, 3600),
  clockSkewS: whole("How far an operator's clock may differ from this one. Seconds.", 10, 0, 300),
  clockCheck: flag(
    'Refuse signed commands while the clock is not synchronised: without the time an old command looks like a new one.',
    true,
  ),
  homeAssistant: {
    enabled: flag(
      'Tell Home Assistant of this door (MQTT discovery): lock, attempts, sensors, switch (docs/use/home-assistant.md). Set back to false, the door is taken out of it again.',
      false,
    ),
    prefix: string("Home Assistant's discovery prefix.", 'homeassistant', /^[^+#\0\s$][^+#\0]*$/, 'text without + and #'),
    person: choice(
      'How Home Assistant is told who was let in: `off` (not at all), `id` (as in the events), or `name`: then names leave the door, unencrypted but for TLS, and Home Assistant keeps them in its history.',
      'id',
      ['off', 'id', 'name'],
    ),
    image: flag(
      'Send the picture of each attempt, as JPEG of at most 480 pixels: then faces leave the door, of strangers too, and whoever may read from the broker sees them.',
      false,
    ),
  },
  drainPerS: whole('After an outage events go out at this rate, at most. A second.', 5000, 1, 1_000_000),
  embedded: flag('Run a broker of our own on loopback (for the demo; MQTT 3.1.1).', false),
  embeddedPort: whole("The embedded broker's port.", 18_830, 1, 65_535),
};

export const metrics = {
  enabled: flag('Serve metrics for Prometheus on `http://127.0.0.1:18831/metrics`; no name or id of a person is in them.', false),
  host: string(
    'The address they are served on; one that other machines reach needs `metrics.anyAddress`.',
    '127.0.0.1',
    /^[0-9A-Za-z.:-]+$/,
    'an address or host name',
  ),
  port: whole('The port.', 18_831, 1, 65_535),
  anyAddress: flag('Allow an address that is not loopback: then whoever reaches it sees when people come and go.', false),
};

export const log = {
  level: choice('What is logged.', 'info', [...logLevels]),
};
