/** `facelatch config`: the effective configuration with the source of every value; the reference; all defaults. */
import { Command } from 'commander';
import { version } from '../../base/version.ts';
import { statusSchema } from '../../command/enrol.ts';
import { plainRequest, signedRequest } from '../../command/gate.ts';
import { commands } from '../../command/registry.ts';
import { replyBody } from '../../command/reply.ts';
import { asyncApi } from '../../mqtt/asyncapi/document.ts';
import { defaults, type LoadedConfig } from '../../settings/load.ts';
import { reference } from '../../settings/reference.ts';
import { type CommonOptions, configOf, exitCodes, print, withCommon, withHelp, write } from '../context.ts';
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
      const { sources } = configOf(options);
      print(options, effective(sources), () => listing(sources));
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
