/** Settings of who may come in and what opens the lock: access, relay, inputs. */
import { deviceLogins, deviceModels } from '../relay/port.ts';
import { choice, dates, deviceCommand, flag, groups, names, schedules, string, timeZone, whole } from './kinds.ts';

export const access = {
  armed: flag('Let people in by face. `false`: faces open nothing; PIN, button and remote opening still work.', true),
  votes: whole(
    'Frames that must agree on one person before the door opens. Poor frames count for less, down to a half: four of the poorest where three good ones are enough.',
    3,
    1,
    50,
  ),
  window: whole('The latest frames with a face among which `access.votes` must agree.', 5, 1, 100),
  windowMs: whole('Time within which the agreeing frames must be captured. Milliseconds.', 2000, 100, 60_000),
  maxFrameAgeMs: whole('Oldest frame that may open the door. Milliseconds.', 1000, 50, 60_000),
  absenceMs: whole('A visit ends when no face has been seen for this long. Milliseconds.', 700, 100, 60_000),
  denyAfterMs: whole(
    'A visitor who is not recognised within this time is recorded as denied, and again each time it passes. Milliseconds.',
    5000,
    500,
    600_000,
  ),
  cooldownMs: whole('After a grant, the same person is not granted again for this long. Milliseconds.', 8000, 0, 600_000),
  togetherMs: whole('How long a PIN, or the first of two people, stays valid. Milliseconds.', 15_000, 1000, 300_000),
  pinDigits: whole('Fewest digits of a new PIN. A PIN that was set before goes on.', 6, 4, 12),
  pinWithoutName: flag(
    'Take PINs from keypads that do not say whose PIN it is. Then one try is a try against everyone, and wrong PINs at that keypad make all of its users wait.',
    false,
  ),
  lockOut: {
    attempts: whole(
      'Failed attempts in all, of whomever, without anybody being let in by face in between, after which opening by face stops until a correct PIN or an operator (`lockout.reset`). Raise it for a door that many strangers pass. 0: never.',
      50,
      0,
      100_000,
    ),
    failures: whole(
      'Failed attempts of one face in a row after which this face, and whoever resembles it, is locked out. An attempt ends after `access.denyAfterMs`, when the visitor leaves, or when another face comes. 0: never.',
      5,
      0,
      100,
    ),
    firstMs: whole(
      'Length of the first lock-out. Each further one of the same face is twice as long. Whoever is recognised far above the threshold passes (where liveness is checked, with a challenge), and so does a face with its own PIN; PIN, button and remote opening still work. Milliseconds.',
      30_000,
      1000,
      3_600_000,
    ),
    maxMs: whole('Longest lock-out. Milliseconds.', 3_600_000, 1000, 86_400_000),
  },
  timeZone: timeZone('Time zone of all schedules.', 'UTC'),
  holidays: dates('Holidays, as local dates. On these days only the `holidays` rows of schedules apply.'),
  schedules: schedules(
    'Schedules by name. Each is a list of rows such as `"Mon-Fri 08:00-18:00"`, `"Sat,Sun 10:00-24:00"`, `"daily 22:00-06:00"`, `"holidays 10:00-12:00"`.',
  ),
  groups: groups(
    'Groups by name, such as `{"staff": {"schedule": "office", "pin": true, "secondPerson": true, "liveness": "challenge"}}`; each rule is optional. For a person in several groups, the group that asks least applies. `liveness`: a policy in place of `liveness.policy` and `liveness.schedules`.',
  ),
  admits: names('Groups that this door lets in. Empty: everyone who is enrolled.', []),
  unsureClock: choice(
    'What happens to people who have a schedule while the clock cannot be trusted (never set, or it jumped and is not synchronised): `deny` or `allow`.',
    'deny',
    ['deny', 'allow'],
  ),
  antiPassback: flag(
    'Anti-passback: a person who came in is let in again only after an exit reader has reported that they left (`door.left`).',
    false,
  ),
  heldOpenMs: whole('A door that stays open for longer raises an alarm. 0: never. Milliseconds.', 60_000, 0, 86_400_000),
  graceMs: whole('A door that opens later than this after a release counts as forced. Milliseconds.', 5000, 0, 600_000),
  tamperBlockMs: whole(
    'How long the tamper switch blocks opening by face and remote opening, across restarts too. Milliseconds.',
    600_000,
    0,
    86_400_000,
  ),
  journalDown: choice(
    'What happens when the journal cannot be written: `deny` everyone, or `open` for enrolled people without a record.',
    'deny',
    ['deny', 'open'],
  ),
};

export const relay = {
  kind: choice(
    'What opens the lock: `gpiod` (a GPIO line of this computer), `onoff` (a GPIO line through the old sysfs interface), `http` or `mqtt` (a relay on the network, see `relay.device`), `dry` (nothing; for a demo or a first try).',
    'dry',
    ['dry', 'gpiod', 'onoff', 'http', 'mqtt'],
  ),
  chip: string('Label of the GPIO chip that has the relay line, such as `pinctrl-bcm2711`. `facelatch relay lines` lists them.', ''),
  line: string(
    'Name of the relay line on that chip, such as `GPIO17`, or its offset, such as `#17`: for chips without line names, and for `onoff`.',
    '',
  ),
  activeLow: flag('Set it if the relay board switches on when the line is low.', false),
  wiring: choice(
    'How the lock is wired: `fail-secure` (current unlocks it, an electric strike; locked when the power fails) or `fail-safe` (current locks it, a magnet; open when the power fails).',
    'fail-secure',
    ['fail-secure', 'fail-safe'],
  ),
  pulseMs: whole('How long the lock stays released after a grant. Milliseconds.', 3000, 50, 60_000),
  maxMs: whole('Longest release, whatever asks for it. Milliseconds.', 10_000, 50, 600_000),
  maxHoldMs: whole('Longest time that the door can be held unlocked. Milliseconds.', 3_600_000, 1000, 86_400_000),
  trustBroker: flag(
    'Allow `relay.kind` `mqtt`. Whoever controls the broker, or may write to the topic of the relay, can then open this door.',
    false,
  ),
  device: {
    model: choice(
      'Model of the relay on the network: `shelly` (generation 2 and later; `http` or `mqtt`), `shelly-gen1` (`http`), `tasmota` (`http` or `mqtt`), `zigbee2mqtt` (`mqtt`), `own` (the commands below).',
      'shelly',
      deviceModels,
    ),
    address: string(
      'Where the device is. For `http` its address, such as `http://192.168.1.20`; for `mqtt` its topic, such as `zigbee2mqtt/front-lock`.',
      '',
    ),
    channel: whole('Which relay of the device, from 0.', 0, 0, 31),
    release: deviceCommand(
      'Model `own`: the command that switches the relay on: `GET http://…`, `POST http://… BODY`, or for MQTT `TOPIC PAYLOAD`. Put `{s}` (whole seconds, rounded up) or `{ms}` where the device takes the time after which it switches off by itself.',
    ),
    lock: deviceCommand('Model `own`: the command that switches the relay off.'),
    ask: deviceCommand(
      'Model `own`: the command that asks for the state and switches nothing. Without it (`http` only) the device is not asked before a release, and an accepted command is the only confirmation.',
    ),
    reports: string('Model `own` over MQTT: the topic on which the device reports its state.', '', /^[^+#\0]*$/, 'a topic without + and #'),
    released: string('Model `own`: text in an answer or report that means "on", such as `"output":true`.', ''),
    locked: string('Model `own`: text in an answer or report that means "off".', ''),
    endsItself: flag(
      'Model `own` whose `release` has no `{s}` or `{ms}`: confirms that the device itself is set up to switch off after some seconds.',
      false,
    ),
    timeoutMs: whole('Time-out for each answer of the device. A release is never sent after it. Milliseconds.', 1500, 100, 5000),
    user: string('User name at the device (`http`). Empty: `admin`.', ''),
    passwordFile: string(
      'File with the password for the device (`http`), readable by the service only. It cannot be a systemd credential: the command that makes the relay safe after a crash cannot read those.',
      '',
    ),
    login: choice(
      'How the password is given to the device (`http`): `digest` never sends it; `basic` sends it as it is, so that whoever answers in place of the device has it. `auto`: `digest`, except for `shelly-gen1`, which knows only `basic`, and over `https`, where the certificate shows who answers.',
      'auto',
      deviceLogins,
    ),
    caFile: string("File with the certificate authority that signed the device's certificate (`https`, PEM).", ''),
  },
};

export const inputs = {
  kind: choice('How door contact, exit button and tamper switch are read: `gpiod`, `onoff` (old sysfs interface), or `none`.', 'none', [
    'none',
    'gpiod',
    'onoff',
  ]),
  chip: string('Label of the GPIO chip that has the inputs. Empty: the chip of the relay.', ''),
  contact: string('Line of the door contact (active: the door is open). Empty: none.', ''),
  exit: string('Line of the request-to-exit button (active: pressed). Empty: none. People must be able to get out without it.', ''),
  tamper: string('Line of the tamper switch (active: the case is open). Empty: none.', ''),
  activeLow: names('Inputs that are active while their line is low (a switch to ground).', ['contact', 'exit', 'tamper']),
  bias: choice('Resistor that the computer puts on the inputs (`gpiod` only).', 'pull-up', ['as-is', 'pull-up', 'pull-down']),
  debounceMs: whole('Debounce time: a level counts after it has been stable for this long. Milliseconds.', 50, 0, 5000),
};
