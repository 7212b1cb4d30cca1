/**
 * All settings of facelatch, in the order of the reference. The files beside this one hold each setting's default, its
 * bounds and its help text.
 */
import { backup } from './backup.ts';
import { web } from './console.ts';
import { type ConfigOf, isLeaf, type Leaf } from './kinds.ts';
import { farm, retrain, trainer } from './learning.ts';
import { liveness } from './liveness.ts';
import { access, inputs, relay } from './opening.ts';
import { privacy } from './privacy.ts';
import { camera, door, enrolment, face, identity, state } from './seeing.ts';
import { log, metrics, mqtt } from './telling.ts';
import { vault } from './vault.ts';

export const settingsSchema = {
  door,
  state,
  vault,
  backup,
  camera,
  face,
  identity,
  enrolment,
  privacy,
  liveness,
  access,
  relay,
  inputs,
  mqtt,
  console: web,
  retrain,
  metrics,
  farm,
  trainer,
  log,
};

/** What each section of the configuration is for, in one sentence. */
export const sections: Readonly<Record<keyof typeof settingsSchema, string>> = {
  door: 'The name of this door.',
  state: 'Where the daemon keeps its data.',
  vault: 'Where the key comes from that protects faces and what belongs to them at rest.',
  backup: 'Who can open the backups of this door, when it takes them and where they lie.',
  camera: 'Which camera is read and when it counts as broken; `camera.replay` plays pictures, a video or the demo instead of a camera.',
  face: 'The networks that find and embed faces, and in `face.quality` how good a face must be before it is compared.',
  identity: 'How strictly a face is compared with the enrolled people.',
  enrolment: 'Limits for enrolling people over MQTT.',
  privacy: 'Consent, and how long personal data is kept.',
  liveness: 'Whether it is a living face or a picture of one: the policy, the networks, and what a visitor may be asked to do.',
  access: 'When the door opens, and for whom: votes, lock-out, groups, schedules, PIN and second person, alarms.',
  relay: 'What opens the lock, and for how long; `relay.device` describes a relay on the network.',
  inputs: 'Door contact, exit button and tamper switch on GPIO lines.',
  mqtt: 'The MQTT broker, commands over MQTT, and in `mqtt.homeAssistant` what Home Assistant is told.',
  console: 'The web page of this door: who reaches it, and how.',
  retrain: 'Learning at this door: the recipe, the schedule, which pictures are kept, and when a new network is taken back.',
  metrics: 'Metrics for Prometheus.',
  farm: 'The Redis or Valkey server through which trainers learn for this door; a trainer uses these settings too.',
  trainer: 'This machine as a trainer for doors (`facelatch trainer`).',
  log: 'The log of the program. The journal is separate.',
};

/** The values of all settings. */
export type SettingValues = ConfigOf<typeof settingsSchema>;

/** All settings by their dotted paths. */
export function leaves(): ReadonlyMap<string, Leaf<unknown>> {
  const found = new Map<string, Leaf<unknown>>();
  const walk = (node: object, path: string) => {
    for (const [key, value] of Object.entries(node)) {
      const at = path ? `${path}.${key}` : key;
      if (isLeaf(value)) found.set(at, value);
      else walk(value, at);
    }
  };
  walk(settingsSchema, '');
  return found;
}

/** `camera.retryMinMs` → `FACELATCH_CAMERA_RETRY_MIN_MS`. */
export function envName(path: string): string {
  return `FACELATCH_${path
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}
