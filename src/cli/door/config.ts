/** `facelatch config`: the effective configuration with the source of every value; the reference; all defaults. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { galleryOf } from '../../adapters/basics.ts';
import { vaultFiles, vaultLock, vaultOf } from '../../adapters/vault.ts';
import { Fault, messageOf } from '../../base/errors.ts';
import { version } from '../../base/version.ts';
import { statusSchema } from '../../command/enrol.ts';
import { plainRequest, signedRequest } from '../../command/gate.ts';
import { commands } from '../../command/registry.ts';
import { replyBody } from '../../command/reply.ts';
import type { Threshold } from '../../identity/port.ts';
import { embedderOf } from '../../learning/networks.ts';
import { asyncApi } from '../../mqtt/asyncapi/document.ts';
import { type Config, defaults, type LoadedConfig } from '../../settings/load.ts';
import { reference } from '../../settings/reference.ts';
import { keyringNotes } from '../../vault/keyring.ts';
import { type CommonOptions, configOf, exitCodes, print, withCommon, withHelp, write } from '../context.ts';
import { layersText } from '../strictness-words.ts';
import { table } from '../words.ts';

interface ConfigOptions extends CommonOptions {
  readonly reference?: boolean;
  readonly defaults?: boolean;
  readonly asyncapi?: boolean;
}

export function configCommand(_stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('config')
    .summary('the effective configuration, with the source of each value')
    .description('Print every setting with its value and its source: default, file, environment or flag. Secrets are not shown.')
    .option('--reference', 'print the reference of all settings (docs/reference/settings.md) instead')
    .option('--defaults', 'print all defaults as a configuration file (config/default.json) instead')
    .option('--asyncapi', 'print the AsyncAPI document of all topics, messages and commands (docs/asyncapi.json) instead');
  withHelp(
    command,
    [
      'facelatch config --config my-door.json',
      'FACELATCH_CAMERA_FPS=10 facelatch config --json',
      'facelatch config --defaults > my-door.json',
    ],
    'the configuration is valid',
  );
  return withCommon(command).action((options: ConfigOptions) => {
    if (options.reference) write(reference().trimEnd());
    else if (options.defaults) write(defaultsText());
    else if (options.asyncapi) write(JSON.stringify(asyncApiDocument(), null, 1));
    else {
      const { sources, config } = configOf(options);
      const threshold = thresholdIn(config);
      const key = vaultIn(config);
      const told = {
        ...(threshold && { [computed]: { value: threshold, source: 'computed' } }),
        ...(key && { vault: { value: key, source: 'computed' } }),
      };
      print(options, { ...effective(sources), ...told }, () =>
        [
          listing(sources),
          ...(threshold?.layers ? [`${computed}  ${threshold.logit.toFixed(2)} = ${layersText(threshold)}`] : []),
          ...(key ? [`vault  key from: ${key.source}${key.locked ? `, LOCKED: ${key.locked}` : ''}`] : []),
        ].join('\n'),
      );
    }
    exit(exitCodes.yes);
  });
}

/** The messages and commands over MQTT, for programs. */
export function asyncApiDocument(): object {
  return asyncApi({ version, commands, plainRequest, signedRequest, reply: replyBody, enrolment: statusSchema });
}

/** All defaults as config/default.json holds them: lists on one line, as the formatter has it. */
export function defaultsText(): string {
  return JSON.stringify(defaults(), null, 2).replace(
    /\[\n\s+([^[\]{}]*?)\n\s+\]/g,
    (_, items: string) => `[${items.replace(/\n\s+/g, ' ')}]`,
  );
}

/** No setting: what the door makes of those above it. */
const computed = 'identity.threshold';

/** Of the people who are enrolled; undefined where there are none yet, or they cannot be read: `doctor` says why. */
function thresholdIn(config: Config): Threshold | undefined {
  if (!existsSync(join(config.state.folder, 'people.sqlite'))) return undefined;
  try {
    using vault = vaultOf(config);
    using gallery = galleryOf(config, embedderOf(config), vault);
    return gallery.threshold;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** Where the key of the vault comes from; undefined where there is no vault yet. */
function vaultIn(config: Config): { readonly source: string; readonly locked?: string } | undefined {
  if (!existsSync(join(config.state.folder, 'vault.sqlite'))) return undefined;
  try {
    const notes = keyringNotes(vaultFiles(config).keyring);
    const lock = notes && vaultLock(config);
    return notes && { source: notes.source, ...(lock && { locked: lock.message }) };
  } catch (error) {
    return { source: 'unknown', locked: messageOf(error) };
  }
}

const hidden = '(hidden)';

/** Whether a secret is set can be seen, its value never. */
function shown({ value, sensitive }: { readonly value: unknown; readonly sensitive: boolean }): unknown {
  return sensitive && value !== '' && value !== undefined ? hidden : value;
}

function effective(sources: LoadedConfig['sources']): object {
  return Object.fromEntries([...sources].map(([path, leaf]) => [path, { value: shown(leaf), source: leaf.source }]));
}

function listing(sources: LoadedConfig['sources']): string {
  return table(
    [...sources].map(([path, leaf]) => {
      const value = shown(leaf);
      return [path, value === hidden ? hidden : JSON.stringify(value), leaf.source === 'default' ? '' : leaf.source];
    }),
  );
}
