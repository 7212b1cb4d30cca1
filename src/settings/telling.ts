/** Settings of what the door tells others: MQTT, metrics, the log. */
import { logLevels } from '../base/log.ts';
import { choice, flag, names, secret, string, topicPrefix, whole } from './kinds.ts';

export const mqtt = {
  enabled: flag('Connect to an MQTT broker, publish events and take commands.', false),
  url: string(
    'Address of the broker: `mqtt://host:1883`, `mqtts://host:8883`, `ws://…` or `wss://…`.',
    'mqtt://127.0.0.1:1883',
    /^(mqtts?|wss?|tcp|tls):\/\/[^\s@]+$/,
    'mqtt://, mqtts://, ws:// or wss:// with a host and no user in it',
  ),
  protocol: choice('MQTT version: `5`, or `3.1.1` for an older broker.', '5', ['5', '3.1.1']),
  prefix: topicPrefix('Beginning of every topic: one or more levels.', 'facelatch'),
  user: string('User name at the broker.', ''),
  password: secret('Password at the broker. Prefer a file (`mqtt.passwordFile`).'),
  passwordFile: string('File with the password, such as a systemd credential.', ''),
  caFile: string("File with the certificate authority that signed the broker's certificate (PEM).", ''),
  tlsVersion: choice('Lowest TLS version that is accepted: `1.3`, or `1.2` for an older broker.', '1.3', ['1.3', '1.2']),
  certFile: string('File with a client certificate, for brokers that require one (PEM).', ''),
  keyFile: string('File with the private key of the client certificate (PEM).', ''),
  commands: flag('Take commands over MQTT. They need the signature of an operator (`facelatch key`).', true),
  allowUnsigned: names(
    'Commands, such as `door.open` or `model.list`, that are taken without a signature: five a second at most. Whoever may write to the broker, and the broker itself, can then send them.',
    [],
  ),
  snapshots: flag(
    'Answer the command `snapshot` with the newest picture of the camera. Pictures of faces then leave the door, to operators.',
    false,
  ),
  maxCommandBytes: whole('Largest command that is accepted. Bytes.', 1_000_000, 4096, 16_000_000),
  maxCommandLifeS: whole('Longest lifetime of a signed command. Seconds.', 60, 1, 3600),
  clockSkewS: whole("Largest difference between an operator's clock and the door's clock. Seconds.", 10, 0, 300),
  clockCheck: flag(
    'Refuse signed commands while the clock is not synchronised: without the right time, an old command looks like a new one.',
    true,
  ),
  homeAssistant: {
    enabled: flag(
      'Announce this door to Home Assistant (MQTT discovery): lock, attempts, sensors, switch (docs/use/home-assistant.md). `false` removes the door from Home Assistant again.',
      false,
    ),
    prefix: topicPrefix("Home Assistant's discovery prefix.", 'homeassistant'),
    person: choice(
      'How Home Assistant learns who was let in: `off` (not at all), `id` (as in the events), or `name`. With `name`, names leave the door, protected only by TLS, and Home Assistant keeps them in its history.',
      'id',
      ['off', 'id', 'name'],
    ),
    image: flag(
      'Send a picture of each attempt (JPEG, at most 480 pixels). Faces then leave the door, those of strangers too, and whoever may read from the broker sees them.',
      false,
    ),
  },
  drainPerS: whole('Highest rate at which stored events are published after an outage. Per second.', 5000, 1, 1_000_000),
  embedded: flag('Run a broker inside facelatch, on loopback, for the demo (MQTT 3.1.1).', false),
  embeddedPort: whole('Port of the embedded broker.', 18_830, 1, 65_535),
};

export const metrics = {
  enabled: flag('Serve metrics for Prometheus on `http://127.0.0.1:18831/metrics`. They contain no name and no id of a person.', false),
  host: string(
    'Address to listen on. One that other machines can reach needs `metrics.anyAddress`.',
    '127.0.0.1',
    /^[0-9A-Za-z.:-]+$/,
    'an address or host name',
  ),
  port: whole('Port to listen on.', 18_831, 1, 65_535),
  anyAddress: flag('Allow an address that is not loopback. Whoever can reach it then sees when people come and go.', false),
};

export const log = {
  level: choice('Lowest level that is logged.', 'info', [...logLevels]),
};
