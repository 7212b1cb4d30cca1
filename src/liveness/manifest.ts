/**
 * The folder of the liveness networks goes in; the checked fields of its manifest and the verified bytes of its files
 * come out. Networks of other authors need no code, only a manifest.
 */
import { checkedFile, inputOf, manifestIn, type NetworkFolder, type NetworkInput, openManifest, sha256Of } from '../base/model/folder.ts';
import { requireSelfContained } from '../base/model/onnx.ts';
import { requireAsShipped } from '../base/shipped.ts';
import type { LivenessInfo } from './port.ts';

/** Which output says how live a face is. */
export type LiveOutput =
  /** One logit; higher is live. `features`: the output to compare with a person's own visits, if there is one. */
  | { readonly kind: 'logit'; readonly name: string; readonly features?: string }
  /** A logit for each class; one of them is `live`. */
  | { readonly kind: 'classes'; readonly name: string; readonly count: number; readonly live: number };

export interface LivenessNetworks {
  readonly info: LivenessInfo;
  readonly input: NetworkInput;
  readonly output: LiveOutput;
  /** The logit from which on a face is live. */
  readonly threshold: number;
  readonly networks: readonly { readonly name: string; readonly file: string; readonly bytes: Uint8Array }[];
}

const mostNetworks = 4;

/**
 * Opens the folder of the liveness networks.
 * @throws Fault `model-missing`, `model-damaged` (a hash) or `model-unfit` (a field).
 */
export function openLivenessNetworks(folder: string): LivenessNetworks {
  const { fields, sha256: manifest } = manifestIn(folder, 'liveness', 'liveness.networks');
  const list = fields.at('networks');
  if (!Array.isArray(list) || list.length < 1 || list.length > mostNetworks)
    return fields.unfit('networks', `a list of 1 to ${mostNetworks} networks`);
  const opened = list.map((_, at) => {
    const { bytes, sha256 } = checkedFile(fields, folder, `networks.${at}.`);
    const file = fields.text(`networks.${at}.file`);
    return { name: fields.text(`networks.${at}.name`), file, scale: fields.number(`networks.${at}.crop.scale`, 1, 8), bytes, sha256 };
  });
  const sha256 = sha256Of(opened.map((network) => network.sha256).join(' '));
  requireAsShipped(folder, { manifest, file: sha256 });
  for (const { name, bytes } of opened) requireSelfContained(bytes, name);
  const input = inputOf(fields);
  if (input.width !== input.height) fields.unfit('input', 'a square');
  return {
    info: {
      name: fields.text('name'),
      version: fields.text('version'),
      sha256,
      scales: opened.map(({ scale }) => scale),
      side: input.width,
    },
    input,
    output: outputOf(fields),
    threshold: fields.number('threshold', -1e6, 1e6),
    networks: opened.map(({ name, file, bytes }) => ({ name, file, bytes })),
  };
}

function outputOf(fields: ReturnType<typeof manifestIn>['fields']): LiveOutput {
  const classes = fields.at('output.classes');
  if (classes === undefined) {
    if (fields.at('output.live') === undefined) fields.unfit('output', 'an output "live" (one logit), or "name" and "classes"');
    return { kind: 'logit', name: 'live', ...(fields.at('output.features') !== undefined && { features: 'features' }) };
  }
  if (!Array.isArray(classes) || classes.length < 2 || classes.filter((each) => each === 'live').length !== 1)
    return fields.unfit('output.classes', 'a list of classes, one of which is "live"');
  return { kind: 'classes', name: fields.text('output.name'), count: classes.length, live: classes.indexOf('live') };
}

/** The network that tells whether an eye is open. `output.open`: which of its numbers is the probability of that. */
export interface EyeNetwork extends NetworkFolder {
  readonly output: { readonly name: string; readonly open: number };
}

/** Opens the folder of the network of the eyes. Faults as above. */
export function openEyeNetwork(folder: string): EyeNetwork {
  const { fields, network } = openManifest(folder, 'eye-state', 'liveness.networks');
  const values = fields.at('output.values');
  const open = Array.isArray(values) ? values.indexOf('open') : -1;
  if (open < 0) fields.unfit('output.values', 'a list that has "open"');
  return { ...network, input: inputOf(fields), output: { name: fields.text('output.name'), open } };
}
