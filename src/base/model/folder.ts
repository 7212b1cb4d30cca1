/** The place of a network goes in; the fields of its manifest.json and the verified bytes of its files come out. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Fault } from '../errors.ts';
import { requireAsShipped } from '../shipped.ts';
import { type Fields, type Json, manifestFields } from './fields.ts';
import { requireSelfContained } from './onnx.ts';
import { fileIn, type NetworkPlace, placeName } from './place.ts';

/** How a picture is fed to a network: (value − mean) / std for each channel, in this layout and colour order. */
export interface NetworkInput {
  readonly name: string;
  readonly layout: 'NCHW' | 'NHWC';
  readonly channels: 'RGB' | 'BGR';
  readonly width: number;
  readonly height: number;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

export interface NetworkFolder {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  /** The verified bytes of the ONNX file: what was checked is what runs. */
  readonly bytes: Uint8Array;
  readonly input: NetworkInput;
}

const schemaRead = 1;

/** The manifest of a network of this kind, unchecked beyond that, and its SHA-256. Faults as for `openManifest`. */
export function manifestIn(place: NetworkPlace, kind: string, setting: string): { readonly fields: Fields; readonly sha256: string } {
  const folder = placeName(place);
  const file = join(folder, 'manifest.json');
  const manifest = fileIn(place, 'manifest.json');
  if (!manifest)
    throw new Fault('model-missing', `No network at ${folder}: it has no manifest.json. Set ${setting} to a folder that holds one`);
  let json: Json;
  try {
    json = JSON.parse(Buffer.from(manifest).toString('utf8'));
  } catch (error) {
    throw new Fault('model-damaged', `${file} is not JSON: restore it`, error);
  }
  const fields = manifestFields(file, json);
  if (fields.at('kind') !== kind) fields.unfit('kind', `"${kind}"`);
  if ((fields.at('schema') ?? schemaRead) !== schemaRead) fields.unfit('schema', `${schemaRead}, the form that this version reads`);
  return { fields, sha256: sha256Of(manifest) };
}

export function openManifest(
  place: NetworkPlace,
  kind: string,
  setting: string,
): { fields: Fields; network: Omit<NetworkFolder, 'input'> } {
  const folder = placeName(place);
  const { fields, sha256: manifest } = manifestIn(place, kind, setting);
  const { bytes, sha256 } = checkedFile(fields, place, '');
  requireAsShipped(folder, { manifest, file: sha256 });
  const name = fields.text('name');
  requireSelfContained(bytes, name);
  return { fields, network: { folder, name, version: fields.text('version'), sha256, bytes } };
}

export const sha256Of = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex');

/** Reads the file that `${path}file` names and compares it with `${path}sha256`. */
export function checkedFile(
  fields: Fields,
  place: NetworkPlace,
  path: '' | 'adapter.' | `networks.${number}.`,
): { bytes: Uint8Array; sha256: string } {
  const folder = placeName(place);
  const name = fields.text(`${path}file`);
  const file = join(folder, name);
  const manifest = join(folder, 'manifest.json');
  const bytes = fileIn(place, name);
  if (!bytes) throw new Fault('model-missing', `The network file ${file} named by ${manifest} is missing: restore the folder`);
  const sha256 = sha256Of(bytes);
  const want = fields.text(`${path}sha256`).toLowerCase();
  if (sha256 === want) return { bytes, sha256 };
  throw new Fault(
    'model-damaged',
    `${file} is not the file its manifest describes: its SHA-256 is ${sha256}, the manifest says ${want}. Restore the folder; an altered network must not guard a door`,
  );
}

export function inputOf(fields: Fields): NetworkInput {
  return {
    name: fields.text('input.name'),
    layout: fields.choice('input.layout', ['NCHW', 'NHWC'], 'NCHW'),
    channels: fields.choice('input.channels', ['RGB', 'BGR']),
    width: fields.number('input.width', 16, 4096),
    height: fields.number('input.height', 16, 4096),
    mean: fields.triple('input.mean', Number.NEGATIVE_INFINITY),
    std: fields.triple('input.std', Number.MIN_VALUE),
  };
}
