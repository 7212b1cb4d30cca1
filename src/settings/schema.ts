/** Every setting of facelatch, in the order of the reference: its default, what is allowed and its help text stand in the files beside this one. */
import { type ConfigOf, isLeaf, type Leaf } from './kinds.ts';
import { farm, retrain, trainer } from './learning.ts';
import { access, inputs, relay } from './opening.ts';
import { camera, door, enrolment, face, identity, state } from './seeing.ts';
import { log, metrics, mqtt } from './telling.ts';

export const settingsSchema = {
  door,
  state,
  camera,
  face,
  identity,
  enrolment,
  access,
  relay,
  inputs,
  mqtt,
  retrain,
  metrics,
  farm,
  trainer,
  log,
};

/** The values of all settings. */
export type SettingValues = ConfigOf<typeof settingsSchema>;

/** Every setting by its dotted path. */
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
