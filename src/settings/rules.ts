/**
 * The rules between settings: a configuration of allowed values goes in, the combinations that make no sense come out.
 */

import { resolve } from 'node:path';
import { cameraAddress, needsTrust, plainRemedy } from '../base/network/camera-address.ts';
import { hasTimer, isHttpCall, isMqttMessage } from '../base/network/device-command.ts';
import type { SettingValues } from './schema.ts';

export interface Problem {
  readonly path: string;
  readonly text: string;
}

/** Whether the rule is broken, the setting to blame, and why. */
type Rule = readonly [broken: boolean, path: string, why: string];

/** Whether only this machine reaches the address. */
export const isOnlyHere = (address: string): boolean => /^(127(\.\d+){3}|::1|localhost)$/.test(address);

/** Settings that are allowed one by one and make no sense together. `from` tells where a value came from. */
export function impossible(config: SettingValues, from: (path: string) => string): Problem[] {
  const { access, backup, camera, inputs, liveness, metrics, mqtt, privacy, relay, state } = config;
  const rules: Rule[] = [
    [
      access.votes > access.window,
      'access.votes',
      `${access.votes} votes are impossible among ${access.window} frames; access.window must be at least access.votes`,
    ],
    ...cameraRules(camera),
    [
      camera.stillMs > 0 && camera.stillMs < 10_000,
      'camera.stillMs',
      `${camera.stillMs} is too short: some cameras send nothing new for some seconds; give at least 10000, or 0`,
    ],
    [
      camera.retryMinMs > camera.retryMaxMs,
      'camera.retryMinMs',
      `${camera.retryMinMs} is more than camera.retryMaxMs (${camera.retryMaxMs})`,
    ],
    ...Object.entries(access.groups).map(
      ([name, { schedule }]): Rule => [
        schedule !== undefined && !(schedule in access.schedules),
        'access.groups',
        `the group "${name}" has the schedule "${schedule}", which is not in access.schedules (${Object.keys(access.schedules).join(', ') || 'none'})`,
      ],
    ),
    ...access.admits.map(
      (name): Rule => [
        !(name in access.groups),
        'access.admits',
        `"${name}" is not a group in access.groups (${Object.keys(access.groups).join(', ') || 'none'})`,
      ],
    ),
    ...Object.keys(liveness.schedules).map(
      (name): Rule => [
        !(name in access.schedules),
        'liveness.schedules',
        `"${name}" is not a schedule in access.schedules (${Object.keys(access.schedules).join(', ') || 'none'})`,
      ],
    ),
    ...(['chip', 'line'] as const).map(
      (name): Rule => [
        (relay.kind === 'gpiod' || relay.kind === 'onoff') && relay[name] === '',
        `relay.${name}`,
        `is empty; relay.kind "${relay.kind}" needs the label of the chip and the name of the line (facelatch relay lines shows them)`,
      ],
    ),
    [
      inputs.kind !== 'none' && inputs.chip === '' && relay.chip === '',
      'inputs.chip',
      'is empty, and so is relay.chip: give the label of the GPIO chip (facelatch relay lines shows them)',
    ],
    [
      inputs.activeLow.some((name) => !['contact', 'exit', 'tamper'].includes(name)),
      'inputs.activeLow',
      'takes contact, exit and tamper only',
    ],
    ...consoleRules(config),
    [
      metrics.enabled && !metrics.anyAddress && !isOnlyHere(metrics.host),
      'metrics.host',
      `${metrics.host} can be reached by other machines, which can then see when people come and go; if that is intended, set metrics.anyAddress to true`,
    ],
    ...deviceRules(relay),
    ...backupRules(backup, state.folder),
    ...lampRules(config),
    ...credentialRules(config),
    [
      mqtt.homeAssistant.enabled && !mqtt.enabled,
      'mqtt.homeAssistant.enabled',
      'needs a broker: set mqtt.enabled to true and mqtt.url to the broker of Home Assistant',
    ],
    ...farmRules(config),
    ...privacyRules(privacy),
    [relay.pulseMs > relay.maxMs, 'relay.pulseMs', `${relay.pulseMs} is more than relay.maxMs (${relay.maxMs})`],
  ];
  return rules.filter(([broken]) => broken).map(([, path, why]) => ({ path, text: `${path}: ${why} (from ${from(path)})` }));
}

function backupRules({ folder, schedule }: SettingValues['backup'], stateFolder: string): Rule[] {
  const within = `${resolve(folder)}/`.startsWith(`${resolve(stateFolder)}/`);
  return [
    [schedule !== '' && folder === '', 'backup.schedule', 'needs backup.folder, where the backups are written'],
    [
      folder !== '' && within,
      'backup.folder',
      `${folder} lies in state.folder, and would be lost with it: give a folder elsewhere, best on another disk`,
    ],
  ];
}

function farmRules({ farm, retrain }: SettingValues): Rule[] {
  return [
    [
      retrain.where === 'farm' && (farm.url === '' || farm.trainers.length === 0),
      farm.url === '' ? 'farm.url' : 'farm.trainers',
      'is empty; retrain.where "farm" needs the address of Redis and the cards of the trainers (docs/learn/farm.md)',
    ],
  ];
}

function privacyRules({ unusedDays, unusedNoticeDays, journalDays }: SettingValues['privacy']): Rule[] {
  return [
    [
      unusedDays > 0 && journalDays > 0 && journalDays < unusedDays + unusedNoticeDays,
      'privacy.unusedDays',
      `${unusedDays} and privacy.unusedNoticeDays (${unusedNoticeDays}) reach further back than privacy.journalDays (${journalDays}): the journal would not know when somebody last came`,
    ],
  ];
}

const consoleRules = ({ console: web, camera, relay }: SettingValues): Rule[] => [
  [
    camera.source === 'browser' && relay.kind !== 'dry',
    'camera.source',
    'is "browser", which shows the door whatever somebody sends: it is for trying out, with relay.kind "dry"',
  ],
  [camera.source === 'browser' && !web.enabled, 'camera.source', 'is "browser", which needs the console: set console.enabled to true'],
  [
    web.tls === 'off' && !isOnlyHere(web.address) && web.ingress.length === 0,
    'console.tls',
    `is off and console.address is ${web.address}: passwords would cross the network in the clear; set console.tls to auto, or name the proxy in console.ingress`,
  ],
  [
    (web.certificateFile === '') !== (web.keyFile === ''),
    web.keyFile === '' ? 'console.keyFile' : 'console.certificateFile',
    'is empty: a certificate and its key are given together',
  ],
];

function cameraRules({ source, url, urlFile, trustNetwork }: SettingValues['camera']): Rule[] {
  if (source !== 'rtsp') return [];
  const at = cameraAddress(url);
  const missing = 'is empty; camera.source "rtsp" needs the address of the camera, here or in the file camera.urlFile';
  if (urlFile !== '')
    return [[url !== '', 'camera.urlFile', 'is set, and camera.url too; the address of the camera belongs in one of them']];
  if (typeof at === 'string') return [[true, 'camera.url', url === '' ? missing : at]];
  return [[needsTrust(at) && !trustNetwork, 'camera.url', plainRemedy(at.scheme)]];
}

/**
 * systemd gives credentials only to the main process (github.com/systemd/systemd/issues/32583), not to ExecStopPost,
 * which makes the relay safe.
 */
function credentialRules({ relay, mqtt }: SettingValues): Rule[] {
  const files = {
    http: { 'relay.device.passwordFile': relay.device.passwordFile },
    mqtt: { 'mqtt.passwordFile': mqtt.passwordFile, 'mqtt.keyFile': mqtt.keyFile },
  };
  if (relay.kind !== 'http' && relay.kind !== 'mqtt') return [];
  return Object.entries(files[relay.kind]).map(
    ([path, file]): Rule => [
      file.startsWith('/run/credentials/'),
      path,
      `${file} is a systemd credential, and ExecStopPost, which makes the relay safe after a crash, cannot read those; use a file that only the service can read, such as /etc/facelatch/relay-password (chown facelatch, chmod 400)`,
    ],
  );
}

/** The lamp of a challenge: it must be there for `light`, and it must not be what opens the lock or reads an input. */
function lampRules({ liveness: { challenges, light }, relay, inputs, mqtt }: SettingValues): Rule[] {
  const { gpio, mqtt: behind } = light;
  const chip = gpio.chip || relay.chip;
  const isOnGpio = relay.kind === 'gpiod' || relay.kind === 'onoff';
  const inputChip = inputs.chip || relay.chip;
  const input = inputs.kind === 'none' ? undefined : (['contact', 'exit', 'tamper'] as const).find((name) => inputs[name] === gpio.line);
  return [
    [
      challenges.includes('light') && gpio.line === '' && behind.topic === '',
      'liveness.challenges',
      'names light, which needs a lamp: give it in liveness.light.gpio or liveness.light.mqtt, or take light out',
    ],
    [gpio.line !== '' && chip === '', 'liveness.light.gpio.chip', 'is empty, and so is relay.chip: give the label of the GPIO chip'],
    [
      gpio.line !== '' && isOnGpio && gpio.line === relay.line && chip === relay.chip,
      'liveness.light.gpio.line',
      `"${gpio.line}" is the line of the lock (relay.line): a challenge would open the door; name the line of a lamp`,
    ],
    [
      gpio.line !== '' && input !== undefined && chip === inputChip,
      'liveness.light.gpio.line',
      `"${gpio.line}" is the line of an input (inputs.${input}): name the line of a lamp`,
    ],
    [behind.topic !== '' && !mqtt.enabled, 'liveness.light.mqtt.topic', 'needs a broker: set mqtt.enabled to true and mqtt.url'],
    [
      behind.topic !== '' && isTopicOfLock(behind.topic, relay),
      'liveness.light.mqtt.topic',
      `"${behind.topic}" is a topic of the lock (relay.device): a challenge would open the door; name the topic of a lamp`,
    ],
    [
      behind.topic === mqtt.prefix || behind.topic.startsWith(`${mqtt.prefix}/`),
      'liveness.light.mqtt.topic',
      `"${behind.topic}" is one of facelatch's own topics (mqtt.prefix): name the topic of a lamp`,
    ],
  ];
}

/** A topic of the device that opens the lock; one that is reached by HTTP may have MQTT too. */
function isTopicOfLock(topic: string, { device }: SettingValues['relay']): boolean {
  const own = [device.address.replace(/\/+$/, ''), ...[device.release, device.lock, device.ask].map((text) => text.split(' ')[0] ?? '')];
  return own.some((one) => one !== '' && (topic === one || `/${topic}/`.includes(`/${one}/`)));
}

/** A value as a message may show it: an address may contain a password. */
const shown = (text: string): string => (text === '' ? 'is empty' : text.includes('@') ? 'is none' : JSON.stringify(text));

/** What a network relay needs, and what makes no sense with one. */
function deviceRules({ kind, device, trustBroker, wiring, activeLow }: SettingValues['relay']): Rule[] {
  if (kind !== 'http' && kind !== 'mqtt') return [];
  const { model, address, channel, release, ask, reports, released, locked, endsItself } = device;
  const own = model === 'own';
  const fits = kind === 'http' ? isHttpCall : (text: string) => isMqttMessage(text) && !isHttpCall(text);
  const only = { 'shelly-gen1': 'http', zigbee2mqtt: 'mqtt' } as const;
  const other = model === 'shelly-gen1' || model === 'zigbee2mqtt' ? only[model] : kind;
  const form = kind === 'http' ? 'GET http://… or POST http://… BODY' : 'TOPIC PAYLOAD';
  return [
    [
      kind === 'mqtt' && !trustBroker,
      'relay.kind',
      'is "mqtt", which puts the lock behind the broker: whoever controls the broker, or may write to the topic of the relay, can open the door without facelatch; use "http" or a GPIO line, or, if that is intended, set relay.trustBroker to true',
    ],
    [other !== kind, 'relay.device.model', `"${model}" is reached with relay.kind "${other}"`],
    [
      !own && kind === 'http' && !/^https?:\/\/[^\s/@?#]+\/?$/.test(address),
      'relay.device.address',
      `${shown(address)}; relay.kind "http" needs the address of the device, such as http://192.168.1.20, without path; user and password go into relay.device.user and relay.device.passwordFile`,
    ],
    [
      !own && kind === 'mqtt' && !/^[^+#\s]+$/.test(address),
      'relay.device.address',
      `${shown(address)}; relay.kind "mqtt" needs the topic of the device, such as zigbee2mqtt/front-lock`,
    ],
    ...(['release', 'lock'] as const).map(
      (name): Rule => [
        own && !fits(device[name]),
        `relay.device.${name}`,
        `${shown(device[name])}; relay.device.model "own" with relay.kind "${kind}" needs a command ${form}`,
      ],
    ),
    [own && ask !== '' && !fits(ask), 'relay.device.ask', `${shown(ask)}; relay.kind "${kind}" needs a command ${form}`],
    [
      own && release !== '' && !hasTimer(release) && !endsItself,
      'relay.device.release',
      'does not tell the device when to switch off by itself: if facelatch, its computer or the network failed, the door would stay open; put {s} or {ms} where the device takes a time, or set the device up so that it switches off after some seconds and set relay.device.endsItself to true',
    ],
    [
      own && kind === 'mqtt' && (ask === '' || reports === ''),
      `relay.device.${ask === '' ? 'ask' : 'reports'}`,
      'is empty; over MQTT only the report of the device itself, when it was asked, shows that it is there and has obeyed',
    ],
    [
      own && ask !== '' && (released === '' || locked === ''),
      `relay.device.${released === '' ? 'released' : 'locked'}`,
      'is empty; give what the answer to relay.device.ask holds when the relay is on, and when it is off',
    ],
    [
      own && channel !== 0,
      'relay.device.channel',
      'has no meaning with relay.device.model "own", whose commands name the relay themselves',
    ],
    [
      wiring === 'fail-safe',
      'relay.wiring',
      `is "fail-safe"; a relay on the network switches off by itself, which would open such a door: wire the magnet to the relay's normally closed contact and leave relay.wiring at "fail-secure"`,
    ],
    [activeLow, 'relay.activeLow', `has no meaning with relay.kind "${kind}"`],
  ];
}
