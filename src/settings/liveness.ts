/** Settings of liveness: how much a face has to show to open the door, and what a visitor may be asked to do. */
import { challengeKinds } from '../events.ts';
import { livenessPolicies } from '../liveness/port.ts';
import { choice, choices, flag, policies, string, whole } from './kinds.ts';

export const liveness = {
  policy: choice(
    'How much a face has to show before it opens the door, from lenient to strict: `off` (nothing: a photograph opens), `passive` (the networks), `passive+motion` (the networks and the motion of the face), `second-factor-when-unsure` (where these are unsure, the PIN too), `challenge-when-unsure` (where these are unsure, a challenge), `challenge` (always a challenge). docs/use/liveness.md helps to choose.',
    'challenge-when-unsure',
    livenessPolicies,
  ),
  schedules: policies(
    'Another policy during a schedule of `access.schedules`, such as `{"night": "challenge"}`. Of several schedules the strictest policy applies, and while the clock cannot be trusted (`access.unsureClock`) the strictest of all. A group that has a policy of its own (`access.groups`) keeps it.',
  ),
  networks: string(
    'The networks that tell a living face from a picture of one: the name of a folder in models/, or the path of a folder with a manifest.json.',
    'liveness',
    /./,
    'a name or path',
  ),
  whenNotChecked: choice(
    'What happens when liveness could not be checked (no networks, too few frames): `second-factor` (the PIN is needed too; who has none is denied), `deny`, or `allow` (a photograph opens then).',
    'second-factor',
    ['second-factor', 'deny', 'allow'],
  ),
  challengeMs: whole('Time to answer a challenge. Milliseconds.', 8000, 2000, 60_000),
  challenges: choices(
    'What a visitor may be asked to do; one is drawn at random. With `light` a lamp or display flashes and the face must answer it. An empty list: no challenge, so whoever needs one enters the PIN or is denied.',
    ['turn-left', 'turn-right', 'look-up', 'look-down', 'closer'],
    challengeKinds,
  ),
  light: {
    gpio: {
      chip: string('Label of the GPIO chip that has the lamp. Empty: the chip of the relay.', ''),
      line: string(
        'Line of a lamp or LED that shows the visitor that something is asked, and flashes for the challenge `light`: a name, or # and its offset (`facelatch relay lines`). Empty: none. Never the line of the lock.',
        '',
      ),
      activeLow: flag('The lamp is on while the line is low.', false),
    },
    mqtt: {
      topic: string(
        'Topic of a lamp behind the broker that does the same. It must switch within 20 ms and without a fade: ESPHome, WLED or Tasmota on the network, not a Zigbee bulb. Empty: none.',
        '',
        /^[^+#\0]*$/,
        'a topic without + and #',
      ),
      on: string('Message that switches this lamp on.', 'ON'),
      off: string('Message that switches it off.', 'OFF'),
    },
  },
  voice: {
    language: choice('Language in which a challenge is spoken, through `espeak-ng` and the sound card: `off`, `en` or `de`.', 'off', [
      'off',
      'en',
      'de',
    ]),
  },
};
