/** Settings of what opens: access, relay, inputs. */
import { deviceModels } from '../relay/port.ts';
import { choice, dates, deviceCommand, flag, groups, names, schedules, string, timeZone, whole } from './kinds.ts';

export const access = {
  armed: flag('When false the door opens for nobody by face.', true),
  votes: whole('Agreeing frames that open the door.', 3, 1, 50),
  window: whole('… among so many latest frames with a face.', 5, 1, 100),
  windowMs: whole('… captured within this time. Milliseconds.', 2000, 100, 60_000),
  maxFrameAgeMs: whole('A frame older than this never opens the door. Milliseconds.', 1000, 50, 60_000),
  absenceMs: whole('When no face has been seen for so long the visit is over. Milliseconds.', 700, 100, 60_000),
  denyAfterMs: whole(
    'A visitor who has not been recognised for so long is journalled as denied (and again each time it passes). Milliseconds.',
    5000,
    500,
    600_000,
  ),
  cooldownMs: whole('After a grant the same person is not granted again for so long. Milliseconds.', 8000, 0, 600_000),
  togetherMs: whole('How long a PIN, or the first of two people, counts. Milliseconds.', 15_000, 1000, 300_000),
  lockOut: {
    failures: whole(
      'Failed presentations in a row (visitors who were not recognised, not frames) that lock faces out; 0: never.',
      5,
      0,
      100,
    ),
    firstMs: whole(
      'The first lock-out; each further one without a grant between is twice as long. PIN, button and remote go on. Milliseconds.',
      30_000,
      1000,
      3_600_000,
    ),
    maxMs: whole('No lock-out is longer. Milliseconds.', 3_600_000, 1000, 86_400_000),
  },
  timeZone: timeZone('Time zone of the schedules.', 'UTC'),
  holidays: dates('Local dates on which only the `holidays` rows of schedules count.'),
  schedules: schedules(
    'Schedules by name: rows such as `"Mon-Fri 08:00-18:00"`, `"Sat,Sun 10:00-24:00"`, `"daily 22:00-06:00"`, `"holidays 10:00-12:00"`.',
  ),
  groups: groups(
    'Groups by name: `{"schedule": "office", "pin": true, "secondPerson": true}`, each optional. Of several groups the one that asks least counts.',
  ),
  admits: names('Groups that this door lets in; empty: everyone enrolled.', []),
  unsureClock: choice(
    'People bound to times while the clock is not known to be right (never set, or jumped and not synchronised): `deny` or `allow`.',
    'deny',
    ['deny', 'allow'],
  ),
  antiPassback: flag('Who came in is let in again only after an exit reader has seen them leave (`door.left`).', false),
  heldOpenMs: whole('The door open for longer is an alarm; 0: never. Milliseconds.', 60_000, 0, 86_400_000),
  graceMs: whole('After a release the door may be opened for so long without being forced. Milliseconds.', 5000, 0, 600_000),
  tamperBlockMs: whole(
    'How long the tamper switch blocks face and remote opening, also across restarts. Milliseconds.',
    600_000,
    0,
    86_400_000,
  ),
  journalDown: choice('When the journal cannot be written: `deny` everyone, or `open` for enrolled people without a record.', 'deny', [
    'deny',
    'open',
  ]),
};

export const relay = {
  kind: choice(
    'What opens the lock: `gpiod` (a GPIO line of this computer), `onoff` (the same on the old sysfs interface), `http` or `mqtt` (a relay on the network, `relay.device`), `dry` (nothing: prints and remembers).',
    'dry',
    ['dry', 'gpiod', 'onoff', 'http', 'mqtt'],
  ),
  chip: string('Label of the GPIO chip of the relay line, such as `pinctrl-bcm2711`; `facelatch relay lines` shows what is there.', ''),
  line: string(
    'Name of the relay line on that chip, such as `GPIO17`; `#17` is the line at that place, for chips without names and for `onoff`.',
    '',
  ),
  activeLow: flag('The relay board switches on when the line is low.', false),
  wiring: choice(
    'What unlocks: `fail-secure` (current on, an electric strike; locked when the power fails) or `fail-safe` (current off, a magnet; open when the power fails).',
    'fail-secure',
    ['fail-secure', 'fail-safe'],
  ),
  pulseMs: whole('How long the lock is released. Milliseconds.', 3000, 50, 60_000),
  maxMs: whole('No pulse is ever longer. Milliseconds.', 10_000, 50, 600_000),
  maxHoldMs: whole('The door is never held released longer. Milliseconds.', 3_600_000, 1000, 86_400_000),
  trustBroker: flag(
    'Allow `relay.kind` `mqtt`: whoever holds the broker, or may write to the topic of the relay, then opens this door.',
    false,
  ),
  device: {
    model: choice(
      'What the relay on the network understands: `shelly` (generation 2 and later; `http` or `mqtt`), `shelly-gen1` (`http`), `tasmota` (both), `zigbee2mqtt` (`mqtt`), `own` (the commands below).',
      'shelly',
      deviceModels,
    ),
    address: string(
      'Where it is: by `http` its address, such as `http://192.168.1.20`; by `mqtt` its topic, such as `zigbee2mqtt/front-lock`.',
      '',
    ),
    channel: whole('Which of its relays, from 0.', 0, 0, 31),
    release: deviceCommand(
      'Model `own`: the command that switches it on, as `GET http://…`, `POST http://… BODY`, or over MQTT `TOPIC PAYLOAD`. `{s}` (whole seconds, rounded up) or `{ms}` in it tells the device when to switch off by itself.',
    ),
    lock: deviceCommand('Model `own`: the command that switches it off.'),
    ask: deviceCommand(
      'Model `own`: the command that asks for its state, and moves nothing; without it (`http` only) the device is not asked before it is released, and that it took a command is all there is to know.',
    ),
    reports: string('Model `own` over MQTT: the topic of its reports.', '', /^[^+#\0]*$/, 'a topic without + and #'),
    released: string('Model `own`: what an answer or report holds when it is on, such as `"output":true`.', ''),
    locked: string('Model `own`: what it holds when it is off.', ''),
    endsItself: flag(
      'Model `own` whose `release` holds no `{s}` or `{ms}`: the device is set up to switch off by itself after some seconds.',
      false,
    ),
    timeoutMs: whole(
      'Each answer of the device is waited for so long; a command to release is never sent later. Milliseconds.',
      1500,
      100,
      5000,
    ),
    user: string('User name at the device (`http`); empty: `admin`.', ''),
    passwordFile: string(
      'A file that holds the password at the device (`http`), readable by the service alone; no systemd credential, which is not there after a crash.',
      '',
    ),
    caFile: string("The certificate authority of the device's certificate (`https`, PEM).", ''),
  },
};

export const inputs = {
  kind: choice('Where door contact, exit button and tamper switch are read: `gpiod`, `onoff` (old sysfs interface), or `none`.', 'none', [
    'none',
    'gpiod',
    'onoff',
  ]),
  chip: string('Label of the GPIO chip of the inputs; empty: the chip of the relay.', ''),
  contact: string('Line of the door contact (active: the door is open); empty: none.', ''),
  exit: string('Line of the request-to-exit button (active: pressed); empty: none. People must get out without it too.', ''),
  tamper: string('Line of the tamper switch (active: the case is open); empty: none.', ''),
  activeLow: names('Inputs that are active while their line is low (a switch to ground).', ['contact', 'exit', 'tamper']),
  bias: choice('Resistor that the computer puts on the inputs (gpiod only).', 'pull-up', ['as-is', 'pull-up', 'pull-down']),
  debounceMs: whole('A level counts once it has been the same for so long. Milliseconds.', 50, 0, 5000),
};
